#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/result.h"
#include "train/world/stage.h"
#include "train/world/truth.h"

namespace starling::train::world {

// One clip of the world: what was to happen, what happened, and what can be seen of it. Its pixels are drawn and its
// captions written from this.
struct Take {
  ClipShape shape;
  Plot plot = Plot::kSingle;
  Scenario scenario;  // its story is true: every clause happened, at its time
  Course course;
  ClipTruth truth;
};

struct TakeOptions {
  ClipShape shape;
  Split split = Split::kTrain;  // kHeldOut: the first actor is of a composition that is never trained on
  // Chosen at random unless given; what cannot be staged in a clip so short gives way to Plot::kSingle.
  std::optional<Plot> plot;
  std::optional<Gravity> gravity;
  std::optional<Camera> camera;  // kFollow gives way where nothing travels
};

// Errors: sides that are not multiples of 8 from 32 to 1024, frames not from 1 to 4096, a rate not in (0, 240] frames a
// second, more than two minutes.
base::Status check(const ClipShape& shape);

// The take of a seed. A pure function of seed and options, see simulate(). Precondition: check(options.shape).
Take take(std::uint64_t seed, const TakeOptions& options = {});

// Frames × height × width × 3 bytes, RGB.
std::vector<std::uint8_t> pixels(const Take& take);

}  // namespace starling::train::world
