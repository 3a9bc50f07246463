#pragma once

#include <numbers>

namespace starling::train {

inline constexpr double kTurn = 2 * std::numbers::pi;

struct SineCosine {
  double sine, cosine;
};
// Of an angle in turns, |turns| < 2^31, within 1e-9; in + - * / and floor, so that every machine agrees on the bits.
SineCosine sine_cosine(double turns);

}  // namespace starling::train
