#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "generate/measure.h"

namespace starling::generate {

// What a clip is scored by. Names and order are stable: they are printed and put into JSON.
enum class Measure : std::uint8_t {
  kColour,
  kShape,
  kSize,
  kMotion,
  kDirection,
  kGround,
  kSky,
  kCamera,
  kGravity,  // of falls whose gravity could be fitted: within 10 % of the world's
  kSteady,   // one object to the end, of the same colour and size, where the caption names one
};
inline constexpr std::size_t kMeasures = 10;
std::string_view name(Measure measure);

// Right, wrong, or nothing to judge because the caption does not say.
using Verdicts = std::array<std::optional<bool>, kMeasures>;
Verdicts compare(const Detection& detected, const PartialAttributes& expected);

// A share of count trials and its 95 % interval by Wilson (1927), all in [0, 1]; without trials [0, 1] around 0.
struct Score {
  double value = 0, low = 0, high = 1;
  std::size_t successes = 0, count = 0;
};
Score wilson(std::size_t successes, std::size_t count);

using Scores = std::array<Score, kMeasures>;
Scores tally(std::span<const Verdicts> verdicts);

// The score of each clip against its own caption.
// Precondition of both: as many expectations as detections.
Scores score(std::span<const Detection> detected, std::span<const PartialAttributes> expected);
// The floor: each clip against the captions of up to eight other clips. Gravity and steadiness do not depend on which
// caption it is, so theirs is that of score() but for captions that expect nothing.
Scores score_shuffled(std::span<const Detection> detected, std::span<const PartialAttributes> expected);

}  // namespace starling::generate
