#pragma once

namespace starling::train {

struct SineCosine {
  double sine, cosine;
};
// Of an angle in turns, |turns| < 2^31, within 1e-9; in + - * / and floor, so that every machine agrees on the bits.
SineCosine sine_cosine(double turns);

}  // namespace starling::train
