#include "generate/measure_score.h"

#include <algorithm>
#include <cmath>

namespace starling::generate {

namespace {

template <typename T>
std::optional<bool> judge(const std::optional<T>& detected, const std::optional<T>& expected) {
  if (!expected) return std::nullopt;
  return detected == expected;
}

std::optional<bool>& at(Verdicts& verdicts, Measure measure) { return verdicts[static_cast<std::size_t>(measure)]; }

}  // namespace

std::string_view name(Measure measure) {
  constexpr std::array<std::string_view, kMeasures> kNames = {"colour", "shape", "size",   "motion",  "direction",
                                                              "ground", "sky",   "camera", "gravity", "steady"};
  return kNames[static_cast<std::size_t>(measure) % kMeasures];
}

Verdicts compare(const Detection& detected, const PartialAttributes& expected) {
  Verdicts verdicts;
  const PartialAttributes& found = detected.attributes;
  at(verdicts, Measure::kColour) = judge(found.colour, expected.colour);
  at(verdicts, Measure::kShape) = judge(found.shape, expected.shape);
  at(verdicts, Measure::kSize) = judge(found.size, expected.size);
  at(verdicts, Measure::kMotion) = judge(found.motion, expected.motion);
  at(verdicts, Measure::kDirection) = judge(found.direction, expected.direction);
  at(verdicts, Measure::kGround) = judge(found.ground, expected.ground);
  at(verdicts, Measure::kSky) = judge(found.sky, expected.sky);
  at(verdicts, Measure::kCamera) = judge(found.camera, expected.camera);
  if (expected.motion == Motion::kFall && detected.gravity) {
    at(verdicts, Measure::kGravity) = std::fabs(*detected.gravity - kGravity) <= 0.1 * kGravity;
  }
  if (expected.colour || expected.shape) at(verdicts, Measure::kSteady) = detected.steady;
  return verdicts;
}

Score wilson(std::size_t successes, std::size_t count) {
  Score score;
  score.successes = successes;
  score.count = count;
  if (count == 0) return score;
  constexpr double kZ = 1.959963984540054;  // the normal distribution's 97.5 % point
  const auto n = static_cast<double>(count);
  score.value = static_cast<double>(successes) / n;
  const double spread = 1 + kZ * kZ / n;
  const double middle = (score.value + kZ * kZ / (2 * n)) / spread;
  const double half = kZ / spread * std::sqrt(score.value * (1 - score.value) / n + kZ * kZ / (4 * n * n));
  score.low = std::clamp(middle - half, 0.0, score.value);
  score.high = std::clamp(middle + half, score.value, 1.0);
  return score;
}

Scores tally(std::span<const Verdicts> verdicts) {
  Scores scores;
  for (std::size_t m = 0; m < kMeasures; ++m) {
    std::size_t right = 0;
    std::size_t judged = 0;
    for (const auto& verdict : verdicts) {
      if (!verdict[m]) continue;
      ++judged;
      right += *verdict[m] ? 1 : 0;
    }
    scores[m] = wilson(right, judged);
  }
  return scores;
}

Scores score(std::span<const Detection> detected, std::span<const PartialAttributes> expected) {
  std::vector<Verdicts> verdicts;
  for (std::size_t i = 0; i < detected.size(); ++i) verdicts.push_back(compare(detected[i], expected[i]));
  return tally(verdicts);
}

Scores score_shuffled(std::span<const Detection> detected, std::span<const PartialAttributes> expected) {
  constexpr std::size_t kOthers = 8;
  std::vector<Verdicts> verdicts;
  const std::size_t n = detected.size();
  for (std::size_t shift = 1; shift <= kOthers && shift < n; ++shift) {
    for (std::size_t i = 0; i < n; ++i) verdicts.push_back(compare(detected[i], expected[(i + shift) % n]));
  }
  return tally(verdicts);
}

}  // namespace starling::generate
