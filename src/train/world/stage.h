#pragma once

#include "train/clip_shape.h"
#include "train/world/random.h"
#include "train/world/scenario.h"

namespace starling::train::world {

// What a plot has to work with.
struct Stage {
  double seconds = 2.0;          // of the clip
  double half_width = 7.8;       // metres to both sides of x = 0 that stay in view, whatever the camera does
  double height = 13.0;          // metres over the ground that stay in view
  double view_half_width = 8.0;  // metres beyond which nothing is in view
  double view_height = 13.25;
  double follow = 0.15;  // chance of a camera that follows what travels alone
  Split split = Split::kTrain;
};

// Chooses things. The first cast is the one that a held-out scenario holds out; in training nobody is held out.
class Casting {
 public:
  Casting(Random& random, Split split) : random_(random), split_(split) {}

  // Bits of Shape.
  using Shapes = unsigned;
  static constexpr Shapes kAll = 0b1111;
  static constexpr Shapes kBalls = 0b0001;
  static constexpr Shapes kFlat = 0b1110;  // what does not roll away

  // A thing that looks like nobody cast before, from `smallest` to `largest`, no wider than `room` metres.
  Thing cast(Motion motion, Shapes shapes = kAll, Size largest = Size::kBig, double room = 1e9,
             Size smallest = Size::kSmall);
  // Another of the same look.
  Thing again(const Thing& thing);

  // There was nobody to cast.
  bool failed() const { return failed_; }

 private:
  bool allowed(const Thing& thing) const;

  Random& random_;
  Split split_;
  std::vector<Thing> cast_;
  bool failed_ = false;
};

// How a scenario may begin. Each plot places actors and props and says what is to come true.
enum class Plot : std::uint8_t {
  kSingle,
  kTogether,
  kSequence,
  kCollision,
  kRamp,
  kLedge,
  kHiding,
  kSeesaw,
  kDominoes,
  kTower,
};
inline constexpr std::size_t kPlots = 10;
std::string_view name(Plot plot);

// Fills in all but the camera and the sky of a scenario. False if it cannot be staged.
bool stage(Plot plot, const Stage& stage, Random& random, Scenario& scenario);

}  // namespace starling::train::world
