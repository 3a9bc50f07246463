#include "video/ffmpeg.h"

#include <array>
#include <atomic>

#include "video/log.h"

namespace starling::video {

namespace {

std::atomic<bool> library_log_shown{false};

}  // namespace

void show_library_log(bool show) {
  library_log_shown = show;
  apply_library_log();
}

void apply_library_log() { av_log_set_level(library_log_shown ? AV_LOG_INFO : AV_LOG_QUIET); }

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
