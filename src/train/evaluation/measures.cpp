#include "train/evaluation/measures.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "train/world/random.h"

namespace starling::train::evaluation {

std::string_view name(Measure measure) {
  constexpr std::array<std::string_view, kMeasures> kNames = {
      "colour", "shape",  "size", "count",   "motion", "direction", "event",    "relation", "order",
      "camera", "ground", "sky",  "gravity", "energy", "solidity",  "momentum", "identity"};
  return kNames[static_cast<std::size_t>(measure) % kMeasures];
}

std::string_view name(Quantity quantity) {
  constexpr std::array<std::string_view, kQuantities> kNames = {
      "gravity error", "fall residual", "size drift", "colour drift", "flicker", "diversity", "likeness"};
  return kNames[static_cast<std::size_t>(quantity) % kQuantities];
}

namespace {

constexpr std::size_t kDrawings = 1000;
constexpr std::uint64_t kKey = 0x626f6f7473747261U;

// Videos in which something was measured.
std::vector<Sum> measured(std::span<const Sum> videos) {
  std::vector<Sum> found;
  std::copy_if(videos.begin(), videos.end(), std::back_inserter(found), [](const Sum& one) { return one.count > 0; });
  return found;
}

Sum total(std::span<const Sum> videos) {
  Sum all;
  for (const Sum& one : videos) {
    all.sum += one.sum;
    all.count += one.count;
  }
  return all;
}

double mean(const Sum& all) { return all.sum / all.count; }

// As many of the videos as there are, each drawn from all.
Sum draw(std::span<const Sum> videos, Random& random) {
  Sum all;
  for (std::size_t i = 0; i < videos.size(); ++i) {
    const Sum& one = videos[random.below(static_cast<std::uint32_t>(videos.size()))];
    all.sum += one.sum;
    all.count += one.count;
  }
  return all;
}

void set_interval(std::vector<double> drawn, Mean& mean) {
  std::sort(drawn.begin(), drawn.end());
  const std::size_t tail = drawn.size() / 40;
  mean.low = drawn[tail];
  mean.high = drawn[drawn.size() - 1 - tail];
}

}  // namespace

Mean mean_of(std::span<const Sum> all_videos) {
  const std::vector<Sum> videos = measured(all_videos);
  if (videos.empty()) return {};
  const Sum all = total(videos);
  Mean result{mean(all), 0, 0, static_cast<std::size_t>(all.count)};
  Random random(kKey);
  std::vector<double> drawn;
  for (std::size_t d = 0; d < kDrawings; ++d) drawn.push_back(mean(draw(videos, random)));
  set_interval(std::move(drawn), result);
  return result;
}

Mean difference_of(std::span<const Sum> all_videos, std::span<const Sum> all_others) {
  const std::vector<Sum> videos = measured(all_videos);
  const std::vector<Sum> others = measured(all_others);
  if (videos.empty() || others.empty()) return {};
  const Sum all = total(videos);
  const Sum other = total(others);
  Mean result{mean(all) - mean(other), 0, 0, static_cast<std::size_t>(all.count + other.count)};
  Random random(kKey);
  std::vector<double> drawn;
  for (std::size_t d = 0; d < kDrawings; ++d) {
    const double one = mean(draw(videos, random));
    drawn.push_back(one - mean(draw(others, random)));
  }
  set_interval(std::move(drawn), result);
  return result;
}

Mean ratio_of(std::span<const Sum> videos, std::span<const Sum> others) {
  const Sum all = total(videos);
  const Sum other = total(others);
  if (all.count == 0 || other.sum <= 0) return {};
  Mean result{mean(all) / mean(other), 0, 0, static_cast<std::size_t>(all.count)};
  Random random(kKey);
  std::vector<double> drawn;
  for (std::size_t d = 0; d < kDrawings; ++d) {
    Sum a;
    Sum b;
    for (std::size_t i = 0; i < videos.size(); ++i) {
      const std::size_t at = random.below(static_cast<std::uint32_t>(videos.size()));
      a.sum += videos[at].sum;
      a.count += videos[at].count;
      b.sum += others[at].sum;
      b.count += others[at].count;
    }
    // A drawing in which one of them has nothing tells nothing.
    if (a.count > 0 && b.sum > 0) drawn.push_back(mean(a) / mean(b));
  }
  if (drawn.empty()) return {};
  set_interval(std::move(drawn), result);
  return result;
}

Means average(std::span<const Amounts> amounts) {
  Means means;
  for (std::size_t q = 0; q < kQuantities; ++q) {
    std::vector<Sum> videos;
    for (const Amounts& one : amounts) {
      Sum sum{0, static_cast<double>(one[q].size())};
      for (const double value : one[q]) sum.sum += value;
      videos.push_back(sum);
    }
    means[q] = mean_of(videos);
  }
  return means;
}

Sum sum_of(const Count& count) { return {static_cast<double>(count.right), static_cast<double>(count.judged)}; }

Sum sum_of(const Counts& counts) {
  Sum all;
  for (const Count& count : counts) {
    all.sum += static_cast<double>(count.right);
    all.count += static_cast<double>(count.judged);
  }
  return all;
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
