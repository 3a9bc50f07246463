#include "train/world/angle.h"

#include <cmath>

namespace starling::train {
namespace {

// Taylor's series on [-pi/4, pi/4]; the first term left out is below 1e-11.
double sine_near_zero(double a) {
  const double q = a * a;
  return a * (1 - q / 6 * (1 - q / 20 * (1 - q / 42 * (1 - q / 72 * (1 - q / 110)))));
}

double cosine_near_zero(double a) {
  const double q = a * a;
  return 1 - q / 2 * (1 - q / 12 * (1 - q / 30 * (1 - q / 56 * (1 - q / 90 * (1 - q / 132)))));
}

}  // namespace

SineCosine sine_cosine(double turns) {
  const double quarters = std::floor(turns * 4 + 0.5);
  const double angle = (turns - quarters * 0.25) * kTurn;
  const double s = sine_near_zero(angle);
  const double c = cosine_near_zero(angle);
  switch (static_cast<long long>(quarters) & 3) {
    case 0:
      return {s, c};
    case 1:
      return {c, -s};
    case 2:
      return {-s, -c};
    default:
      return {-c, s};
  }
}

}  // namespace starling::train
