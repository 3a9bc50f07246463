#include <gtest/gtest.h>

#include "base/hash.h"
#include "train/world/drawing.h"

namespace starling::train::world {
namespace {

// A course that nobody simulated: every shape, pattern and prop, turned and moving.
Course parade(Scenario& scenario) {
  for (std::size_t i = 0; i < kShapes; ++i) {
    Actor actor;
    actor.thing.shape = static_cast<Shape>(i);
    actor.thing.colour = static_cast<Colour>(2 * i);
    actor.thing.pattern = static_cast<Pattern>(i % kPatterns);
    actor.thing.diameter = 2.0 + 0.5 * static_cast<double>(i);
    actor.hangs = i == 3;
    actor.rope_y = 9.0;
    scenario.actors.push_back(actor);
  }
  for (std::size_t i = 0; i < kProps; ++i) {
    scenario.props.push_back({static_cast<PropKind>(i), 0.0, 0.0, 0.0, 2.0, 1.5, Direction::kLeft});
  }
  Course course(kShapes + kProps, kShapes);
  for (std::size_t step = 0; step <= kStepsPerSecond; ++step) {
    course.add_step();
    for (std::size_t body = 0; body < course.bodies(); ++body) {
      const double t = static_cast<double>(step) / kStepsPerSecond;
      const double at = static_cast<double>(body);
      course.at(step, body) = {-7.0 + 1.5 * at + t, 0.8 * at + t * t, 2.0 * t + at, 0, 0, 0};
    }
  }
  return course;
}

TEST(WorldDrawing, PicturesAreTheSameBytesOnEveryMachine) {
  Scenario scenario;
  const Course course = parade(scenario);
  base::Sha256 hash;
  for (std::size_t i = 0; i < kGrounds * kSkies; ++i) {
    scenario.setting.ground = static_cast<Ground>(i % kGrounds);
    scenario.setting.sky = static_cast<Sky>(i / kGrounds);
    scenario.setting.ground_offset = 0.7 * static_cast<double>(i);
    scenario.camera.zoom_to = i % 2 == 0 ? 1.5 : 1.0;
    hash.update(draw(scenario, course, {96, 64, 5, 4}, 1.0));
  }
  EXPECT_EQ(hash.finish().hex(), "83438921f89843fe2812d23b62f66d9542e4c6b3ec035f00e5155d588be3fd65");
}

}  // namespace
}  // namespace starling::train::world
