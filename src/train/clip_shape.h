#pragma once

#include <cstdint>

namespace starling::train {

// The size of a clip: pixels, frames, frames a second.
struct ClipShape {
  int width = 64;
  int height = 64;
  int frames = 17;
  double fps = 8;
};

// Which compositions of the world a clip may show: those trained on, those kept out of training, or both.
enum class Split : std::uint8_t { kTrain, kHeldOut, kAny };

}  // namespace starling::train
