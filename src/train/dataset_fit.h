#pragma once

#include <cstdint>
#include <vector>

#include "video/frames.h"

namespace starling::train {

// A picture scaled until it just covers width × height, keeping its aspect, and cut to that size around its middle.
// Each pixel is the average of the source under it, over one source pixel at least (linear interpolation when
// enlarging), in double with halves rounded up. Preconditions: both sizes are positive.
std::vector<std::uint8_t> cover(const video::FrameView& picture, int width, int height);

}  // namespace starling::train
