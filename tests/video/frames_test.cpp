#include "video/frames.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace starling::video {
namespace {

TEST(Frames, EveryPixelValueSurvivesTheWayToATensorAndBack) {
  std::vector<std::uint8_t> pixels(256);
  for (int i = 0; i < 256; ++i) pixels[i] = static_cast<std::uint8_t>(i);
  std::vector<float> values(256);
  values_from_pixels(pixels, values);
  EXPECT_EQ(values[0], -1.0f);
  EXPECT_EQ(values[255], 1.0f);
  std::vector<std::uint8_t> back(256);
  ASSERT_TRUE(pixels_from_values(values, back).ok());
  EXPECT_EQ(back, pixels);
}

TEST(Frames, RoundingAgreesWithTheNearestIntegerHalvesToEven) {
  std::vector<float> values;
  for (int i = -4000; i <= 4000; ++i) values.push_back(static_cast<float>(i) / 3000.0f);
  // (x + 1) · 127.5 is exactly 63.75·2 = 127.5 at zero, and a half at other multiples of 1/127.5 that f32 holds.
  values.push_back(0.0f);
  values.push_back(-0.0f);
  values.push_back(std::numeric_limits<float>::denorm_min());
  std::vector<std::uint8_t> pixels(values.size());
  ASSERT_TRUE(pixels_from_values(values, pixels).ok());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const float clamped = std::fmin(std::fmax(values[i], -1.0f), 1.0f);
    const float shifted = clamped + 1.0f;
    const float scaled = shifted * 127.5f;
    EXPECT_EQ(static_cast<int>(pixels[i]), static_cast<int>(std::nearbyint(scaled))) << values[i];
  }
  EXPECT_EQ(pixels[4000], 128);  // 127.5 goes to the even neighbour
}

TEST(Frames, ValuesThatAreNoNumbersAreRefused) {
  for (const float bad : {std::nanf(""), INFINITY, -INFINITY}) {
    const std::vector<float> values{0.0f, bad, 0.5f};
    std::vector<std::uint8_t> pixels(3);
    const auto status = pixels_from_values(values, pixels);
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().code, base::ErrorCode::kNonFinite);
    EXPECT_NE(status.error().message.find("value 1"), std::string::npos);
  }
}

TEST(Frames, SizesAreBounded) {
  EXPECT_TRUE(make_frames(1, 1, 0, {}).ok());
  EXPECT_FALSE(make_frames(0, 1, 1, {}).ok());
  EXPECT_FALSE(make_frames(1, 8193, 1, {}).ok());
  EXPECT_FALSE(make_frames(1, 1, -1, {}).ok());
  EXPECT_FALSE(make_frames(1, 1, 1, {0, 1}).ok());
  EXPECT_FALSE(make_frames(1, 1, 1, {1, -1}).ok());
  const auto huge = make_frames(8192, 8192, 1000, {});
  ASSERT_FALSE(huge.ok());
  EXPECT_EQ(huge.error().code, base::ErrorCode::kLimit);
}

TEST(Frames, ValuesMustFillTheFramesExactly) {
  const std::vector<float> values(2 * 3 * 4 * 3, 0.25f);
  EXPECT_TRUE(frames_from_values(values, 4, 3, 2, {}).ok());
  EXPECT_FALSE(frames_from_values(values, 4, 3, 3, {}).ok());
}

TEST(Frames, AHashNamesSizeAndPixels) {
  auto frames = make_frames(2, 3, 2, {});
  ASSERT_TRUE(frames.ok());
  // SHA-256 of 02000000 03000000 and 18 zero bytes, by coreutils' sha256sum.
  EXPECT_EQ(frame_hash(frames->frame(0)).hex(), "0ad243e60754f5a7bdbe629d88b76e5a213b39e15ee0e9511de706ee3bbf2649");
  const FrameView turned{3, 2, frames->frame(0).rgb};
  EXPECT_NE(frame_hash(turned), frame_hash(frames->frame(0)));
  frames->pixels(1)[17] = 1;
  EXPECT_NE(frame_hash(frames->frame(1)), frame_hash(frames->frame(0)));
}

}  // namespace
}  // namespace starling::video
