#pragma once

#include <cstdint>
#include <vector>

#include "video/frames.h"

namespace starling::video {

// A picture scaled until it just covers width × height, keeping its aspect, and cut to that size around its middle.
// Each pixel is the average of the source under it, over one source pixel at least (linear interpolation when
// enlarging), in double with halves rounded up. pixel_aspect: width to height of a pixel of the picture, as
// VideoInfo has it. Preconditions: all sizes are positive.
std::vector<std::uint8_t> cover(const FrameView& picture, int width, int height, Rate pixel_aspect = {1, 1});

}  // namespace starling::video
