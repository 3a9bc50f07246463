#pragma once

#include <bit>
#include <cstdint>

namespace starling::exact {

// Scalar arithmetic of the engine: what the operator definitions are made of, and what every backend equals bit for
// bit.
//
// Numbers are IEEE binary32, rounded to nearest even, subnormals kept. There is one NaN: any operation below whose
// result is a NaN gives kNan, whatever payloads went in; copying and selecting move bits unchanged.
//
// exp, log, sin, cos, tanh and erf are within 2 ulp of the true value on every input (tests/exact/math_test.cpp) and
// are fixed sequences of the operations above and of integer operations on the bits: exact/loops/math.h.
inline constexpr float kNan = std::bit_cast<float>(std::uint32_t{0x7fc00000U});

namespace math {

float add(float a, float b);
float sub(float a, float b);
float mul(float a, float b);
float div(float a, float b);
float fma(float a, float b, float c);  // a*b + c, rounded once
float sqrt(float a);
float neg(float a);
float abs(float a);
float maximum(float a, float b);  // a NaN if either is; +0 is above -0; so any order of a reduction gives the same bits
float minimum(float a, float b);  // a NaN if either is; -0 is below +0
float less(float a, float b);     // 1 if a < b, else 0 (also for NaNs)
float select(float condition, float a, float b);  // a if condition != 0 (a NaN is not 0), else b

float exp(float a);
float log(float a);  // -infinity at ±0, NaN below
float sin(float a);  // NaN at ±infinity
float cos(float a);
float tanh(float a);
float erf(float a);

}  // namespace math
}  // namespace starling::exact
