#include <gtest/gtest.h>

#include <cmath>

#include "train/world/random.h"
#include "train/world/take.h"

namespace starling::train::world {
namespace {

Actor ball_at(double height) {
  Actor actor;
  actor.thing.diameter = 3.0;
  actor.y = 1.5 + height;
  return actor;
}

TEST(WorldPhysics, ThingsFallWithTheGravityOfTheirPlace) {
  for (const Gravity gravity : {Gravity::kEarth, Gravity::kMoon}) {
    Scenario scenario;
    scenario.setting.gravity = gravity;
    scenario.actors = {ball_at(7.0)};
    const Course course = simulate(scenario, 0.9);
    const double t = 0.4;
    const double h = 0.125;
    const double bend = course.at_time(t + h, 0).y - 2 * course.at_time(t, 0).y + course.at_time(t - h, 0).y;
    EXPECT_NEAR(bend / (h * h), -metres_per_second_squared(gravity), 0.01);
  }
}

TEST(WorldPhysics, AReboundKeepsItsShareOfTheSpeed) {
  Scenario scenario;
  scenario.actors = {ball_at(4.0)};
  scenario.actors[0].restitution = 0.8;
  const Course course = simulate(scenario, 2.5);
  double apex = 0;
  for (std::size_t step = course.steps() / 2; step < course.steps(); ++step)
    apex = std::max(apex, course.at(step, 0).y);
  EXPECT_NEAR(apex - 1.5, 4.0 * 0.64, 0.12);
}

TEST(WorldPhysics, ACollisionKeepsMomentum) {
  Scenario scenario;
  scenario.actors = {ball_at(3.0), ball_at(3.0)};
  for (Actor& actor : scenario.actors) actor.friction = 0.0;
  scenario.actors[0].x = -3;
  scenario.actors[0].velocity_x = 6;
  scenario.actors[0].restitution = 0.9;
  scenario.actors[1].x = 1;
  const Course course = simulate(scenario, 0.5);  // both fall alike, so they meet before they land
  ASSERT_EQ(course.touches.size(), 1U);
  const Pose& a = course.at(course.steps() - 1, 0);
  const Pose& b = course.at(course.steps() - 1, 1);
  EXPECT_NEAR(a.velocity_x + b.velocity_x, 6.0, 1e-3);
  EXPECT_NEAR(b.velocity_x - a.velocity_x, 0.9 * 6.0, 0.02);
  EXPECT_NEAR(course.touches[0].speed, 6.0, 0.01);
}

TEST(WorldPhysics, RollingBallsDoNotSlipAndBoxesDoNotTurn) {
  TakeOptions options;
  options.plot = Plot::kSingle;
  int rolled = 0;
  int slid = 0;
  for (std::uint64_t i = 0; i < 150; ++i) {
    const Take taken = take(derive(21, i), options);
    const Thing& thing = taken.scenario.actors[0].thing;
    if (thing.motion != Motion::kTravel) continue;
    const Pose& from = taken.course.at(0, 0);
    const Pose& to = taken.course.at(taken.course.steps() - 1, 0);
    if (thing.shape == Shape::kBall) {
      EXPECT_NEAR((from.angle - to.angle) * 0.5 * thing.diameter, to.x - from.x, 0.05);
      ++rolled;
    } else {
      EXPECT_NEAR(to.angle, from.angle, 0.1);
      ++slid;
    }
  }
  EXPECT_GT(rolled, 3);
  EXPECT_GT(slid, 10);
}

// Nothing gains energy but by what the solver rounds off, and nothing sinks into anything.
TEST(WorldPhysics, EnergyNeverGrowsAndNothingSinksIn) {
  for (std::size_t p = 0; p < kPlots; ++p) {
    TakeOptions options;
    options.shape.frames = 33;
    options.plot = static_cast<Plot>(p);
    for (std::uint64_t i = 0; i < 20; ++i) {
      const Take taken = take(derive(22, i), options);
      double least = taken.course.energy[0];
      for (const double energy : taken.course.energy) {
        EXPECT_LE(energy, least + 0.01 * taken.course.energy[0] + 0.2) << name(taken.plot) << " " << i;
        least = std::min(least, energy);
      }
      EXPECT_LT(taken.course.deepest, 0.1 + 1e-9) << name(taken.plot) << " " << i;
    }
  }
}

TEST(WorldPhysics, APendulumKeepsItsLength) {
  TakeOptions options;
  options.plot = Plot::kSingle;
  int swung = 0;
  for (std::uint64_t i = 0; i < 200; ++i) {
    const Take taken = take(derive(23, i), options);
    const Actor& actor = taken.scenario.actors[0];
    if (!actor.hangs) continue;
    ++swung;
    const auto length = [&](const Pose& p) { return std::hypot(p.x - actor.rope_x, p.y - actor.rope_y); };
    for (std::size_t step = 0; step < taken.course.steps(); ++step) {
      EXPECT_NEAR(length(taken.course.at(step, 0)), length(taken.course.at(0, 0)), 0.03);
    }
  }
  EXPECT_GT(swung, 3);
}

}  // namespace
}  // namespace starling::train::world
