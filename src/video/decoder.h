#pragma once

#include <memory>
#include <optional>
#include <string>

#include "video/colour.h"
#include "video/ffmpeg.h"
#include "video/input.h"
#include "video/orientation.h"
#include "video/reader.h"

namespace starling::video {

// A decoded frame with its time in Decoder::time_base().
struct TimedPicture {
  Picture picture;
  std::int64_t time = 0;      // never less than the frame before it
  std::int64_t duration = 1;  // at least 1
  bool has_duration = false;  // the file says so; else it is a guess
};

// The frames of one file in the order they are shown, each once.
class Decoder {
 public:
  // name: what messages call the file.
  static base::Result<std::unique_ptr<Decoder>> open(std::unique_ptr<Input> input, std::string name,
                                                     const ReaderOptions& options);

  // False after the last.
  base::Result<bool> next(TimedPicture& out);

  AVRational time_base() const { return stream_->time_base; }
  const VideoInfo& info() const { return info_; }

 private:
  base::Status start();
  base::Status check_pixels(std::int64_t width, std::int64_t height) const;
  base::Status check_complete();
  // Nothing when the stream has ended.
  base::Result<bool> decode();
  base::Status feed();
  base::Status deliver(TimedPicture& out);
  base::Error damaged(const std::string& why) const;
  base::Error refused(int status) const;  // by the library

  std::unique_ptr<Input> input_;  // before the demuxer, which reads from it
  std::string name_;
  ReaderOptions options_;
  DemuxerPointer demuxer_;
  CodecContextPointer context_;
  FramePointer frame_;
  PacketPointer packet_;
  AVStream* stream_ = nullptr;
  RgbFromFrame converter_;
  Orientation orientation_;
  VideoInfo info_;
  std::optional<TimedPicture> first_;  // decoded while opening
  std::int64_t origin_ = 0;
  std::int64_t last_time_ = 0;
  int decoded_ = 0;
};

}  // namespace starling::video
