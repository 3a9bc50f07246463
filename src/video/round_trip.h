#pragma once

#include <deque>
#include <memory>

#include "video/encoder.h"

namespace starling::video {

// What frames look like after a codec: encoded as H.264 4:2:0 at a constant rate factor and decoded again, in memory.
// Odd sizes are padded by repeating the last column and row, so that their chroma is halved as well. Not thread safe.
class RoundTrip {
 public:
  static base::Result<std::unique_ptr<RoundTrip>> open(int width, int height, Rate rate, int quality);

  base::Status send(const FrameView& frame);
  base::Status flush();
  // Decoded frames in the order they were sent; false when there is none yet.
  bool receive(Picture& out);

 private:
  base::Status drain();
  base::Status decode(const AVPacket* packet);

  int width_ = 0;
  int height_ = 0;
  std::unique_ptr<Encoder> encoder_;
  CodecContextPointer decoder_;
  FramePointer frame_;
  RgbFromFrame converter_;
  Picture padded_;
  std::deque<Picture> done_;
};

}  // namespace starling::video
