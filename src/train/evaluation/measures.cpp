#include "train/evaluation/measures.h"

namespace starling::train::evaluation {

std::string_view name(Measure measure) {
  constexpr std::array<std::string_view, kMeasures> kNames = {"colour", "shape",     "size",   "count",
                                                              "motion", "direction", "event",  "relation",
                                                              "order",  "camera",    "ground", "sky"};
  return kNames[static_cast<std::size_t>(measure) % kMeasures];
}

Scores tally(std::span<const Counts> counts) {
  Scores scores;
  for (std::size_t m = 0; m < kMeasures; ++m) {
    Count sum;
    for (const Counts& one : counts) {
      sum.right += one[m].right;
      sum.judged += one[m].judged;
    }
    scores[m] = generate::wilson(sum.right, sum.judged);
  }
  return scores;
}

}  // namespace starling::train::evaluation
