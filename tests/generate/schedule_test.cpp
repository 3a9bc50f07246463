#include "generate/schedule.h"

#include <gtest/gtest.h>

namespace starling::generate {
namespace {

// Numbers from FlowMatchEulerDiscreteScheduler(num_train_timesteps=1000, shift=...) of diffusers 0.42.1, which computes
// in f32 and f64 by turns: they agree to a few roundings of f32.
constexpr float kTolerance = 4e-7F;

TEST(Schedule, IsThatOfDiffusersWithoutShift) {
  const auto steps = flow_match_euler(4, 1000, 1.0F);
  const float sigmas[] = {1.0F, 0.666999996F, 0.333999991F, 0.001F, 0.0F};
  ASSERT_EQ(steps.size(), 4U);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_NEAR(steps[i].sigma, sigmas[i], kTolerance);
    EXPECT_NEAR(steps[i].next_sigma, sigmas[i + 1], kTolerance);
    EXPECT_NEAR(steps[i].timestep, 1000.0F * sigmas[i], 1000.0F * kTolerance);
  }
}

TEST(Schedule, IsThatOfDiffusersWithShift) {
  const auto steps = flow_match_euler(5, 1000, 3.0F);
  const float sigmas[] = {1.0F, 0.900359094F, 0.751121104F, 0.50298506F, 0.00892857183F};
  ASSERT_EQ(steps.size(), 5U);
  for (std::size_t i = 0; i < 5; ++i) EXPECT_NEAR(steps[i].sigma, sigmas[i], kTolerance);
  EXPECT_EQ(steps.back().next_sigma, 0.0F);
  const auto many = flow_match_euler(30, 1000, 2.0F);
  EXPECT_NEAR(many[7].sigma, 0.863056898F, kTolerance);
  EXPECT_NEAR(many[29].sigma, 0.00398803595F, kTolerance);
}

TEST(Schedule, OneStepGoesAllTheWay) {
  const auto steps = flow_match_euler(1, 1000, 2.0F);
  ASSERT_EQ(steps.size(), 1U);
  EXPECT_EQ(steps[0].timestep, 1000.0F);
  EXPECT_EQ(steps[0].sigma, 1.0F);
  EXPECT_EQ(steps[0].next_sigma, 0.0F);
}

}  // namespace
}  // namespace starling::generate
