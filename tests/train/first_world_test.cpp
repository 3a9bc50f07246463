#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <tuple>

#include "base/hash.h"
#include "train/first_world/motion.h"
#include "train/first_world/render.h"
#include "train/first_world/scene.h"
#include "train/world/angle.h"
#include "train/world/random.h"

namespace starling::train {
namespace {

using generate::Colour;
using generate::Direction;
using generate::Motion;
using generate::Shape;

std::vector<Attributes> all_compositions() {
  std::vector<Attributes> all;
  for (std::size_t c = 0; c < generate::kColours; ++c) {
    for (std::size_t s = 0; s < generate::kShapes; ++s) {
      for (std::size_t m = 0; m < generate::kMotions; ++m) {
        Attributes a;
        a.colour = static_cast<Colour>(c);
        a.shape = static_cast<Shape>(s);
        a.motion = static_cast<Motion>(m);
        if (a.motion == Motion::kRoll || a.motion == Motion::kSlide) a.direction = Direction::kLeft;
        if (possible(a)) all.push_back(a);
      }
    }
  }
  return all;
}

TEST(World, PicturesAreTheSameBytesOnEveryMachine) {
  base::Sha256 hash;
  for (std::uint64_t i = 0; i < 24; ++i) {
    const auto bytes = render(sample_scene(derive(1, i)), 64, 64, 17, 8);
    ASSERT_TRUE(bytes.ok());
    hash.update(*bytes);
  }
  const auto wide = render(sample_scene(derive(1, 99), scene_options(160, 96, 9, 12)), 160, 96, 9, 12);
  ASSERT_TRUE(wide.ok());
  hash.update(*wide);
  EXPECT_EQ(hash.finish().hex(), "d4d577383c1f9d607bf135dbf99d57ce0a09814b63fa09fc49e04080cd6b58d1");
}

TEST(World, HoldsOutOneCompositionInNine) {
  const auto all = all_compositions();
  EXPECT_EQ(all.size(), 144U);
  std::set<std::pair<Colour, Shape>> colour_shape;
  std::set<std::pair<Colour, Motion>> colour_motion;
  std::set<std::pair<Shape, Motion>> shape_motion;
  std::size_t held = 0;
  for (const auto& a : all) {
    if (held_out(a)) {
      ++held;
      continue;
    }
    colour_shape.emplace(a.colour, a.shape);
    shape_motion.emplace(a.shape, a.motion);
    colour_motion.emplace(a.colour, a.motion);
  }
  // Only balls roll, so that to hold out a rolling purple ball is to hold out purple and rolling.
  EXPECT_EQ(held, 16U);
  EXPECT_EQ(colour_shape.size(), 24U);
  EXPECT_EQ(shape_motion.size(), 18U);
  EXPECT_EQ(colour_motion.size(), 55U);
  Attributes flagship;
  flagship.motion = Motion::kBounce;
  EXPECT_FALSE(held_out(flagship));
}

TEST(World, SplitsAreKept) {
  SceneOptions options;
  for (std::uint64_t i = 0; i < 500; ++i) {
    options.split = Split::kTrain;
    EXPECT_FALSE(held_out(sample_scene(i, options).attributes));
    options.split = Split::kHeldOut;
    EXPECT_TRUE(held_out(sample_scene(i, options).attributes));
  }
}

TEST(World, ObjectsStayInViewForTheWholeClip) {
  const std::tuple<int, int, int, double> kSizes[] = {
      {64, 64, 17, 8}, {128, 64, 17, 8}, {64, 128, 33, 8}, {32, 32, 49, 12}};
  for (const auto& [width, height, frames, fps] : kSizes) {
    for (std::uint64_t i = 0; i < 400; ++i) {
      const Scene scene = sample_scene(derive(2, i), scene_options(width, height, frames, fps));
      ASSERT_TRUE(possible(scene.attributes));
      for (int f = 0; f < frames; ++f) {
        EXPECT_GT(truth_at(scene, width, height, f, fps).visible, 0.999) << i << " frame " << f;
      }
    }
  }
}

TEST(World, MovesSlowlyEnoughToBeLearnt) {
  for (std::uint64_t i = 0; i < 1000; ++i) {
    const Scene scene = sample_scene(derive(3, i));
    for (int f = 0; f + 1 < 17; ++f) {
      const FrameTruth a = truth_at(scene, 64, 64, f, 8);
      const FrameTruth b = truth_at(scene, 64, 64, f + 1, 8);
      EXPECT_LT(std::hypot(a.centre_x - b.centre_x, a.centre_y - b.centre_y), 7.5);
    }
  }
}

TEST(World, ThingsFallWithGravity) {
  Attributes a;
  a.motion = Motion::kFall;
  const auto scene = scene_with(a, 5);
  ASSERT_TRUE(scene.ok());
  const double h = 0.01;
  const double t = 0.5;
  const double acceleration =
      (pose_at(*scene, t + h).height - 2 * pose_at(*scene, t).height + pose_at(*scene, t - h).height) / (h * h);
  EXPECT_NEAR(acceleration, -9.81, 1e-6);
  EXPECT_EQ(pose_at(*scene, 5).height, 0);
}

TEST(World, BouncesLoseEnergyAndNeverSinkIn) {
  double last_apex = 4;
  double apex = 0;
  bool rising = false;
  for (double t = 0; t < 8; t += 0.01) {
    const double now = bounce_height(4, 0.85, t);
    const double next = bounce_height(4, 0.85, t + 0.01);
    EXPECT_GE(now, 0);
    if (next > now) rising = true;
    apex = std::max(apex, rising ? now : 0.0);
    if (rising && next < now) {
      EXPECT_NEAR(apex, last_apex * 0.85 * 0.85, 0.01);
      last_apex = apex;
      apex = 0;
      rising = false;
    }
  }
  EXPECT_LT(last_apex, 1.0);
}

TEST(World, RollingBallsDoNotSlip) {
  Attributes a;
  a.motion = Motion::kRoll;
  a.direction = Direction::kRight;
  const auto scene = scene_with(a, 6);
  ASSERT_TRUE(scene.ok());
  const Pose from = pose_at(*scene, 0);
  const Pose to = pose_at(*scene, 2);
  EXPECT_GT(to.x, from.x);
  EXPECT_NEAR((to.turns - from.turns) * 3.14159265358979 * scene->diameter, to.x - from.x, 1e-9);
}

TEST(World, SineAndCosineMatchTheLibrary) {
  for (double turns = -3; turns < 3; turns += 0.0037) {
    const SineCosine own = sine_cosine(turns);
    EXPECT_NEAR(own.sine, std::sin(turns * 2 * 3.14159265358979323846), 1e-9);
    EXPECT_NEAR(own.cosine, std::cos(turns * 2 * 3.14159265358979323846), 1e-9);
  }
}

TEST(World, RefusesWhatItCannotDraw) {
  const Scene scene = sample_scene(1);
  EXPECT_FALSE(render(scene, 60, 64, 17, 8).ok());
  EXPECT_FALSE(render(scene, 64, 24, 17, 8).ok());
  EXPECT_FALSE(render(scene, 64, 64, 0, 8).ok());
  EXPECT_FALSE(render(scene, 64, 64, 17, 0).ok());
  Attributes impossible;
  impossible.shape = Shape::kBox;
  impossible.motion = Motion::kRoll;
  impossible.direction = Direction::kLeft;
  EXPECT_FALSE(scene_with(impossible, 1).ok());
}

}  // namespace
}  // namespace starling::train
