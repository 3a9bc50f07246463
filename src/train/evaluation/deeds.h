#pragma once

#include <optional>
#include <vector>

#include "train/evaluation/tracks.h"
#include "train/world/scenario.h"

namespace starling::train::evaluation {

using world::Act;
using world::Direction;

// Something that a thing is seen to do.
struct Deed {
  Act act = Act::kStay;
  std::size_t subject = 0;  // of the tracks
  std::size_t object = world::kNobody;
  Direction direction = Direction::kNone;
  double time = 0.0;  // when it begins, seconds
};

// All that is done in a clip. What a thing does of its own accord, to stay, fall, bounce, travel, fly, swing, descend
// or be launched, is one of these, but that it may travel before it drops off a ledge; the rest comes beside it.
std::vector<Deed> read_deeds(const Tracks& tracks, double seconds);

}  // namespace starling::train::evaluation
