#include "exact/math.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <random>

#include "base/encoding.h"
#include "base/hash.h"
#include "base/thread_pool.h"
#include "float_bits.h"

namespace starling::exact {
namespace {

float float_of(std::uint32_t a) { return std::bit_cast<float>(a); }

struct Function {
  const char* name;
  float (*ours)(float);
  double (*truth)(double);
};

// libm's binary64 functions are wrong by less than 2^-50, which is nothing in units of binary32.
const Function kFunctions[] = {
    {"exp", math::exp, std::exp}, {"log", math::log, std::log},    {"sin", math::sin, std::sin},
    {"cos", math::cos, std::cos}, {"tanh", math::tanh, std::tanh}, {"erf", math::erf, std::erf},
};

// Distance in units of the last place that a binary32 near the truth has.
double ulps(float ours, double truth) {
  if (std::isnan(truth)) return bits(ours) == bits(kNan) ? 0.0 : 1e9;
  if (std::isnan(ours)) return 1e9;
  if (std::isinf(ours) && static_cast<float>(truth) == ours) return 0.0;
  int exponent = 0;
  std::frexp(truth, &exponent);
  const double ours_wide = std::isinf(ours) ? std::copysign(0x1p128, ours) : static_cast<double>(ours);
  return std::abs(ours_wide - truth) / std::ldexp(1.0, std::max(exponent - 24, -149));
}

void check_every(std::uint64_t step, const Function& function) {
  double worst = 0.0;
  std::uint32_t at = 0;
  for (std::uint64_t i = 0; i < std::uint64_t{1} << 32; i += step) {
    const float x = float_of(static_cast<std::uint32_t>(i));
    const double distance = ulps(function.ours(x), function.truth(static_cast<double>(x)));
    if (distance > worst) {
      worst = distance;
      at = static_cast<std::uint32_t>(i);
    }
  }
  EXPECT_LE(worst, 2.0) << function.name << " at " << std::hexfloat << float_of(at);
}

// STARLING_TEST_FLOAT_STEP=1 checks every one of the 2^32 numbers, in some twenty minutes; unset, one in 9,973.
TEST(Math, FunctionsAreWithinTwoUlpOverAllBits) {
  base::set_ieee_mode();
  const char* const wanted = std::getenv("STARLING_TEST_FLOAT_STEP");
  const std::uint64_t step = wanted == nullptr ? 9973 : std::max<std::uint64_t>(1, std::strtoull(wanted, nullptr, 10));
  for (const Function& function : kFunctions) check_every(step, function);
}

TEST(Math, FunctionsAreWithinTwoUlpWhereTheyAreUsed) {
  base::set_ieee_mode();
  std::mt19937 random(1);
  std::uniform_real_distribution<float> inner(-4.0F, 4.0F);
  std::uniform_real_distribution<float> outer(-2e5F, 2e5F);
  for (const Function& function : kFunctions) {
    for (int i = 0; i < 50000; ++i) {
      const float x = inner(random);
      ASSERT_LE(ulps(function.ours(x), function.truth(static_cast<double>(x))), 2.0) << function.name << " at " << x;
    }
  }
  for (int i = 0; i < 50000; ++i) {
    const float x = outer(random);
    ASSERT_LE(ulps(math::sin(x), std::sin(static_cast<double>(x))), 2.0) << x;
    ASSERT_LE(ulps(math::cos(x), std::cos(static_cast<double>(x))), 2.0) << x;
  }
}

// The binary32 numbers whose multiples of π/2 lie nearest cost the most digits (Muller, "Elementary Functions").
TEST(Math, ReductionKeepsItsDigitsNearMultiplesOfHalfPi) {
  for (const float x : {0x1.6cbe4p+0F, 0x1.921fb6p+0F, 0x1.2d97c8p+2F, 0x1.f9cbe2p+7F, 0x1.ca1ed0p+12F, 0x1.fffffep+16F,
                        0x1p+17F, 0x1.000002p+17F, 0x1.6ac5b2p+62F, 0x1.fffffep+127F, 16367173.0F * 0x1p+72F}) {
    EXPECT_LE(ulps(math::sin(x), std::sin(static_cast<double>(x))), 2.0) << x;
    EXPECT_LE(ulps(math::cos(x), std::cos(static_cast<double>(x))), 2.0) << x;
    EXPECT_EQ(bits(math::sin(-x)), bits(-math::sin(x))) << x;
    EXPECT_EQ(bits(math::cos(-x)), bits(math::cos(x))) << x;
  }
}

TEST(Math, SpecialValues) {
  EXPECT_EQ(math::exp(-kInfinity), 0.0F);
  EXPECT_EQ(math::exp(kInfinity), kInfinity);
  EXPECT_EQ(math::exp(0.0F), 1.0F);
  EXPECT_EQ(math::log(0.0F), -kInfinity);
  EXPECT_EQ(math::log(-0.0F), -kInfinity);
  EXPECT_EQ(bits(math::log(1.0F)), bits(0.0F));
  EXPECT_EQ(math::log(kInfinity), kInfinity);
  EXPECT_EQ(bits(math::log(-1.0F)), bits(kNan));
  EXPECT_EQ(bits(math::sin(-0.0F)), bits(-0.0F));
  EXPECT_EQ(bits(math::sin(kInfinity)), bits(kNan));
  EXPECT_EQ(bits(math::cos(-kInfinity)), bits(kNan));
  EXPECT_EQ(math::tanh(kInfinity), 1.0F);
  EXPECT_EQ(math::tanh(-kInfinity), -1.0F);
  EXPECT_EQ(bits(math::tanh(-0.0F)), bits(-0.0F));
  EXPECT_EQ(math::erf(-kInfinity), -1.0F);
  EXPECT_EQ(bits(math::erf(-0.0F)), bits(-0.0F));
  for (const Function& function : kFunctions) {
    for (const std::uint32_t nan : {0x7fc00000U, 0xffc00000U, 0x7f800001U, 0xffffffffU}) {
      EXPECT_EQ(bits(function.ours(float_of(nan))), bits(kNan)) << function.name;
    }
  }
}

TEST(Math, MaximumAndMinimumDoNotDependOnOrder) {
  const float values[] = {0.0F, -0.0F, 1.0F, -1.0F, kInfinity, -kInfinity, kNan, float_of(0xffc12345U)};
  for (const float a : values) {
    for (const float b : values) {
      EXPECT_EQ(bits(math::maximum(a, b)), bits(math::maximum(b, a)));
      EXPECT_EQ(bits(math::minimum(a, b)), bits(math::minimum(b, a)));
      if (std::isnan(a) || std::isnan(b)) {
        EXPECT_EQ(bits(math::maximum(a, b)), bits(kNan));
        EXPECT_EQ(bits(math::minimum(a, b)), bits(kNan));
      }
    }
  }
  EXPECT_EQ(bits(math::maximum(-0.0F, 0.0F)), bits(0.0F));
  EXPECT_EQ(bits(math::minimum(0.0F, -0.0F)), bits(-0.0F));
}

TEST(Math, ThereIsOneNan) {
  const float odd = float_of(0xffc12345U);
  const float expected[] = {math::add(odd, 1.0F),
                            math::sub(kInfinity, kInfinity),
                            math::mul(0.0F, kInfinity),
                            math::div(0.0F, 0.0F),
                            math::fma(kInfinity, 0.0F, odd),
                            math::sqrt(-1.0F),
                            math::neg(odd),
                            math::abs(odd),
                            math::maximum(odd, 0.0F)};
  for (const float value : expected) EXPECT_EQ(bits(value), bits(kNan));
  EXPECT_EQ(bits(math::select(1.0F, odd, 0.0F)), bits(odd));
  EXPECT_EQ(bits(math::select(odd, 2.0F, 0.0F)), bits(2.0F));
}

// The C library's fma is the hardware's, or exact integers; but in WebAssembly it rounds halfway cases twice, and the
// results are those that other machines have.
TEST(Math, FmaIsRoundedOnce) {
  base::set_ieee_mode();
  base::Encoder all;
  std::mt19937 random(2);
  const auto any_bits = [&] { return float_of(random()); };
  const auto near_one = [&] {
    const std::uint32_t low = random();
    const std::uint32_t sign = random();
    return float_of(0x3f000000U + (low & 0x00ffffffU) + (sign << 31));
  };
  const auto tiny = [&] {
    const std::uint32_t low = random();
    const std::uint32_t exponent = random() % 40;
    return float_of((low & 0x80ffffffU) | (exponent << 23));
  };
  for (int i = 0; i < 100000; ++i) {
    float a = any_bits();
    float b = any_bits();
    float c = any_bits();
    if (i % 4 == 1) {
      a = near_one();
      b = near_one();
      c = near_one();
    } else if (i % 4 == 2) {
      a = near_one();
      b = tiny();
      c = tiny();
    } else if (i % 4 == 3) {  // halfway but for digits far below
      a = float_of(bits(near_one()) & 0xffffff00U);
      b = float_of(bits(near_one()) & 0xfffff000U);
      c = near_one();
      c = std::ldexp(c, -static_cast<int>(random() % 90));
    }
    all.f32(math::fma(a, b, c));
#if !defined(__EMSCRIPTEN__)
    const float truth = std::fma(a, b, c);
    ASSERT_EQ(bits(math::fma(a, b, c)), std::isnan(truth) ? bits(kNan) : bits(truth))
        << std::hexfloat << a << " * " << b << " + " << c;
#endif
  }
  EXPECT_EQ(base::sha256(all.data()).hex(), "97b503f345086ab1e8bd2bc88820aecadc3575eff4b99798523d7d7aac25bf4b");
}

}  // namespace
}  // namespace starling::exact
