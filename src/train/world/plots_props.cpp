// Plots in which things meet each other, or props.
#include <algorithm>
#include <array>
#include <cmath>

#include "train/world/acting.h"
#include "train/world/angle.h"

namespace starling::train::world {

namespace {

// What happens to a thing before it begins to matter takes about so much of a clip, and at most so many seconds.
double lead_in(const Stage& stage, Random& random) {
  const double share = random.between(0.28, 0.4);
  return std::min(share * stage.seconds, random.between(1.2, 1.6));
}

double wide(const Thing& thing) { return half_width(thing.shape) * thing.diameter; }

// At one end of the stage, to go `direction`.
Actor at_end(const Stage& stage, const Thing& thing, Direction direction) {
  return standing(thing, -sign_of(direction) * (stage.half_width - wide(thing) - 0.1));
}

}  // namespace

bool stage_collision(const Stage& stage, Casting& casting, Random& random, Scenario& scenario) {
  if (stage.seconds < 1.2) return false;
  const Direction direction = draw_direction(random);
  const double sign = sign_of(direction);
  const Thing mover = casting.cast(Motion::kTravel);
  const Thing target = casting.cast(Motion::kStay, Casting::kAll, Size::kMedium);
  if (casting.failed()) return false;
  Actor first = at_end(stage, mover, direction);
  Actor second = standing(target, sign * random.between(-0.8, 1.2));
  const double way = std::fabs(second.x - first.x) - wide(mover) - wide(target);
  if (way < 1.0) return false;
  set_off(first, sign * std::clamp(way / lead_in(stage, random), 2.2, 7.5));
  first.restitution = random.between(0.2, 0.7);
  second.restitution = first.restitution;
  set_off(second, 0.0, 0.12);
  if (stage.seconds > 3) {
    first.rolling_resistance = 1.5;
    second.rolling_resistance = 1.5;
  }
  enter(scenario, first);
  enter(scenario, second);
  tell(scenario, Act::kTravel, 0, direction);
  tell(scenario, Act::kHit, 0, Direction::kNone, 1);
  tell(scenario, Act::kTravel, 1, direction, kNobody, false);
  return true;
}

bool stage_ramp(const Stage& stage, Casting& casting, Random& random, Scenario& scenario) {
  if (stage.seconds < 1.2) return false;
  const Direction direction = draw_direction(random);
  const double sign = sign_of(direction);
  const Thing thing = casting.cast(Motion::kTravel, Casting::kAll, Size::kMedium);
  const double turns = random.between(0.07, 0.1);  // the slope
  const SineCosine slope = sine_cosine(turns);
  Prop ramp{PropKind::kRamp};
  ramp.height = random.between(3.2, 4.4);
  ramp.width = ramp.height * slope.cosine / slope.sine;
  ramp.facing = direction;
  ramp.x = -sign * (stage.half_width - 0.5 * ramp.width - 0.05);
  const double length = ramp.height / slope.sine;
  if (ramp.width > 1.3 * stage.half_width) return false;
  // Near the top; (out, up) is the slope's normal.
  const double along = wide(thing) + random.between(0.1, 0.3) * length;
  Actor actor = standing(thing, 0.0);
  const double off = actor.y;
  actor.x = ramp.x - sign * 0.5 * ramp.width + sign * (along * slope.cosine + off * slope.sine);
  actor.y = ramp.height - along * slope.sine + off * slope.cosine;
  if (thing.shape != Shape::kBall) actor.angle = -sign * turns * kTurn;
  const double speed = random.between(0.6, 1.6) + (scenario.setting.gravity == Gravity::kMoon ? 1.6 : 0.0);
  set_off(actor, sign * speed, stage.seconds > 3 ? 0.25 : 0.03);
  actor.velocity_x = sign * speed * slope.cosine;
  actor.velocity_y = -speed * slope.sine;
  if (stage.seconds > 3) actor.rolling_resistance = 3.0;
  scenario.props.push_back(ramp);
  enter(scenario, actor);
  tell(scenario, Act::kDescend, 0, direction);
  return true;
}

bool stage_ledge(const Stage& stage, Casting& casting, Random& random, Scenario& scenario) {
  if (stage.seconds < 1.5) return false;
  const Direction direction = draw_direction(random);
  const double sign = sign_of(direction);
  const Thing thing = casting.cast(Motion::kTravel, Casting::kAll, Size::kMedium);
  Prop ledge{PropKind::kLedge};
  ledge.width = 2 * wide(thing) + random.between(1.8, 3.0);
  ledge.height = random.between(3.0, 5.0);
  ledge.x = -sign * (stage.half_width - 0.5 * ledge.width - 0.05);
  Actor actor = standing(thing, ledge.x - sign * (0.5 * ledge.width - wide(thing) - 0.1));
  actor.y += ledge.height;
  const double way = ledge.width - wide(thing);
  const double speed = std::clamp(way / lead_in(stage, random), 2.0, 5.0);
  set_off(actor, sign * speed);
  if (stage.seconds > 3) {  // it comes to rest in view, so it needs more speed to reach the edge
    constexpr double kFriction = 0.12;
    constexpr double kResistance = 2.0;
    const bool rolls = thing.shape == Shape::kBall;
    const double lost = 2 * kFriction * metres_per_second_squared(scenario.setting.gravity) * way;
    set_off(actor, sign * (rolls ? speed + kResistance * way / 3 : std::sqrt(speed * speed + lost)), kFriction);
    actor.rolling_resistance = kResistance;
  }
  scenario.props.push_back(ledge);
  enter(scenario, actor);
  tell(scenario, Act::kTravel, 0, direction);
  tell(scenario, Act::kDrop, 0);
  return true;
}

bool stage_hiding(const Stage& stage, Casting& casting, Random& random, Scenario& scenario) {
  if (stage.seconds < 1.5) return false;
  const Direction direction = draw_direction(random);
  const double sign = sign_of(direction);
  const Thing thing = casting.cast(Motion::kTravel, Casting::kAll, Size::kMedium);
  Prop wall{PropKind::kWall};
  wall.width = 2 * wide(thing) + random.between(0.4, 1.2);
  wall.height = (base(thing.shape) + top(thing.shape)) * thing.diameter + random.between(0.4, 1.4);
  wall.y = -0.6;  // it stands nearer to the viewer
  wall.x = sign * random.between(-0.6, 0.6);
  Actor actor = at_end(stage, thing, direction);
  // All of it is seen again before the clip ends.
  const double way = std::fabs(actor.x - wall.x) + 0.5 * wall.width + wide(thing);
  const double most = 2 * (stage.half_width - wide(thing));
  if (way > most) return false;
  const double speed = random.between(way, most) / (0.94 * stage.seconds);
  set_off(actor, sign * std::max(speed, 1.2), 0.004);
  if (speed < 1.2) stop_after(actor, 0.95 * most, scenario.setting);
  scenario.props.push_back(wall);
  enter(scenario, actor);
  tell(scenario, Act::kTravel, 0, direction);
  tell(scenario, Act::kHide, 0);
  tell(scenario, Act::kEmerge, 0, Direction::kNone, kNobody, random.chance(0.7));
  return true;
}

bool stage_seesaw(const Stage& stage, Casting& casting, Random& random, Scenario& scenario) {
  if (stage.seconds < 1.5) return false;
  const double side = random.chance(0.5) ? 1.0 : -1.0;  // where the falling one comes down
  const Thing heavy = casting.cast(Motion::kFall, Casting::kAll, Size::kBig, 4.4, Size::kMedium);
  const Thing light = casting.cast(Motion::kStay, Casting::kFlat, Size::kSmall);
  if (casting.failed()) return false;
  Prop plank{PropKind::kPlank};
  plank.width = random.between(8.5, 9.5);
  plank.height = 0.5;
  const double turns = 0.04;
  const SineCosine tilt = sine_cosine(turns);
  plank.angle = side * turns * kTurn;
  plank.x = random.between(-0.5, 0.5) * std::max(0.0, stage.half_width - 0.5 * plank.width - 0.5);
  plank.y = 0.5 * plank.width * tilt.sine + 0.5 * plank.height * tilt.cosine + 0.02;
  Prop pivot{PropKind::kPivot};
  pivot.x = plank.x;
  pivot.width = 1.5;
  pivot.height = plank.y;
  // The light one waits at the low end.
  Actor waiting = standing(light, 0.0);
  const double along = 0.5 * plank.width - wide(light) - 0.1;
  const double off = waiting.y + 0.5 * plank.height + 0.01;
  waiting.x = plank.x - side * along * tilt.cosine - side * off * tilt.sine;
  waiting.y = plank.y - along * tilt.sine + off * tilt.cosine;
  waiting.angle = plank.angle;
  waiting.friction = 1.0;
  waiting.density = 0.6;
  Actor falling = standing(heavy, plank.x + side * (0.5 * plank.width - 0.9));
  falling.y += plank.y + 0.4 * plank.width * tilt.sine;
  drop(falling, std::min(0.45 * stage.seconds, 0.95), stage.height - falling.y - wide(heavy), scenario.setting);
  if (scenario.setting.gravity == Gravity::kMoon) falling.velocity_y = -3.5;
  falling.restitution = 0.0;
  scenario.props.push_back(pivot);
  scenario.props.push_back(plank);
  enter(scenario, falling);
  enter(scenario, waiting);
  tell(scenario, Act::kFall, 0);
  tell(scenario, Act::kLaunch, 1);
  return true;
}

bool stage_dominoes(const Stage& stage, Casting& casting, Random& random, Scenario& scenario) {
  if (stage.seconds < 1.7) return false;
  const Direction direction = draw_direction(random);
  const double sign = sign_of(direction);
  const Thing thing = casting.cast(Motion::kTravel, Casting::kAll, Size::kMedium);
  const std::uint32_t count = 3 + random.below(3);
  const double spacing = random.between(1.5, 1.8);
  const double high = random.between(2.5, 3.0);
  // The last one needs its height to fall into.
  const double first = sign * (stage.half_width - high - 0.2) - sign * spacing * (count - 1);
  Actor actor = at_end(stage, thing, direction);
  const double way = sign * (first - actor.x) - wide(thing) - 0.3;
  if (way < 0.8) return false;
  set_off(actor, sign * std::clamp(1.3 * way / lead_in(stage, random), 4.0, 7.5));
  actor.rolling_resistance = 0.8;
  actor.density = 1.5;
  for (std::uint32_t i = 0; i < count; ++i) {
    scenario.props.push_back({PropKind::kDomino, first + sign * spacing * i, 0.5 * high, 0.0, 0.6, high});
  }
  enter(scenario, actor);
  tell(scenario, Act::kTravel, 0, direction);
  tell(scenario, Act::kTopple, 0);
  return true;
}

bool stage_tower(const Stage& stage, Casting& casting, Random& random, Scenario& scenario) {
  const bool falls = stage.seconds >= 1.0 && random.chance(0.5);
  const Thing upper = casting.cast(falls ? Motion::kFall : Motion::kStay, Casting::kFlat, Size::kMedium);
  const Thing lower = casting.cast(Motion::kStay, 1U << static_cast<unsigned>(Shape::kBox), Size::kBig);
  if (casting.failed() || wide(lower) < 0.75 * wide(upper)) return false;
  const double x = random.between(-0.7, 0.7) * (stage.half_width - wide(lower) - 0.4);
  Actor under = standing(lower, x);
  Actor over = standing(upper, x + random.between(-0.1, 0.1));
  under.friction = 0.9;
  over.friction = 0.9;
  over.y += 2 * under.y;
  if (falls) {
    drop(over, lead_in(stage, random) + 0.3, stage.height - over.y - wide(upper), scenario.setting);
    if (scenario.setting.gravity == Gravity::kMoon) over.velocity_y = -1.5;
    over.restitution = 0.0;
  }
  enter(scenario, over);
  enter(scenario, under);
  if (falls) {
    tell(scenario, Act::kFall, 0);
    tell(scenario, Act::kLandOn, 0, Direction::kNone, 1);
  } else {
    scenario.story.relations.push_back({RelationKind::kOnTopOf, 0, 1});
    tell(scenario, Act::kStay, 0);
    tell(scenario, Act::kStay, 1);
  }
  return true;
}

}  // namespace starling::train::world
