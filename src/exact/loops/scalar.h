#pragma once

#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

// The operations that exact/loops/ is written in, for one lane. A backend's vector.h has the same members for more
// lanes.

namespace starling::exact::loops {

struct Scalar {
  static constexpr int kLanes = 1;
  using F = float;
  using I = std::int32_t;
  using M = bool;

  static F broadcast(float value) { return value; }
  static I broadcast_bits(std::uint32_t value) { return static_cast<I>(value); }
  static F load(const float* from) { return *from; }
  static void store(float* to, F value) { *to = value; }

  static F add(F a, F b) { return a + b; }
  static F sub(F a, F b) { return a - b; }
  static F mul(F a, F b) { return a * b; }
  static F div(F a, F b) { return a / b; }
  static F sqrt(F a) {
#if defined(__SSE2__)
    return _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(a)));
#else
    return __builtin_sqrtf(a);
#endif
  }
  static F fma(F a, F b, F c) {
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
    return __builtin_fmaf(a, b, c);
#else
    // The product is exact in binary64; the sum is rounded to odd there (its error is known exactly: Knuth's two-sum),
    // after which rounding to binary32 is right everywhere, also among the subnormals (Boldo and Melquiond, 2008).
    const double product = static_cast<double>(a) * static_cast<double>(b);
    const double addend = static_cast<double>(c);
    double sum = product + addend;
    const double part = sum - product;
    const double error = (product - (sum - part)) + (addend - part);
    std::int64_t bits;
    std::memcpy(&bits, &sum, sizeof bits);
    const bool inexact = error < 0 || error > 0;  // false for a NaN, which infinite sums give
    if (inexact && (bits & 1) == 0) bits += (error > 0) == (bits >= 0) ? 1 : -1;
    std::memcpy(&sum, &bits, sizeof sum);
    return static_cast<float>(sum);
#endif
  }

  static I bits(F a) {
    I result;
    std::memcpy(&result, &a, sizeof result);
    return result;
  }
  static F from_bits(I a) {
    F result;
    std::memcpy(&result, &a, sizeof result);
    return result;
  }
  static I add_bits(I a, I b) { return static_cast<I>(static_cast<std::uint32_t>(a) + static_cast<std::uint32_t>(b)); }
  static I sub_bits(I a, I b) { return static_cast<I>(static_cast<std::uint32_t>(a) - static_cast<std::uint32_t>(b)); }
  static I and_bits(I a, I b) { return a & b; }
  static I or_bits(I a, I b) { return a | b; }
  static I xor_bits(I a, I b) { return a ^ b; }
  template <int kBits>
  static I shift_left(I a) {
    return static_cast<I>(static_cast<std::uint32_t>(a) << kBits);
  }
  template <int kBits>
  static I shift_right(I a) {  // copies the sign
    return a >> kBits;
  }
  template <int kBits>
  static I shift_right_logical(I a) {
    return static_cast<I>(static_cast<std::uint32_t>(a) >> kBits);
  }
  // Rounds to nearest even; |a| ≤ 2^22, anything else gives any value.
  static I round(F a) { return sub_bits(bits(a + 0x1.8p23F), bits(0x1.8p23F)); }
  static F to_float(I a) { return static_cast<float>(a); }

  static M less(F a, F b) { return a < b; }
  static M equal(F a, F b) { return a == b; }
  static M unordered(F a, F b) { return a != a || b != b; }
  static M any_bits(I a, I mask) { return (a & mask) != 0; }
  static M both(M a, M b) { return a && b; }
  static M either(M a, M b) { return a || b; }
  static bool any(M a) { return a; }
  static F select(M condition, F a, F b) { return condition ? a : b; }
  // a > b ? a : b and a < b ? a : b, that is b where they are equal or unordered.
  static F greater_of(F a, F b) { return a > b ? a : b; }
  static F lesser_of(F a, F b) { return a < b ? a : b; }
};

}  // namespace starling::exact::loops
