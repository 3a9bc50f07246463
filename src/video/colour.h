#pragma once

#include <cstdint>
#include <vector>

#include "video/ffmpeg.h"
#include "video/frames.h"

namespace starling::video {

// From 8-bit sRGB to what an encoder takes. Y'CbCr is BT.709, limited range, 4:2:0 chroma sited to the left; every
// conversion is bit-exact, whatever the CPU. Not thread safe.
class FrameFromRgb {
 public:
  // format: rgb24, gbrp, yuv420p, yuv444p or pal8.
  static base::Result<FrameFromRgb> open(int width, int height, AVPixelFormat format);

  // The returned frame is reused by the next call unless the encoder kept a reference to its buffers.
  base::Result<AVFrame*> convert(const FrameView& picture);

 private:
  FramePointer frame_;
  ScalerPointer scaler_;
  std::vector<std::uint8_t> padded_;  // the picture and what may be read beyond it
};

// From any frame a decoder gives to 8-bit sRGB: colour matrix and range as the frame says (unspecified: BT.709 from
// 1280 pixels of width or 577 of height on, else BT.601; limited range), transparent parts over black. Not thread safe.
class RgbFromFrame {
 public:
  base::Status convert(const AVFrame& frame, Picture& out);

 private:
  struct Source {
    int width = 0, height = 0, format = -1, matrix = 0, range = 0, siting = 0;
    bool operator==(const Source&) const = default;
  };
  base::Status prepare(const AVFrame& frame, AVPixelFormat target);

  Source source_;
  ScalerPointer scaler_;
  std::vector<std::uint8_t> rgba_;
};

}  // namespace starling::video
