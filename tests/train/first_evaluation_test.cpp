#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "train/first_world/evaluation.h"
#include "train/first_world/render.h"
#include "train/world/random.h"

namespace starling::train {
namespace {

using generate::Measure;

base::Result<std::vector<std::uint8_t>> draw(const EvaluationItem& item, const ClipShape& shape) {
  return render(item.scene, shape.width, shape.height, shape.frames, shape.fps);
}

// Softens every frame with a 3×3 box and adds noise, as a small model's videos are.
base::Result<std::vector<std::uint8_t>> draw_badly(const EvaluationItem& item, const ClipShape& shape) {
  STARLING_ASSIGN(const auto sharp, draw(item, shape));
  std::vector<std::uint8_t> soft(sharp.size());
  Random random(item.seed);
  const auto at = [&](int f, int y, int x, int c) {
    return static_cast<std::size_t>(((f * shape.height + y) * shape.width + x) * 3 + c);
  };
  for (int f = 0; f < shape.frames; ++f) {
    for (int y = 0; y < shape.height; ++y) {
      for (int x = 0; x < shape.width; ++x) {
        for (int c = 0; c < 3; ++c) {
          int sum = 0;
          for (int dy = -1; dy <= 1; ++dy) {
            for (int dx = -1; dx <= 1; ++dx) {
              sum += sharp[at(f, std::clamp(y + dy, 0, shape.height - 1), std::clamp(x + dx, 0, shape.width - 1), c)];
            }
          }
          const int noisy = sum / 9 + static_cast<int>(random.below(21)) - 10;
          soft[at(f, y, x, c)] = static_cast<std::uint8_t>(std::clamp(noisy, 0, 255));
        }
      }
    }
  }
  return soft;
}

base::Result<std::vector<std::uint8_t>> draw_nothing(const EvaluationItem& /*item*/, const ClipShape& shape) {
  return std::vector<std::uint8_t>(static_cast<std::size_t>(shape.frames) * static_cast<std::size_t>(shape.height) *
                                       static_cast<std::size_t>(shape.width) * 3,
                                   120);
}

TEST(Evaluation, RealClipsScoreNearlyEverythingAndEmptyOnesNothing) {
  EvaluationOptions options;
  options.clips = 300;
  const auto report = evaluate_world(options, draw_nothing);
  ASSERT_TRUE(report.ok());
  for (std::size_t m = 0; m < generate::kMeasures; ++m) {
    const auto& ceiling = report->ceiling[m];
    const auto measure = static_cast<Measure>(m);
    EXPECT_GE(ceiling.value, measure == Measure::kGravity ? 0.9 : 0.97) << name(measure) << " of " << ceiling.count;
    EXPECT_GT(ceiling.count, 30U) << name(measure);
  }
  for (const auto measure : {Measure::kColour, Measure::kShape, Measure::kSize, Measure::kMotion, Measure::kSteady}) {
    EXPECT_EQ(report->scores[static_cast<std::size_t>(measure)].value, 0) << name(measure);
  }
}

TEST(Evaluation, OtherCaptionsAreTheFloor) {
  EvaluationOptions options;
  options.clips = 40;
  const auto report = evaluate_world(options, draw);
  ASSERT_TRUE(report.ok());
  for (const auto measure : {Measure::kColour, Measure::kShape, Measure::kMotion, Measure::kCamera, Measure::kSky}) {
    const auto m = static_cast<std::size_t>(measure);
    EXPECT_EQ(report->scores[m].value, report->ceiling[m].value);
    EXPECT_LT(report->floor[m].value, 0.6) << name(measure);
  }
  const base::Json json = evaluation_json(*report, "a model");
  EXPECT_EQ(*json.integer("clips"), 40);
  const base::Json* motion = json.find("scores")->find("motion");
  ASSERT_NE(motion, nullptr);
  EXPECT_EQ(*motion->number("value"), report->scores[static_cast<std::size_t>(Measure::kMotion)].value);
}

TEST(Evaluation, WhatNothingWasJudgedByHasNoNumber) {
  EvaluationReport report;
  report.scores[0] = report.ceiling[0] = generate::wilson(0, 3);
  const base::Json json = evaluation_json(report, "a model");
  const base::Json* judged = json.find("scores")->find(generate::name(Measure::kColour));
  for (const char* key : {"value", "low", "high", "ceiling"}) EXPECT_TRUE(judged->number(key).ok()) << key;
  EXPECT_TRUE(judged->find("floor")->is_null());
  const base::Json* other = json.find("scores")->find(generate::name(Measure::kSky));
  ASSERT_NE(other, nullptr);
  for (const char* key : {"value", "low", "high", "floor", "ceiling"}) EXPECT_TRUE(other->find(key)->is_null()) << key;
  EXPECT_EQ(*other->integer("count"), 0);
}

TEST(Evaluation, BlurredAndNoisyClipsAreStillRead) {
  EvaluationOptions options;
  options.clips = 60;
  options.seed = 1;
  const auto report = evaluate_world(options, draw_badly);
  ASSERT_TRUE(report.ok());
  for (const auto measure : {Measure::kColour, Measure::kShape, Measure::kSize, Measure::kMotion, Measure::kDirection,
                             Measure::kGround, Measure::kSky, Measure::kCamera}) {
    EXPECT_GE(report->scores[static_cast<std::size_t>(measure)].value, 0.93) << name(measure);
  }
}

TEST(Evaluation, OtherSizesAreReadToo) {
  for (const ClipShape& shape : {ClipShape{96, 64, 17, 8}, ClipShape{64, 96, 25, 12}, ClipShape{128, 128, 9, 8}}) {
    EvaluationOptions options;
    options.clips = 20;
    options.shape = shape;
    const auto report = evaluate_world(options, draw);
    ASSERT_TRUE(report.ok());
    for (const auto measure : {Measure::kColour, Measure::kShape, Measure::kSize, Measure::kCamera}) {
      EXPECT_GE(report->scores[static_cast<std::size_t>(measure)].value, 0.9) << name(measure);
    }
  }
}

// Detections are held to the truth in numbers, not only in classes.
TEST(Measure, TracksTheObjectToHalfAPixelOrSo) {
  double worst = 0;
  double sum = 0;
  int count = 0;
  for (std::uint64_t i = 0; i < 60; ++i) {
    const Scene scene = sample_scene(derive(31, i));
    const auto bytes = render(scene, 64, 64, 17, 8);
    ASSERT_TRUE(bytes.ok());
    const auto found = generate::measure({*bytes, 17, 64, 64, 8});
    ASSERT_TRUE(found.ok());
    EXPECT_NEAR(found->camera_velocity, scene.camera_velocity, 0.25);
    for (int f = 0; f < 17; ++f) {
      const auto& point = found->track[static_cast<std::size_t>(f)];
      ASSERT_TRUE(point.found);
      const double error = std::abs(point.x - truth_at(scene, 64, 64, f, 8).centre_x);
      worst = std::max(worst, error);
      sum += error;
      ++count;
    }
  }
  EXPECT_LT(worst, 1.5);
  EXPECT_LT(sum / count, 0.3);
}

TEST(EvaluationItems, AreRepeatableAndHeldOut) {
  EvaluationOptions options;
  options.split = Split::kHeldOut;
  const auto once = evaluation_items(options);
  const auto again = evaluation_items(options);
  std::set<std::string> captions;
  ASSERT_EQ(once.size(), 100U);
  for (std::size_t i = 0; i < once.size(); ++i) {
    EXPECT_EQ(once[i].caption, again[i].caption);
    EXPECT_TRUE(held_out(once[i].scene.attributes));
    EXPECT_TRUE(once[i].expected.colour && once[i].expected.shape && once[i].expected.motion);
    captions.insert(once[i].caption);
  }
  EXPECT_GT(captions.size(), 95U);
}

TEST(EvaluationItems, ProgressCanStopTheRun) {
  const auto report = evaluate_world({}, draw, [](std::size_t done) -> base::Status {
    if (done == 2) return base::Error{base::ErrorCode::kCancelled, "stopped"};
    return {};
  });
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().code, base::ErrorCode::kCancelled);
}

}  // namespace
}  // namespace starling::train
