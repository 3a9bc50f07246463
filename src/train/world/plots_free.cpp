// Plots without props: one thing, several at once, one after another.
#include <algorithm>
#include <array>
#include <cmath>

#include "train/world/acting.h"
#include "train/world/angle.h"

namespace starling::train::world {

namespace {

// A clip shorter than this shows nothing happen.
constexpr double kStillSeconds = 0.6;

// Speeds are those of a clip of two seconds; in a longer one things go slower, or come to rest.
double pace(const Stage& stage) { return std::clamp(2.0 / std::max(stage.seconds, 0.1), 0.45, 1.3); }

// Half of what is left of the stage's width beside a thing.
double room(const Stage& stage, const Thing& thing) {
  return std::max(0.3, stage.half_width - half_width(thing.shape) * thing.diameter);
}

void travel(const Stage& stage, const Thing& thing, Random& random, Scenario& scenario) {
  const Direction direction = draw_direction(random);
  const double sign = sign_of(direction);
  const double space = room(stage, thing);
  const double speed = random.between(3.0, 5.0) * pace(stage);
  const bool followed = random.chance(stage.follow);
  if (followed) {
    Actor actor = standing(thing, 0.0);
    set_off(actor, sign * speed, 0.004);
    scenario.camera.kind = Camera::kFollow;
    scenario.camera.followed = enter(scenario, actor);
    tell(scenario, Act::kTravel, 0, direction);
    return;
  }
  const double way = std::min(2 * space, speed * stage.seconds);
  const double slack = space - 0.5 * way;
  Actor actor = standing(thing, -sign * 0.5 * way + random.between(-slack, slack));
  set_off(actor, sign * speed);
  const bool stops = speed * stage.seconds > 0.95 * way;
  if (stops) stop_after(actor, 0.93 * way, scenario.setting);
  enter(scenario, actor);
  tell(scenario, Act::kTravel, 0, direction);
  if (stops) tell(scenario, Act::kStop, 0, Direction::kNone, kNobody, false);
}

void fly(const Stage& stage, const Thing& thing, Random& random, Scenario& scenario) {
  const Direction direction = draw_direction(random);
  const double sign = sign_of(direction);
  const double g = metres_per_second_squared(scenario.setting.gravity);
  const double space = room(stage, thing);
  const double share = random.between(0.55, 0.8);
  const double aloft = std::min(share * stage.seconds, random.between(1.0, 1.4));
  const double most = stage.height - top(thing.shape) * thing.diameter * 1.3 - 2.0;
  // Up at least so fast that the arc can be seen; on the moon it is still on its way when the clip ends.
  const double up = std::clamp(0.5 * g * aloft, std::min(3.2, std::sqrt(2 * g * most)), std::sqrt(2 * g * most));
  const double speed = std::min(random.between(2.5, 4.5) * std::max(0.6, pace(stage)),
                                1.5 * space / std::min(2 * up / g, stage.seconds));
  Actor actor = standing(thing, -sign * space * random.between(0.75, 0.98));
  actor.y += random.between(0.3, 1.2);
  actor.velocity_x = sign * speed;
  actor.velocity_y = up;
  if (thing.shape != Shape::kBall) actor.spin = -sign * random.between(0.6, 2.0);
  actor.friction = 0.7;
  actor.restitution = 0.15;
  actor.rolling_resistance = 2.0;
  enter(scenario, actor);
  tell(scenario, Act::kFly, 0, direction);
}

void swing(const Stage& stage, const Thing& thing, Random& random, Scenario& scenario) {
  const double size = top(thing.shape) * thing.diameter;
  Actor actor = standing(thing, 0.0);
  actor.hangs = true;
  const double length = random.between(3.4, 4.6);
  actor.rope_y = size + random.between(1.2, 2.2) + length;
  actor.rope_x = random.between(-0.3, 0.3) * stage.half_width;
  // It is let go further out than it is seen first.
  const double side = random.chance(0.5) ? 1.0 : -1.0;
  const SineCosine from = sine_cosine(side * random.between(0.06, 0.1));
  const SineCosine most = sine_cosine(side * random.between(0.115, 0.145));
  actor.x = actor.rope_x + length * from.sine;
  actor.y = actor.rope_y - length * from.cosine;
  const double g = metres_per_second_squared(scenario.setting.gravity);
  const double speed = std::sqrt(std::max(0.0, 2 * g * length * (from.cosine - most.cosine)));
  actor.spin = -side * speed / length;
  actor.velocity_x = -side * speed * from.cosine;
  actor.velocity_y = -speed * std::fabs(from.sine);
  enter(scenario, actor);
  tell(scenario, Act::kSwing, 0);
}

Motion draw_single_motion(const Stage& stage, Random& random) {
  if (stage.seconds < kStillSeconds) return Motion::kStay;
  if (stage.follow >= 1.0) return Motion::kTravel;
  constexpr std::array<Motion, 15> kDraw = {Motion::kStay,   Motion::kFall,   Motion::kFall,   Motion::kFall,
                                            Motion::kBounce, Motion::kBounce, Motion::kBounce, Motion::kBounce,
                                            Motion::kTravel, Motion::kTravel, Motion::kTravel, Motion::kTravel,
                                            Motion::kFly,    Motion::kFly,    Motion::kSwing};
  return kDraw[random.below(kDraw.size())];
}

// Motions that need no more room than the thing.
Motion draw_lane_motion(const Stage& stage, Random& random) {
  if (stage.seconds < kStillSeconds) return Motion::kStay;
  constexpr std::array<Motion, 7> kDraw = {Motion::kStay, Motion::kStay,   Motion::kFall,  Motion::kFall,
                                           Motion::kFall, Motion::kBounce, Motion::kBounce};
  return kDraw[random.below(kDraw.size())];
}

// On the moon a thing may still be falling when the clip ends.
double landing_time(const Stage& stage, Random& random, const Setting& setting) {
  const double share = random.between(0.5, 0.95);
  const double most = random.between(0.9, 1.35);
  const double slower = setting.gravity == Gravity::kMoon ? 1.6 : 1.0;
  return slower * std::min(share * stage.seconds, most);
}

double bounce_time(const Stage& stage, Random& random) {
  const double share = random.between(0.2, 0.45);
  return std::min(share * stage.seconds, random.between(0.5, 0.9));
}

// A thing that stays, falls or bounces where it is.
void act_in_place(const Stage& stage, const Thing& thing, double x, Random& random, Scenario& scenario) {
  Actor actor = standing(thing, x);
  const double most = stage.height - (base(thing.shape) + top(thing.shape)) * thing.diameter - 0.2;
  if (thing.motion == Motion::kFall) drop(actor, landing_time(stage, random, scenario.setting), most, scenario.setting);
  if (thing.motion == Motion::kBounce) bounce(actor, bounce_time(stage, random), stage, random, scenario.setting);
  const std::size_t number = enter(scenario, actor);
  if (stage.seconds <= 0) return;  // a picture cannot tell what stays from what moves
  tell(scenario,
       thing.motion == Motion::kFall     ? Act::kFall
       : thing.motion == Motion::kBounce ? Act::kBounce
                                         : Act::kStay,
       number);
}

// The middles of so many lanes side by side, from the left; `width` is a lane's.
std::vector<double> lanes(const Stage& stage, std::size_t count, Random& random, double& width) {
  const double most = 2 * stage.half_width / static_cast<double>(count);
  width = std::min(most, 5.5);
  const double slack = 0.5 * (most - width) * static_cast<double>(count);
  const double shift = random.between(-slack, slack);
  std::vector<double> middles;
  for (std::size_t i = 0; i < count; ++i) {
    middles.push_back(shift + width * (static_cast<double>(i) - 0.5 * static_cast<double>(count - 1)));
  }
  return middles;
}

// In an order drawn at random.
void shuffle(std::vector<double>& values, Random& random) {
  for (std::size_t i = values.size(); i > 1; --i) {
    std::swap(values[i - 1], values[random.below(static_cast<std::uint32_t>(i))]);
  }
}

}  // namespace

bool stage_single(const Stage& stage, Casting& casting, Random& random, Scenario& scenario) {
  const Motion motion = draw_single_motion(stage, random);
  const Thing thing = casting.cast(motion);
  const double space = room(stage, thing);
  switch (motion) {
    case Motion::kTravel:
      travel(stage, thing, random, scenario);
      return true;
    case Motion::kFly:
      fly(stage, thing, random, scenario);
      return true;
    case Motion::kSwing:
      swing(stage, thing, random, scenario);
      return true;
    case Motion::kStay:
    case Motion::kFall:
    case Motion::kBounce:
      break;
  }
  act_in_place(stage, thing, random.between(-0.7, 0.7) * space, random, scenario);
  if (motion == Motion::kBounce && random.chance(0.5)) {
    const Direction direction = draw_direction(random);
    const double speed = std::min(random.between(1.4, 2.4) * pace(stage), 1.8 * space / std::max(1.0, stage.seconds));
    scenario.actors[0].velocity_x = sign_of(direction) * speed;
    scenario.actors[0].x = -sign_of(direction) * 0.5 * speed * stage.seconds;
    scenario.story.clauses[0].direction = direction;
  }
  return true;
}

bool stage_together(const Stage& stage, Casting& casting, Random& random, Scenario& scenario) {
  const std::size_t count = 2 + random.below(3);
  double width = 0;
  std::vector<double> middles = lanes(stage, count, random, width);
  shuffle(middles, random);
  const double wide = width - 0.3;
  // One group of the same look, or one and a thing apart, or all different.
  const std::uint32_t kind = random.below(3);
  const std::size_t alike = kind == 0 ? count : kind == 1 ? count - 1 : 1;
  Thing thing;
  for (std::size_t i = 0; i < count; ++i) {
    if (i > 0 && i < alike) {
      thing = casting.again(thing);
    } else {
      thing = casting.cast(draw_lane_motion(stage, random), Casting::kAll, Size::kBig, wide);
    }
    if (casting.failed()) return false;
    act_in_place(stage, thing, middles[i], random, scenario);
  }
  if (alike == 1) {
    const bool first_left = middles[0] < middles[1];
    scenario.story.relations.push_back({RelationKind::kLeftOf, first_left ? 0U : 1U, first_left ? 1U : 0U});
  }
  return true;
}

bool stage_sequence(const Stage& stage, Casting& casting, Random& random, Scenario& scenario) {
  if (stage.seconds < 1.7) return false;
  const std::size_t count = stage.seconds > 3.4 && random.chance(0.5) ? 3 : 2;
  double width = 0;
  std::vector<double> middles = lanes(stage, count, random, width);
  shuffle(middles, random);
  const double between = std::min(2.2, 0.8 * stage.seconds / static_cast<double>(count));
  const double leftmost = *std::min_element(middles.begin(), middles.end());
  const double rightmost = *std::max_element(middles.begin(), middles.end());
  const bool moon = scenario.setting.gravity == Gravity::kMoon;
  for (std::size_t i = 0; i < count; ++i) {
    const bool outermost = middles[i] == leftmost || middles[i] == rightmost;
    const bool travels = outermost && random.chance(0.45);
    const Thing thing = casting.cast(travels ? Motion::kTravel : Motion::kFall, Casting::kAll, Size::kBig, width - 0.4);
    if (casting.failed()) return false;
    const double starts = static_cast<double>(i) * between;
    Actor actor = standing(thing, middles[i]);
    actor.enters = starts;
    if (travels) {
      const double from = middles[i] == leftmost ? -1.0 : 1.0;
      actor.x = from * (stage.view_half_width + half_width(thing.shape) * thing.diameter * (i == 0 ? 0.2 : 1.0));
      set_off(actor, -from * random.between(5.0, 6.5));
      stop_after(actor, std::fabs(actor.x - middles[i]), scenario.setting);
      enter(scenario, actor);
      tell(scenario, Act::kTravel, i, from < 0 ? Direction::kRight : Direction::kLeft);
      continue;
    }
    if (i == 0) {
      drop(actor, landing_time(stage, random, scenario.setting), 6.0, scenario.setting);
    } else {
      actor.y = stage.view_height + base(thing.shape) * thing.diameter;
      actor.velocity_y = moon ? -5.5 : -3.0;
      actor.friction = 0.6;
      actor.rolling_resistance = 0.6;
    }
    enter(scenario, actor);
    tell(scenario, Act::kFall, i);
  }
  return true;
}

}  // namespace starling::train::world
