#include "video/ffmpeg.h"

#include <array>

namespace starling::video {

void silence_library() { av_log_set_level(AV_LOG_QUIET); }

void FreeMuxer::operator()(AVFormatContext* muxer) const {
  if (muxer->pb != nullptr) avio_closep(&muxer->pb);
  avformat_free_context(muxer);
}

std::string ffmpeg_reason(int number) {
  std::array<char, AV_ERROR_MAX_STRING_SIZE> text{};
  if (av_strerror(number, text.data(), text.size()) < 0) return "error " + std::to_string(number);
  return text.data();
}

}  // namespace starling::video
