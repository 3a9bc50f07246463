#pragma once

#include <cstdint>

#include "exact/loops/portable.h"

// The engine's functions over a vector type V (Scalar in exact/loops/scalar.h says what a V offers). Every backend runs
// these very sequences, so every backend gives the same bits. Polynomials are weighted minimax fits (Lawson's
// iteration) of the named function on the reduced range, coefficients rounded to binary32 one after the other, lowest
// first.

namespace starling::exact::loops {

// Everything here is a template over V so that code compiled for one instruction set is never linked into another.
template <class V>
struct Math {
  using F = typename V::F;
  using I = typename V::I;
  using M = typename V::M;

  STARLING_BOTH static F constant(float value) { return V::broadcast(value); }
  STARLING_BOTH static F nan() { return V::from_bits(V::broadcast_bits(0x7fc00000U)); }
  STARLING_BOTH static F canonical(F a) { return V::select(V::unordered(a, a), nan(), a); }
  STARLING_BOTH static F magnitude(F a) {
    return V::from_bits(V::and_bits(V::bits(a), V::broadcast_bits(0x7fffffffU)));
  }
  STARLING_BOTH static I sign_bit(F a) { return V::and_bits(V::bits(a), V::broadcast_bits(0x80000000U)); }
  // a with the sign of b; a is positive or has that sign.
  STARLING_BOTH static F with_sign(F a, F b) { return V::from_bits(V::or_bits(V::bits(a), sign_bit(b))); }
  // 2^n for n in [-126, 127].
  STARLING_BOTH static F power_of_two(I n) {
    return V::from_bits(V::template shift_left<23>(V::add_bits(n, V::broadcast_bits(127))));
  }

  // c0 + x (c1 + x (c2 + ...)) in fma.
  template <class... C>
  STARLING_BOTH static F polynomial(F x, float c0, C... rest) {
    if constexpr (sizeof...(rest) == 0) {
      return constant(c0);
    } else {
      return V::fma(polynomial(x, rest...), x, constant(c0));
    }
  }

  STARLING_BOTH static F maximum(F a, F b) {
    const F either = V::from_bits(V::and_bits(V::bits(V::greater_of(a, b)), V::bits(V::greater_of(b, a))));
    return V::select(V::unordered(a, b), nan(), either);
  }
  STARLING_BOTH static F minimum(F a, F b) {
    const F either = V::from_bits(V::or_bits(V::bits(V::lesser_of(a, b)), V::bits(V::lesser_of(b, a))));
    return V::select(V::unordered(a, b), nan(), either);
  }

  // e^x = 2^n · e^r for |x| < 2^22: gives n and e^r = 1 + r + r²P(r), |r| ≤ ln(2)/2.
  STARLING_BOTH static F exp_fraction(F x, I& n) {
    n = V::round(V::mul(x, constant(0x1.715476p+0F)));
    const F whole = V::to_float(n);
    F r = V::fma(whole, constant(-0x1.62e430p-1F), x);
    r = V::fma(whole, constant(0x1.05c610p-29F), r);
    const F p = polynomial(r, 0x1.fffffcp-2F, 0x1.555492p-3F, 0x1.5558b0p-5F, 0x1.12398ep-7F, 0x1.6a4d60p-10F);
    return V::add(V::fma(V::mul(r, r), p, r), constant(1.0F));
  }

  // fraction · 2^n for the result of exp_fraction with |n| ≤ 151.
  STARLING_BOTH static F times_power_of_two(F fraction, I n) {
    if constexpr (requires { V::scale(fraction, n); }) {
      return V::scale(fraction, n);
    } else {
      // In two steps, of which only the second can round: 2^n alone may be out of range.
      const I half = V::template shift_right<1>(n);
      return V::mul(V::mul(fraction, power_of_two(half)), power_of_two(V::sub_bits(n, half)));
    }
  }

  STARLING_BOTH static F exp(F x) {
    I n;
    const F bounded = V::lesser_of(V::greater_of(x, constant(-104.0F)), constant(89.0F));
    const F fraction = exp_fraction(bounded, n);
    return V::select(V::unordered(x, x), nan(), times_power_of_two(fraction, n));
  }

