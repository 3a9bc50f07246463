#include "train/evaluation/measures.h"

#include <algorithm>

#include "train/world/random.h"

namespace starling::train::evaluation {

std::string_view name(Measure measure) {
  constexpr std::array<std::string_view, kMeasures> kNames = {
      "colour", "shape",  "size", "count",   "motion", "direction", "event",    "relation", "order",
      "camera", "ground", "sky",  "gravity", "energy", "solidity",  "momentum", "identity"};
  return kNames[static_cast<std::size_t>(measure) % kMeasures];
}

std::string_view name(Quantity quantity) {
  constexpr std::array<std::string_view, kQuantities> kNames = {"gravity error", "fall residual", "size drift",
                                                                "colour drift",  "flicker",       "diversity"};
  return kNames[static_cast<std::size_t>(quantity) % kQuantities];
}

namespace {

Mean mean_of(const std::vector<std::vector<double>>& videos) {
  Mean mean;
  std::vector<double> sums;
  std::vector<std::size_t> counts;
  double total = 0;
  for (const std::vector<double>& video : videos) {
    if (video.empty()) continue;
    double sum = 0;
    for (const double value : video) sum += value;
    sums.push_back(sum);
    counts.push_back(video.size());
    total += sum;
    mean.count += video.size();
  }
  if (mean.count == 0) return mean;
  mean.value = total / static_cast<double>(mean.count);
  constexpr std::size_t kDrawings = 1000;
  constexpr std::uint64_t kKey = 0x626f6f7473747261U;
  Random random(kKey);
  std::vector<double> means;
  for (std::size_t d = 0; d < kDrawings; ++d) {
    double sum = 0;
    double count = 0;
    for (std::size_t i = 0; i < sums.size(); ++i) {
      const std::size_t drawn = random.below(static_cast<std::uint32_t>(sums.size()));
      sum += sums[drawn];
      count += static_cast<double>(counts[drawn]);
    }
    means.push_back(sum / count);
  }
  std::sort(means.begin(), means.end());
  mean.low = means[kDrawings / 40];
  mean.high = means[kDrawings - 1 - kDrawings / 40];
  return mean;
}

}  // namespace

Means average(std::span<const Amounts> amounts) {
  Means means;
  for (std::size_t q = 0; q < kQuantities; ++q) {
    std::vector<std::vector<double>> videos;
    for (const Amounts& one : amounts) videos.push_back(one[q]);
    means[q] = mean_of(videos);
  }
  return means;
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
