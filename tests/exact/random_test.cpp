#include "exact/random.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <vector>

#include "exact/kernels.h"

namespace starling::exact {
namespace {

// The known answers that the generator's authors publish (Random123, kat_vectors).
TEST(Random, PhiloxGivesThePublishedWords) {
  using Words = std::array<std::uint32_t, 4>;
  EXPECT_EQ(philox({0, 0, 0, 0}, {0, 0}), (Words{0x6627e8d5U, 0xe169c58dU, 0xbc57ac4cU, 0x9b00dbd8U}));
  EXPECT_EQ(philox({~0U, ~0U, ~0U, ~0U}, {~0U, ~0U}), (Words{0x408f276dU, 0x41c83b0eU, 0xa20bc7c6U, 0x6d5451fdU}));
  EXPECT_EQ(philox({0x243f6a88U, 0x85a308d3U, 0x13198a2eU, 0x03707344U}, {0xa4093822U, 0x299f31d0U}),
            (Words{0xd16cfe09U, 0x94fdccebU, 0x5001e420U, 0x24126ea1U}));
}

TEST(Random, KeyAndCounterAreWhatTheHeaderSays) {
  const std::uint64_t index = (std::uint64_t{5} << 32 | 7U) * 4 + 2;
  const auto words = philox({7, 5, 9, 0}, {1, 0xfffffffeU});
  EXPECT_EQ(uniform_at(random_key(1, -2), 9, index), static_cast<float>(words[2] >> 8) * 0x1p-24F);
}

TEST(Random, BackendsGiveTheSameStreams) {
  for (const Kernels* kernels : available_kernels()) {
    for (const std::uint64_t first : {0ULL, 1ULL, 3ULL, 66ULL, 0x3fffffffeULL}) {
      for (const std::size_t count : {0U, 1U, 5U, 64U, 131U}) {
        std::vector<float> normal(count + 1, 42.0F);
        std::vector<float> uniform(count + 1, 42.0F);
        kernels->normal(normal.data(), 0x0123456789abcdefULL, 3, first, count);
        kernels->uniform(uniform.data(), 0x0123456789abcdefULL, 3, first, count);
        for (std::size_t i = 0; i < count; ++i) {
          ASSERT_EQ(normal[i], normal_at(0x0123456789abcdefULL, 3, first + i)) << kernels->name << ' ' << first + i;
          ASSERT_EQ(uniform[i], uniform_at(0x0123456789abcdefULL, 3, first + i)) << kernels->name << ' ' << first + i;
        }
        EXPECT_EQ(normal[count], 42.0F);
        EXPECT_EQ(uniform[count], 42.0F);
      }
    }
  }
}

// Bounds are six standard errors.
TEST(Random, MomentsAreThoseOfTheDistributions) {
  constexpr std::size_t kCount = 100000;
  std::vector<float> values(kCount);
  const Kernels& kernels = *available_kernels().front();
  kernels.normal(values.data(), 7, 0, 0, kCount);
  double sum = 0.0;
  double squares = 0.0;
  double fourth = 0.0;
  double neighbours = 0.0;
  for (std::size_t i = 0; i < kCount; ++i) {
    const double x = static_cast<double>(values[i]);
    sum += x;
    squares += x * x;
    fourth += x * x * x * x;
    if (i > 0) neighbours += x * static_cast<double>(values[i - 1]);
  }
  const double error = 6.0 / std::sqrt(kCount);
  EXPECT_NEAR(sum / kCount, 0.0, error);
  EXPECT_NEAR(squares / kCount, 1.0, error * std::sqrt(2.0));
  EXPECT_NEAR(fourth / kCount, 3.0, error * std::sqrt(96.0));
  EXPECT_NEAR(neighbours / kCount, 0.0, error);
  kernels.uniform(values.data(), 7, 0, 0, kCount);
  sum = 0.0;
  for (const float x : values) {
    ASSERT_GE(x, 0.0F);
    ASSERT_LT(x, 1.0F);
    sum += static_cast<double>(x);
  }
  EXPECT_NEAR(sum / kCount, 0.5, error * std::sqrt(1.0 / 12.0));
}

}  // namespace
}  // namespace starling::exact
