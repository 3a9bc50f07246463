#include <gtest/gtest.h>

#include <cmath>

#include "train/evaluation/evaluation.h"
#include "train/evaluation/physics.h"
#include "train/world/outline.h"
#include "train/world/random.h"

namespace starling::train::evaluation {
namespace {

constexpr ClipShape kPhysicsShape = {64, 64, 17, 8};

Item item_of(std::uint64_t seed, world::Plot plot, world::Gravity gravity) {
  world::TakeOptions options;
  options.shape = kPhysicsShape;
  options.plot = plot;
  options.gravity = gravity;
  options.camera = world::Camera::kStill;
  Item item{world::take(seed, options), world::Language::kEnglish, {}, {}, 0};
  item.promise.scenario = item.take.scenario;
  item.caption = world::caption(item.take.scenario, item.language, seed, item.promise.said);
  return item;
}

Count judged(const Item& item, double fps, Measure measure) {
  const std::vector<std::uint8_t> rgb = world::pixels(item.take);
  const auto reading = read_clip({rgb, kPhysicsShape.frames, kPhysicsShape.height, kPhysicsShape.width, fps});
  EXPECT_TRUE(reading.ok());
  return judge(*reading, item.promise)[static_cast<std::size_t>(measure)];
}

TEST(WorldEvaluationPhysics, FitsTheGravityOfWhatFalls) {
  for (const world::Gravity gravity : {world::Gravity::kEarth, world::Gravity::kMoon}) {
    Count count;
    Count hurried;
    for (std::uint64_t i = 0; i < 16; ++i) {
      const Item item = item_of(derive(601, i), world::Plot::kSingle, gravity);
      const Count one = judged(item, 8, Measure::kGravity);
      count.right += one.right;
      count.judged += one.judged;
      // Shown in nine tenths of the time, gravity is a quarter too strong.
      const Count fast = judged(item, 8 / 0.9, Measure::kGravity);
      hurried.right += fast.right;
      hurried.judged += fast.judged;
    }
    EXPECT_GE(count.judged, 4U);
    EXPECT_GE(count.right + 1, count.judged);
    EXPECT_LE(5 * hurried.right, hurried.judged);
  }
}

TEST(WorldEvaluationPhysics, WhatWasHiddenIsTheSame) {
  Count count;
  for (std::uint64_t i = 0; i < 6; ++i) {
    const Count one =
        judged(item_of(derive(602, i), world::Plot::kHiding, world::Gravity::kEarth), 8, Measure::kIdentity);
    count.right += one.right;
    count.judged += one.judged;
  }
  EXPECT_GE(count.judged, 3U);
  EXPECT_GE(count.right + 1, count.judged);
}

// A ball's track, wholly seen, by a function of time.
template <typename Place>
Track track_of(int frames, const Place& place) {
  Track track;
  track.diameter = 2.0;
  for (int f = 0; f < frames; ++f) {
    Sighting s;
    s.frame = f;
    s.time = f / 8.0;
    const world::Point p = place(s.time);
    s.x = p.x;
    s.y = p.y;
    s.bottom = s.y - 1;
    s.top = s.y + 1;
    s.left = s.x - 1;
    s.right = s.x + 1;
    s.overlap = 1;
    track.sightings.push_back(s);
  }
  return track;
}

TEST(WorldEvaluationPhysics, FlightsArePartedByTouches) {
  const Track bounces = track_of(17, [](double t) {
    const double since = t < 1 ? t : t - 1;
    return world::Point{
        0, t < 1 ? 1.4 + 0.5 * 9.81 * (1 - since * since) : 1.4 + 4.4 * since - 0.5 * 9.81 * since * since + 1};
  });
  const std::vector<Flight> flights = find_flights(bounces);
  ASSERT_GE(flights.size(), 1U);
  for (const Flight& flight : flights) EXPECT_NEAR(flight.gravity, 9.81, 0.05);
  EXPECT_TRUE(find_flights(track_of(17, [](double t) { return world::Point{2 * t, 1}; })).empty());
  EXPECT_TRUE(find_flights(track_of(17, [](double) { return world::Point{0, 5}; })).empty());
}

TEST(WorldEvaluationPhysics, TellsWhatGainsEnergy) {
  const auto falls = [](double t) { return world::Point{0, 21 - 0.5 * 9.81 * t * t}; };
  EXPECT_EQ(loses_energy(track_of(17, falls), 9.81), true);
  EXPECT_EQ(loses_energy(track_of(17, [](double t) { return world::Point{3 * t, 1}; }), 9.81), true);
  EXPECT_EQ(loses_energy(track_of(17, [](double t) { return world::Point{1.5 * t * t, 1}; }), 9.81), false);
  EXPECT_EQ(loses_energy(track_of(17, [](double t) { return world::Point{0, 1 + 3 * t}; }), 9.81), false);
  EXPECT_EQ(loses_energy(track_of(3, falls), 9.81), std::nullopt);
}

TEST(WorldEvaluationPhysics, TellsWhetherMomentumIsKept) {
  const auto before_and_after = [](double x, double before, double after) {
    return track_of(17, [=](double t) { return world::Point{x + (t < 1 ? before * (t - 1) : after * (t - 1)), 1}; });
  };
  const auto kept = momentum_kept(before_and_after(0, 4, 1), before_and_after(2, 0, 3), 1.0);
  ASSERT_TRUE(kept);
  EXPECT_NEAR(*kept, 1.0, 0.15);
  const auto lost = momentum_kept(before_and_after(0, 4, 0), before_and_after(2, 0, 0), 1.0);
  ASSERT_TRUE(lost);
  EXPECT_LT(*lost, 0.4);
  EXPECT_FALSE(momentum_kept(before_and_after(0, 0, 0), before_and_after(2, 0, 0), 1.0));
}

TEST(WorldEvaluationPhysics, MeasuresOverlap) {
  const auto at = [](double x, double y) { return track_of(5, [=](double) { return world::Point{x, y}; }); };
  Tracks tracks;
  tracks.things = {at(0, 1), at(2, 1)};
  EXPECT_NEAR(deepest_overlap(tracks), 0.0, 1e-9);
  tracks.things = {at(0, 1), at(1.2, 1)};
  EXPECT_NEAR(deepest_overlap(tracks), 0.8, 1e-9);
  tracks.things = {at(0, 0.5)};
  EXPECT_NEAR(deepest_overlap(tracks), 0.5, 1e-9);
}

TEST(WorldEvaluationPhysics, MeansHaveIntervals) {
  std::vector<Amounts> amounts(40);
  for (std::size_t i = 0; i < amounts.size(); ++i) amounts[i][0] = {static_cast<double>(i % 2)};
  const Means means = average(amounts);
  EXPECT_DOUBLE_EQ(means[0].value, 0.5);
  EXPECT_EQ(means[0].count, 40U);
  EXPECT_NEAR(means[0].low, 0.5 - 1.96 * 0.079, 0.03);
  EXPECT_NEAR(means[0].high, 0.5 + 1.96 * 0.079, 0.03);
  EXPECT_EQ(means[1].count, 0U);
}

}  // namespace
}  // namespace starling::train::evaluation
