#include "train/evaluation/drift.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace starling::train::evaluation {

std::optional<Ends> ends_of(const Track& track) {
  std::vector<const Sighting*> fitted;
  for (const Sighting& s : track.sightings) {
    if (s.fitted) fitted.push_back(&s);
  }
  if (fitted.size() < 4) return std::nullopt;
  const std::size_t quarter = fitted.size() / 4;
  const double share = 1.0 / static_cast<double>(quarter);
  const auto shape = static_cast<std::size_t>(track.shape);
  const auto add = [&](const Sighting& s, Appearance& look) {
    look.diameter += s.diameters[shape] * share;
    for (std::size_t c = 0; c < 3; ++c) look.paint[c] += s.paint[c] * share;
  };
  Ends ends;
  for (std::size_t i = 0; i < quarter; ++i) {
    add(*fitted[i], ends.first);
    add(*fitted[fitted.size() - 1 - i], ends.last);
  }
  return ends;
}

Drift drift_between(const Appearance& first, const Appearance& last) {
  double squares = 0;
  for (std::size_t c = 0; c < 3; ++c) {
    const double change = (last.paint[c] - first.paint[c]) / 255.0;
    squares += change * change;
  }
  return {std::fabs(last.diameter / first.diameter - 1), std::sqrt(squares)};
}

}  // namespace starling::train::evaluation
