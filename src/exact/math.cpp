#include "exact/math.h"

#include "exact/loops/math.h"
#include "exact/loops/scalar.h"

namespace starling::exact::math {

using Math = loops::Math<loops::Scalar>;
using loops::Scalar;

float add(float a, float b) { return Math::canonical(a + b); }
float sub(float a, float b) { return Math::canonical(a - b); }
float mul(float a, float b) { return Math::canonical(a * b); }
float div(float a, float b) { return Math::canonical(a / b); }
float fma(float a, float b, float c) { return Math::canonical(Scalar::fma(a, b, c)); }
float sqrt(float a) { return Math::canonical(Scalar::sqrt(a)); }
float neg(float a) { return Math::canonical(-a); }
float abs(float a) { return Math::canonical(Math::magnitude(a)); }
float maximum(float a, float b) { return Math::maximum(a, b); }
float minimum(float a, float b) { return Math::minimum(a, b); }
float less(float a, float b) { return a < b ? 1.0F : 0.0F; }
float select(float condition, float a, float b) { return condition != 0.0F ? a : b; }

float exp(float a) { return Math::exp(a); }
float log(float a) { return Math::log(a); }
float sin(float a) { return Math::sin(a); }
float cos(float a) { return Math::cos(a); }
float tanh(float a) { return Math::tanh(a); }
float erf(float a) { return Math::erf(a); }

}  // namespace starling::exact::math
