#include "train/world/acting.h"

#include <algorithm>
#include <cmath>

namespace starling::train::world {

namespace {

// Of the ground and all that does not move; Box2D gives a pair the root of the product.
constexpr double kGroundFriction = 0.5;

double actor_friction(double wanted) { return wanted * wanted / kGroundFriction; }

}  // namespace

double sign_of(Direction direction) {
  return direction == Direction::kLeft ? -1.0 : direction == Direction::kRight ? 1.0 : 0.0;
}

Direction draw_direction(Random& random) { return random.chance(0.5) ? Direction::kLeft : Direction::kRight; }

Actor standing(const Thing& thing, double x) {
  Actor actor;
  actor.thing = thing;
  actor.x = x;
  actor.y = base(thing.shape) * thing.diameter;
  return actor;
}

void set_off(Actor& actor, double velocity, double friction) {
  actor.velocity_x = velocity;
  if (actor.thing.shape == Shape::kBall) {
    actor.spin = -velocity / (0.5 * actor.thing.diameter);
    actor.friction = 0.8;
  } else {
    actor.friction = actor_friction(friction);
  }
  actor.restitution = 0.0;
}

void stop_after(Actor& actor, double metres, const Setting& setting) {
  const double speed = std::fabs(actor.velocity_x);
  // A rolling disc has a third of its kinetic energy in its spin.
  if (actor.thing.shape == Shape::kBall) {
    actor.rolling_resistance = 3.0 * speed / metres;
    actor.friction = 4.0;  // it does not slip, not even on the moon
  } else {
    constexpr double kTips = 0.3;  // more, and it falls over
    const double wanted = speed * speed / (2.0 * metres * metres_per_second_squared(setting.gravity));
    actor.friction = actor_friction(std::min(wanted, kTips));
  }
}

void drop(Actor& actor, double seconds, double height, const Setting& setting) {
  const double far = 0.5 * metres_per_second_squared(setting.gravity) * seconds * seconds;
  actor.y += std::clamp(far, 1.6, std::max(1.6, height));
  actor.friction = 0.6;
  actor.rolling_resistance = 0.6;
}

void bounce(Actor& actor, double seconds, const Stage& stage, Random& random, const Setting& setting) {
  const double far = 0.5 * metres_per_second_squared(setting.gravity) * seconds * seconds;
  const double most = stage.height - actor.y - top(actor.thing.shape) * actor.thing.diameter;
  const double height = std::min(most, random.between(2.6, 4.4));
  actor.velocity_y = -std::max(0.0, height - far) / seconds;
  actor.y += std::min(height, far - actor.velocity_y * seconds);
  actor.restitution = random.between(0.76, 0.88);
  actor.friction = actor_friction(0.02);
  actor.upright = actor.thing.shape != Shape::kBall;
}

std::size_t enter(Scenario& scenario, const Actor& actor) {
  scenario.actors.push_back(actor);
  return scenario.actors.size() - 1;
}

void tell(Scenario& scenario, Act act, std::size_t subject, Direction direction, std::size_t object, bool needed) {
  scenario.story.clauses.push_back({act, subject, object, direction, 0.0, needed});
}

}  // namespace starling::train::world