  // x = 2^e · (1 + f), 1 + f in [√½, √2); log(1 + f) = f - f²/2 + f³Q(f).
  STARLING_BOTH static F log(F x) {
    const M subnormal = V::less(x, constant(0x1p-126F));
    const F normal = V::select(subnormal, V::mul(x, constant(0x1p25F)), x);
    const I bits = V::bits(normal);
    const I e = V::template shift_right<23>(V::sub_bits(bits, V::broadcast_bits(0x3f3504f3U)));
    const F f = V::sub(V::from_bits(V::sub_bits(bits, V::template shift_left<23>(e))), constant(1.0F));
    const F exponent = V::add(V::to_float(e), V::select(subnormal, constant(-25.0F), constant(0.0F)));
    const F q = polynomial(f, 0x1.555554p-2F, -0x1.00022ap-2F, 0x1.99a028p-3F, -0x1.547164p-3F, 0x1.22d710p-3F,
                           -0x1.0d8bfap-3F, 0x1.0573b2p-3F, -0x1.38c9fap-4F);
    const F square = V::mul(f, f);
    F tail = V::fma(V::mul(f, square), q, V::mul(exponent, constant(-0x1.05c610p-29F)));
    tail = V::fma(square, constant(-0.5F), tail);
    F result = V::fma(exponent, constant(0x1.62e430p-1F), V::add(f, tail));
    const F infinity = V::from_bits(V::broadcast_bits(0x7f800000U));
    result = V::select(V::equal(x, infinity), infinity, result);
    result = V::select(V::equal(x, constant(0.0F)), V::from_bits(V::broadcast_bits(0xff800000U)), result);
    return V::select(V::either(V::less(x, constant(0.0F)), V::unordered(x, x)), nan(), result);
  }

  // x = quadrant · π/2 + r with |r| ≤ π/4 (1 + ε), for a finite |x| ≥ 2^17: x · 2/π modulo 4 in integers (Payne and
  // Hanek, 1983).
  STARLING_BOTH static float reduce_large(float x, std::int32_t& quadrant) {
    // 32 zero bits, then the binary digits of 2/π.
    constexpr std::uint32_t kTwoOverPi[] = {0x00000000U, 0xa2f9836eU, 0x4e441529U, 0xfc2757d1U,
                                            0xf534ddc0U, 0xdb629599U, 0x3c439041U, 0xfe5163abU};
    std::uint32_t bits;
    __builtin_memcpy(&bits, &x, sizeof bits);
    const int exponent = static_cast<int>((bits >> 23) & 0xffU) - 150;  // x = ± mantissa · 2^exponent
    const std::uint64_t mantissa = (bits & 0x7fffffU) | 0x800000U;
    // Digits before this one give multiples of 4, digits more than 96 after it less than 2^-68.
    const int first = exponent - 2 + 32;
    const int word = first / 32;
    const int shift = first % 32;
    std::uint64_t digits[3];
    for (int i = 0; i < 3; ++i) {
      const std::uint64_t pair = static_cast<std::uint64_t>(kTwoOverPi[word + i]) << 32 | kTwoOverPi[word + i + 1];
      digits[i] = (pair << shift) >> 32;
    }
    const std::uint64_t low = mantissa * digits[2];
    const std::uint64_t middle = mantissa * digits[1] + (low >> 32);
    const std::uint64_t high = mantissa * digits[0] + (middle >> 32);
    const std::uint64_t turns = high << 32 | (middle & 0xffffffffU);  // units of 2^-62 quarter turns, modulo 4
    const auto fraction = static_cast<std::int64_t>(turns << 2);      // the nearest quarter's remainder
    const auto nearest = static_cast<std::int32_t>((turns >> 62) + (fraction < 0 ? 1U : 0U));
    const double r = static_cast<double>(fraction) * 0x1.921fb54442d18p-64;
    quadrant = (bits >> 31) != 0 ? -nearest : nearest;
    return static_cast<float>((bits >> 31) != 0 ? -r : r);
  }

  // r in about [-π/4, π/4] and the quadrant (modulo 4 in its low bits) of x; any r for an infinity or NaN.
  STARLING_BOTH static F reduce(F x, I& quadrant) {
    quadrant = V::round(V::mul(x, constant(0x1.45f306p-1F)));
    const F whole = V::to_float(quadrant);
    // The first step is exact while whole < 2^17; π/2 = the sum of the constants to 2^-78.
    F r = V::fma(whole, constant(-0x1.921fb6p+0F), x);
    r = V::fma(whole, constant(0x1.777a5cp-25F), r);
    r = V::fma(whole, constant(0x1.ee59dap-50F), r);
    r = V::select(V::equal(whole, constant(0.0F)), x, r);  // keeps -0
    if (V::any(V::less(constant(0x1p17F), magnitude(x)))) reduce_large_lanes(x, r, quadrant);
    return r;
  }

