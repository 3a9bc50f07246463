#pragma once

#include <optional>
#include <vector>

#include "base/result.h"
#include "train/evaluation/deeds.h"
#include "train/evaluation/surroundings.h"
#include "train/evaluation/tracks.h"

namespace starling::train::evaluation {

// All that is read from a video, by its pixels alone: nothing of how it was made.
struct Reading {
  Surroundings surroundings;
  world::Camera camera = world::Camera::kStill;
  Tracks tracks;
  std::vector<Deed> deeds;
  std::optional<double> flicker;  // of the sky, see Quantity::kFlicker; of three frames or more
  double seconds = 0;             // from the first frame to the last
};

// About 80 ms for 17 frames of 64×64. An error unless the clip's bytes match its size, it has 1 to 4096 frames, sides
// of 32 to 1024 and a rate in (0, 240].
base::Result<Reading> read_clip(const ClipView& clip);

}  // namespace starling::train::evaluation
