#include "generate/measure.h"

#include <gtest/gtest.h>

#include "generate/measure_object.h"
#include "generate/measure_score.h"

namespace starling::generate {
namespace {

std::vector<CoursePoint> course(double (*x)(double), double (*height)(double)) {
  std::vector<CoursePoint> points;
  for (int i = 0; i < 17; ++i) points.push_back({i / 8.0, x(i / 8.0), height(i / 8.0)});
  return points;
}

double nowhere(double) { return 0; }

TEST(ReadMotion, TellsMotionsApart) {
  const auto left = [](double t) { return 3 - 2.5 * t; };
  EXPECT_EQ(read_motion(course(nowhere, nowhere), Shape::kBall).motion, Motion::kStay);
  EXPECT_EQ(read_motion(course(left, nowhere), Shape::kBall).motion, Motion::kRoll);
  EXPECT_EQ(read_motion(course(left, nowhere), Shape::kBox).motion, Motion::kSlide);
  EXPECT_EQ(read_motion(course(left, nowhere), Shape::kBox).direction, Direction::kLeft);
  EXPECT_EQ(read_motion(course(nowhere, [](double t) { return 3.5 * t; }), Shape::kBox).motion, Motion::kRise);
  EXPECT_EQ(read_motion(course(nowhere, [](double t) { return t < 1 ? 4 - 4 * t * t : 4 * (t - 1) * (2 - t) * 2.6; }),
                        Shape::kBox)
                .motion,
            Motion::kBounce);
}

TEST(ReadMotion, FitsTheGravityOfAFall) {
  const auto reading = read_motion(
      course(nowhere, [](double t) { return 8 - 0.5 * 6.5 * t * t > 0 ? 8 - 0.5 * 6.5 * t * t : 0; }), Shape::kBall);
  EXPECT_EQ(reading.motion, Motion::kFall);
  ASSERT_TRUE(reading.gravity.has_value());
  EXPECT_NEAR(*reading.gravity, 6.5, 1e-6);
}

TEST(Measure, FindsNothingInAnEmptyPicture) {
  const std::vector<std::uint8_t> grey(std::size_t{64} * 64 * 3 * 5, 128);
  const auto found = measure({grey, 5, 64, 64, 8});
  ASSERT_TRUE(found.ok());
  EXPECT_FALSE(found->attributes.colour.has_value());
  EXPECT_FALSE(found->attributes.shape.has_value());
  EXPECT_FALSE(found->attributes.motion.has_value());
  EXPECT_FALSE(found->steady);
}

TEST(Measure, RefusesClipsThatDoNotMatchTheirSize) {
  const std::vector<std::uint8_t> bytes(std::size_t{64} * 64 * 3 * 5, 0);
  EXPECT_FALSE(measure({bytes, 6, 64, 64, 8}).ok());
  EXPECT_FALSE(measure({bytes, 5, 64, 64, 0}).ok());
  EXPECT_FALSE(measure({bytes, 5, -64, -64, 8}).ok());
  EXPECT_FALSE(measure({{}, 0, 0, 0, 8}).ok());
}

TEST(Compare, JudgesOnlyWhatTheCaptionSays) {
  Detection detected;
  detected.attributes.colour = Colour::kRed;
  PartialAttributes expected;
  expected.colour = Colour::kRed;
  expected.shape = Shape::kBall;
  const Verdicts verdicts = compare(detected, expected);
  EXPECT_EQ(verdicts[static_cast<std::size_t>(Measure::kColour)], true);
  EXPECT_EQ(verdicts[static_cast<std::size_t>(Measure::kShape)], false);
  EXPECT_FALSE(verdicts[static_cast<std::size_t>(Measure::kMotion)].has_value());
}

// Reference values from the closed form, 8 of 10 and 50 of 50.
TEST(Wilson, GivesTheKnownIntervals) {
  const Score some = wilson(8, 10);
  EXPECT_NEAR(some.low, 0.4902, 1e-4);
  EXPECT_NEAR(some.high, 0.9433, 1e-4);
  const Score all = wilson(50, 50);
  EXPECT_NEAR(all.low, 0.9287, 1e-4);
  EXPECT_EQ(all.high, 1.0);
  EXPECT_EQ(wilson(0, 0).high, 1.0);
}

TEST(ScoreShuffled, ComparesWithOtherCaptions) {
  std::vector<Detection> detected(4);
  std::vector<PartialAttributes> expected(4);
  for (std::size_t i = 0; i < 4; ++i) {
    detected[i].attributes.colour = static_cast<Colour>(i);
    expected[i].colour = static_cast<Colour>(i);
  }
  EXPECT_EQ(score(detected, expected)[0].value, 1.0);
  EXPECT_EQ(score_shuffled(detected, expected)[0].value, 0.0);
}

}  // namespace
}  // namespace starling::generate
