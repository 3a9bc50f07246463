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

// What is measured as a number; but for diversity and likeness less is better.
enum class Quantity : std::uint8_t {
  kGravityError,  // of a fall, as a share of the caption's gravity
  kFallResidual,  // from the parabola, metres
  kSizeDrift,     // of a thing between the first and the last quarter in which it is wholly seen, as a share
  kColourDrift,   // the same, of its paint: the distance in RGB as a share of 255; both drifts' floor is from the thing
                  // of one clip to that of another
  kFlicker,       // of the sky: how far pixels are from the mean of those before and after, steps of 255
  kDiversity,     // root mean square of pixels' differences between two seeds' videos of a caption, steps of 255; the
                  // floor's is between a clip and what an autoencoder makes of it, the ceiling's between clips of
                  // different captions
  kLikeness,      // PSNR against the real clip of what shows it again, dB, at most 100; the floor's is of another clip
};
inline constexpr std::size_t kQuantities = 7;
std::string_view name(Quantity quantity);

// What was measured in a video.
using Amounts = std::array<std::vector<double>, kQuantities>;

// Of one video: the sum of what was measured in it, and how often it was.
struct Sum {
  double sum = 0, count = 0;
};

// A mean and its 95 % interval by the bootstrap (Efron 1979): 1000 drawings of videos, the same ones whenever and
// wherever.
struct Mean {
  double value = 0, low = 0, high = 0;
  std::size_t count = 0;
};
using Means = std::array<Mean, kQuantities>;
Mean mean_of(std::span<const Sum> videos);
// The mean of some videos less that of others; count is how often was measured in both together.
Mean difference_of(std::span<const Sum> videos, std::span<const Sum> others);
// The mean of some videos by that of others, where those of one place belong together and are drawn together: two ways
// of making a video of one caption. Nothing (count 0) while the others' mean is 0. Precondition: as many.
Mean ratio_of(std::span<const Sum> videos, std::span<const Sum> others);
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
// All measures together, and one of them.
Sum sum_of(const Counts& counts);
Sum sum_of(const Count& count);

// Shares of what was judged, with 95 % intervals by Wilson (1927).
using Scores = std::array<generate::Score, kMeasures>;
Scores tally(std::span<const Counts> counts);

}  // namespace starling::train::evaluation
