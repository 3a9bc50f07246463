#pragma once

#include <optional>

#include "train/evaluation/tracks.h"

namespace starling::train::evaluation {

// How a thing looks over some frames, the mean.
struct Appearance {
  double diameter = 0;  // metres
  Paint paint{};
};

// In the first and in the last quarter of the frames in which it is wholly seen; nothing if these are fewer than four.
struct Ends {
  Appearance first, last;
};
std::optional<Ends> ends_of(const Track& track);

// From one to the other, as shares: of the first's diameter, and of 255 the distance of the paints in RGB.
struct Drift {
  double size = 0, colour = 0;
};
Drift drift_between(const Appearance& first, const Appearance& last);

}  // namespace starling::train::evaluation