  STARLING_BOTH static void reduce_large_lanes(F x, F& r, I& quadrant) {
    float xs[V::kLanes];
    float rs[V::kLanes];
    float quadrants[V::kLanes];
    V::store(xs, x);
    V::store(rs, r);
    V::store(quadrants, V::from_bits(quadrant));
    for (int i = 0; i < V::kLanes; ++i) {
      if (!(xs[i] > 0x1p17F || xs[i] < -0x1p17F) || xs[i] - xs[i] != 0) continue;
      std::int32_t n = 0;
      rs[i] = reduce_large(xs[i], n);
      __builtin_memcpy(&quadrants[i], &n, sizeof n);
    }
    r = V::load(rs);
    quadrant = V::bits(V::load(quadrants));
  }

  // sin of r + quadrant · π/2; NaN where x is not finite.
  STARLING_BOTH static F sin_reduced(F x, F r, I quadrant) {
    const F square = V::mul(r, r);
    // The sum loses the sign of a zero, which is that of r.
    const F s = with_sign(
        V::fma(V::mul(r, square), polynomial(square, -0x1.555544p-3F, 0x1.1106c6p-7F, -0x1.991c1ap-13F), r), r);
    const F c = V::fma(V::mul(square, square), polynomial(square, 0x1.55554ap-5F, -0x1.6c0c26p-10F, 0x1.99e714p-16F),
                       V::fma(square, constant(-0.5F), constant(1.0F)));
    const F value = V::select(V::any_bits(quadrant, V::broadcast_bits(1)), c, s);
    const I sign = V::template shift_left<30>(V::and_bits(quadrant, V::broadcast_bits(2)));
    const F difference = V::sub(x, x);
    return V::select(V::unordered(difference, difference), nan(), V::from_bits(V::xor_bits(V::bits(value), sign)));
  }

  STARLING_BOTH static F sin(F x) {
    I quadrant;
    const F r = reduce(x, quadrant);
    return sin_reduced(x, r, quadrant);
  }
  STARLING_BOTH static F cos(F x) {
    I quadrant;
    const F r = reduce(x, quadrant);
    return sin_reduced(x, r, V::add_bits(quadrant, V::broadcast_bits(1)));
  }

  // e^x for x in [-87, 88].
  STARLING_BOTH static F exp_inner(F x) {
    I n;
    const F fraction = exp_fraction(x, n);
    return V::mul(fraction, power_of_two(n));
  }

  // Below 0.55: x + x³T(x²); above: 1 - 2 / (e^2|x| + 1). Of a NaN any NaN, where lesser_of(a, NaN) is one.
  STARLING_BOTH static F tanh_or_nan(F x) {
    const F size = magnitude(x);
    const F square = V::mul(x, x);
    const F small = V::fma(
        V::mul(x, square),
        polynomial(square, -0x1.55554ap-2F, 0x1.110ceep-3F, -0x1.b91e7ep-5F, 0x1.58e518p-6F, -0x1.9921a2p-8F), x);
    const F bounded = V::lesser_of(constant(10.0F), size);
    const F power = exp_inner(V::add(bounded, bounded));
    const F large = V::sub(constant(1.0F), V::div(constant(2.0F), V::add(power, constant(1.0F))));
    return with_sign(V::select(V::less(size, constant(0.55F)), small, large), x);
  }
  STARLING_BOTH static F tanh(F x) { return V::select(V::unordered(x, x), nan(), tanh_or_nan(x)); }

  // Below 0.9375: x + x E(x²); above: 1 - e^L(|x|), L fitted to log(erfc) with the weight erfc / erf.
  STARLING_BOTH static F erf(F x) {
    const F size = magnitude(x);
    const F square = V::mul(x, x);
    const F small = V::fma(x,
                           polynomial(square, 0x1.06eba8p-3F, -0x1.812740p-2F, 0x1.ce2d64p-4F, -0x1.b80120p-6F,
                                      0x1.544aa8p-8F, -0x1.a6126ep-11F, 0x1.4f8e58p-14F),
                           x);
    const F bounded = V::lesser_of(size, constant(3.93F));
    const F exponent = polynomial(bounded, 0x1.77fbcep-13F, -0x1.212956p+0F, -0x1.444036p-1F, -0x1.bbb744p-4F,
                                  0x1.9c1390p-6F, -0x1.122596p-8F, 0x1.ca3250p-12F, -0x1.659550p-16F);
    const F large = with_sign(V::sub(constant(1.0F), exp_inner(exponent)), x);
    const F result = V::select(V::less(size, constant(0.9375F)), small, large);
    return V::select(V::unordered(x, x), nan(), result);
  }
};

}  // namespace starling::exact::loops
