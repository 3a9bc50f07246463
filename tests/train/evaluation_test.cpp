#include "train/evaluation/evaluation.h"

#include <gtest/gtest.h>

#include <cmath>

#include "train/world/random.h"

namespace starling::train::evaluation {
namespace {

constexpr ClipShape kTestShape = {64, 64, 17, 8};

ClipView view(const std::vector<std::uint8_t>& rgb, const ClipShape& shape) {
  return {rgb, shape.frames, shape.height, shape.width, shape.fps};
}

world::TakeOptions take_options(const ClipShape& shape) {
  world::TakeOptions options;
  options.shape = shape;
  options.split = Split::kHeldOut;
  return options;
}

// What is wrong in the readings of clips whose truth is known.
struct Errors {
  int things = 0, frames = 0;  // true ones
  int missed = 0, surplus = 0;
  int colour = 0, shape = 0, size = 0;
  int place = 0;  // sightings further than 0.3 m from the truth
  int sightings = 0;
  int surroundings = 0, camera = 0;
};

// The track nearest to an actor, on the average of the frames that it is seen in.
const Track* nearest(const Reading& reading, const world::Take& take, std::size_t actor, std::vector<bool>& taken) {
  const Track* best = nullptr;
  double least = 2.0;  // metres
  std::size_t number = 0;
  for (std::size_t i = 0; i < reading.tracks.things.size(); ++i) {
    const Track& track = reading.tracks.things[i];
    if (taken[i]) continue;
    double sum = 0;
    for (const Sighting& s : track.sightings) {
      const world::Pose pose = take.course.at_time(s.time, actor);
      sum += std::hypot(s.x - (pose.x - take.truth.frames[0].camera.x), s.y - pose.y);
    }
    const double mean = sum / static_cast<double>(track.sightings.size());
    if (mean >= least) continue;
    least = mean;
    best = &track;
    number = i;
  }
  if (best != nullptr) taken[number] = true;
  return best;
}

void add_errors(const world::Take& take, const Reading& reading, Errors& errors) {
  std::vector<bool> taken(reading.tracks.things.size(), false);
  for (std::size_t a = 0; a < take.scenario.actors.size(); ++a) {
    const world::Thing& thing = take.scenario.actors[a].thing;
    ++errors.things;
    const Track* track = nearest(reading, take, a, taken);
    if (track == nullptr) {
      ++errors.missed;
      continue;
    }
    errors.colour += track->colour != thing.colour ? 1 : 0;
    errors.shape += track->shape != thing.shape ? 1 : 0;
    errors.size += track->size != thing.size ? 1 : 0;
    for (const Sighting& s : track->sightings) {
      if (!s.whole) continue;
      const world::Pose pose = take.course.at_time(s.time, a);
      const double away = std::hypot(s.x - (pose.x - take.truth.frames[0].camera.x), s.y - pose.y);
      errors.place += away > 0.3 ? 1 : 0;
      ++errors.sightings;
    }
  }
  for (const bool found : taken) errors.surplus += found ? 0 : 1;
  const world::Setting& setting = take.scenario.setting;
  const Surroundings& found = reading.surroundings;
  errors.surroundings += found.setting.sky != setting.sky || found.setting.ground != setting.ground ? 1 : 0;
  const auto& last = take.truth.frames.back().camera;
  const double way = last.x - take.truth.frames[0].camera.x;
  const bool right =
      std::fabs(found.cameras.back().x - way) < 0.4 && std::fabs(found.cameras.back().zoom - last.zoom) < 0.1;
  errors.camera += right ? 0 : 1;
}

TEST(WorldEvaluation, ReadsWhatIsKnownOfClips) {
  Errors errors;
  constexpr int kClips = 40;
  for (std::uint64_t i = 0; i < kClips; ++i) {
    const world::Take take = world::take(derive(501, i), take_options(kTestShape));
    const auto reading = read_clip(view(world::pixels(take), kTestShape));
    ASSERT_TRUE(reading.ok());
    add_errors(take, *reading, errors);
  }
  EXPECT_GT(errors.things, kClips);
  EXPECT_LE(errors.missed, 1);
  EXPECT_LE(errors.surplus, 3);
  EXPECT_LE(errors.colour, 1);
  EXPECT_LE(errors.shape, 2);
  EXPECT_LE(errors.size, 2);
  EXPECT_LE(errors.place, errors.sightings / 25);
  EXPECT_EQ(errors.surroundings, 0);
  EXPECT_LE(errors.camera, 2);
}

TEST(WorldEvaluation, ReadsOtherSizes) {
  for (const ClipShape& shape : {ClipShape{128, 96, 9, 8}, ClipShape{48, 64, 17, 8}, ClipShape{64, 64, 1, 8}}) {
    Errors errors;
    for (std::uint64_t i = 0; i < 5; ++i) {
      const world::Take take = world::take(derive(502, i), take_options(shape));
      const auto reading = read_clip(view(world::pixels(take), shape));
      ASSERT_TRUE(reading.ok());
      add_errors(take, *reading, errors);
    }
    EXPECT_LE(errors.missed + errors.surplus, 2) << shape.width;
    EXPECT_LE(errors.colour + errors.shape, 2) << shape.width;
  }
}

TEST(WorldEvaluation, RefusesWhatIsNoClip) {
  const std::vector<std::uint8_t> bytes(64 * 64 * 3);
  EXPECT_TRUE(read_clip({bytes, 1, 64, 64, 8}).ok());
  EXPECT_FALSE(read_clip({bytes, 2, 64, 64, 8}).ok());
  EXPECT_FALSE(read_clip({bytes, 1, 16, 256, 8}).ok());
  EXPECT_FALSE(read_clip({bytes, 0, 64, 64, 8}).ok());
  EXPECT_FALSE(read_clip({bytes, 1, 64, 64, 0}).ok());
}

TEST(WorldEvaluation, ReadsNothingInNoise) {
  std::vector<std::uint8_t> bytes(64 * 64 * 3 * 9);
  Random random(3);
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random.below(256));
  const auto reading = read_clip({bytes, 9, 64, 64, 8});
  ASSERT_TRUE(reading.ok());
  EXPECT_FALSE(reading->surroundings.sky_known && reading->surroundings.ground_known);
}

double value(const Column& column, Measure measure) { return column.scores[static_cast<std::size_t>(measure)].value; }

TEST(WorldEvaluation, CeilingIsFarAboveTheFloor) {
  Options options;
  options.clips = 36;
  options.shape = kTestShape;
  base::ThreadPool pool(2);
  const auto report = evaluate(options, {}, pool);
  ASSERT_TRUE(report.ok());
  for (const Measure measure : {Measure::kColour, Measure::kShape, Measure::kSize, Measure::kCount, Measure::kMotion,
                                Measure::kDirection, Measure::kCamera, Measure::kGround, Measure::kSky}) {
    EXPECT_GE(value(report->ceiling(), measure), 0.93) << name(measure);
    EXPECT_LE(value(report->floor(), measure), 0.6) << name(measure);
  }
  EXPECT_GE(value(report->ceiling(), Measure::kOrder), 0.85);
  EXPECT_LE(value(report->floor(), Measure::kOrder), 0.2);
  EXPECT_GE(value(report->ceiling(), Measure::kEvent), 0.85);
}

TEST(WorldEvaluation, IsTheSameWhateverTheThreads) {
  Options options;
  options.clips = 6;
  options.shape = kTestShape;
  options.seed = 5;
  // A source that gives the first frame again and again: nothing moves in it.
  const Source frozen{"frozen", [](const Item&, const std::vector<std::uint8_t>& real) {
                        std::vector<std::uint8_t> bytes = real;
                        const std::size_t frame = real.size() / kTestShape.frames;
                        for (std::size_t i = frame; i < bytes.size(); ++i) bytes[i] = bytes[i - frame];
                        return base::Result<std::vector<std::uint8_t>>(std::move(bytes));
                      }};
  base::ThreadPool one(1);
  base::ThreadPool three(3);
  const auto a = evaluate(options, {frozen}, one);
  const auto b = evaluate(options, {frozen}, three);
  ASSERT_TRUE(a.ok());
  ASSERT_TRUE(b.ok());
  EXPECT_EQ(report_json(*a).to_text(), report_json(*b).to_text());
  EXPECT_LT(value(a->columns[0], Measure::kMotion), value(a->ceiling(), Measure::kMotion));
  EXPECT_GT(a->columns[0].squared_error, 0.0);
}

TEST(WorldEvaluation, ComparesTheVideosOfTwoSeeds) {
  Options options;
  options.clips = 2;
  options.shape = {32, 32, 5, 8};
  options.diversity = true;
  const auto flat = [](bool by_seed) {
    return [by_seed](const Item& item, const std::vector<std::uint8_t>& real) {
      const auto level = static_cast<std::uint8_t>(by_seed ? 40 + 30 * (item.seed % 2) : 40);
      return base::Result<std::vector<std::uint8_t>>(std::vector<std::uint8_t>(real.size(), level));
    };
  };
  base::ThreadPool pool(1);
  const auto report =
      evaluate(options, {{"same", flat(false), true}, {"other", flat(true), true}, {"vae", flat(true)}}, pool);
  ASSERT_TRUE(report.ok());
  const auto mean = [&](std::size_t column) {
    return report->columns[column].means[static_cast<std::size_t>(Quantity::kDiversity)];
  };
  EXPECT_EQ(mean(0).value, 0.0);
  EXPECT_EQ(mean(0).count, 2U);
  EXPECT_DOUBLE_EQ(mean(1).value, 30.0);
  EXPECT_EQ(mean(2).count, 0U);
  EXPECT_EQ(mean(4).count, 1U);
  EXPECT_GT(mean(4).value, 0.0);
}

TEST(WorldEvaluation, DrawsHeldOutCompositionsUnlessTold) {
  Options options;
  options.shape = {32, 32, 9, 8};
  for (std::size_t i = 0; i < 12; ++i) {
    EXPECT_TRUE(world::held_out(draw_item(options, i).take.scenario.actors[0].thing));
    options.split = Split::kTrain;
    for (const world::Actor& actor : draw_item(options, i).take.scenario.actors) {
      EXPECT_FALSE(world::held_out(actor.thing));
    }
    options.split = Split::kHeldOut;
  }
}

}  // namespace
}  // namespace starling::train::evaluation
