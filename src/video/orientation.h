#pragma once

#include <cstdint>

#include "video/frames.h"

namespace starling::video {

// One of the eight ways to lay a picture down: transposed first, then mirrored.
struct Orientation {
  bool transposed = false;  // rows become columns
  bool mirrored_across = false;
  bool mirrored_down = false;

  bool operator==(const Orientation&) const = default;
};

// The nearest of the eight to a display matrix: nine numbers that map (x, y, 1) to (x', y', w), row vector times
// matrix, as ISO/IEC 14496-12 stores them in a track header. Null gives the picture as it is.
Orientation orientation_of(const std::int32_t* matrix);

void orient(Orientation orientation, Picture& picture);

}  // namespace starling::video
