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
};
inline constexpr std::size_t kMeasures = 12;
std::string_view name(Measure measure);

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
