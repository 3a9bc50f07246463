#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "generate/measure_score.h"

namespace starling::train::evaluation {

// What a video is scored by. Names and order are stable: they are printed and put into JSON.
enum class Measure : std::uint8_t {
  kColour,
  kShape,
  kSize,
  kCount,      // as many things as the caption tells of
  kMotion,     // what things do of their own accord
  kDirection,  // of what goes left or right
  kEvent,      // things meet, hide, come back, stop
  kRelation,   // left of, on top of
  kOrder,      // everything that the caption tells happens, in its order of time
  kCamera,
  kGround,
  kSky,
  kGravity,   // of things that fall for long enough: within 10 % of the caption's
  kEnergy,    // of things that nothing pushes: never grows
  kSolidity,  // of videos: nothing is ever inside another thing or the ground
  kMomentum,  // of collisions: most of it is left
  kIdentity,  // of things that were hidden: the same colour, shape and size as before
};
inline constexpr std::size_t kMeasures = 17;
std::string_view name(Measure measure);

// What is measured as a number; but for diversity less is better.
enum class Quantity : std::uint8_t {
  kGravityError,  // of a fall, as a share of the caption's gravity
  kFallResidual,  // from the parabola, metres
  kSizeDrift,     // of a thing between the first and the last quarter in which it is wholly seen, as a share
  kColourDrift,   // the same, of its paint, steps of 255
  kFlicker,       // of the sky: how far pixels are from the mean of those before and after, steps of 255
  kDiversity,     // root mean square of pixels' differences between two seeds' videos of a caption, steps of 255; the
                  // ceiling's is between clips of different captions
};
inline constexpr std::size_t kQuantities = 6;
std::string_view name(Quantity quantity);

// What was measured in a video.
using Amounts = std::array<std::vector<double>, kQuantities>;

// A mean and its 95 % interval by the bootstrap (Efron 1979): 1000 drawings of videos, the same ones whenever and
// wherever.
struct Mean {
  double value = 0, low = 0, high = 0;
  std::size_t count = 0;
};
using Means = std::array<Mean, kQuantities>;
Means average(std::span<const Amounts> amounts);

// How often a measure was judged in a video, and how often it was right.
struct Count {
  std::size_t right = 0, judged = 0;
  void add(bool is_right) {
    ++judged;
    right += is_right ? 1 : 0;
  }
};
using Counts = std::array<Count, kMeasures>;

// Shares of what was judged, with 95 % intervals by Wilson (1927).
using Scores = std::array<generate::Score, kMeasures>;
Scores tally(std::span<const Counts> counts);

}  // namespace starling::train::evaluation
