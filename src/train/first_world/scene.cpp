#include "train/first_world/scene.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "train/first_world/motion.h"
#include "train/world/random.h"

namespace starling::train {

using generate::Camera;
using generate::Colour;
using generate::Direction;
using generate::Ground;
using generate::Motion;
using generate::Size;
using generate::Sky;

namespace {

bool travels(Motion motion) { return motion == Motion::kRoll || motion == Motion::kSlide; }

// What a shape does, in the order of the draw.
std::array<Motion, 6> motions_of(generate::Shape shape) {
  return {Motion::kBounce, shape == generate::Shape::kBall ? Motion::kRoll : Motion::kSlide,
          Motion::kRise,   Motion::kFall,
          Motion::kOrbit,  Motion::kStay};
}

Attributes draw_attributes(Random& random) {
  Attributes a;
  a.colour = static_cast<Colour>(random.below(generate::kColours));
  a.shape = static_cast<generate::Shape>(random.below(generate::kShapes));
  a.size = static_cast<Size>(random.below(generate::kSizes));
  // Twice the weight for what a model finds hard: bounces and travel. Half for standing still.
  constexpr std::array<std::uint8_t, 12> kDraw = {0, 0, 0, 1, 1, 1, 2, 2, 3, 3, 4, 5};
  a.motion = motions_of(a.shape)[kDraw[random.below(kDraw.size())]];
  if (travels(a.motion) || (a.motion == Motion::kBounce && random.chance(0.5))) {
    a.direction = random.chance(0.5) ? Direction::kLeft : Direction::kRight;
  }
  a.ground = static_cast<Ground>(random.below(generate::kGrounds));
  a.sky = static_cast<Sky>(random.below(generate::kSkies));
  constexpr std::array<Camera, 4> kCameraDraw = {Camera::kStill, Camera::kStill, Camera::kPanLeft, Camera::kPanRight};
  a.camera = kCameraDraw[random.below(kCameraDraw.size())];
  return a;
}

double sign_of(Direction direction) {
  return direction == Direction::kLeft ? -1.0 : direction == Direction::kRight ? 1.0 : 0.0;
}

double sign_of(Camera camera) { return camera == Camera::kPanLeft ? -1.0 : camera == Camera::kPanRight ? 1.0 : 0.0; }

Scene draw_parameters(const Attributes& attributes, Random random, const SceneOptions& options) {
  Scene s;
  s.attributes = attributes;
  const double seconds = std::max(options.seconds, 1.0);
  const auto size = static_cast<std::size_t>(attributes.size);
  s.diameter = random.between(generate::kDiameterLow[size], generate::kDiameterHigh[size]);
  s.spot_angle = random.unit();
  s.stripe_offset = random.between(0, kViewMetres);

  // Speeds are those of a clip of two seconds, less where a longer clip would take the object out of view.
  const double pace = std::min(1.0, 2.0 / seconds);
  double room = std::max(1.0, options.view_width - 2 * half_width(s) - 1.0);
  if (attributes.motion == Motion::kOrbit) {
    s.orbit_radius = random.between(2.0, 2.6);
    s.orbit_period = random.between(2.0, 2.6);
    s.lead = s.orbit_period * random.unit();
    room = std::max(1.0, room - 2 * s.orbit_radius);
  }
  const double pan = random.between(generate::kSlowestPan, 2.3) * pace;
  s.camera_velocity = sign_of(attributes.camera) * pan;
  const double fastest = travels(attributes.motion) ? random.between(3.0, 4.4) * pace : random.between(1.8, 2.6) * pace;
  const double direction = sign_of(attributes.direction);
  const double limit = room / seconds + direction * s.camera_velocity;
  s.velocity_x = direction * std::max(0.25 * fastest, std::min(fastest, limit));

  // Where it starts, so that it is in view from the first frame to the last.
  const double drift = (s.velocity_x - s.camera_velocity) * seconds;
  const double slack = 0.5 * std::max(0.0, room - std::fabs(drift));
  s.start_x = -0.5 * drift + random.between(-slack, slack);

  const double headroom = options.view_height - kStandMetres - 0.5 - full_height(s);
  switch (attributes.motion) {
    case Motion::kStay:
    case Motion::kRoll:
    case Motion::kSlide:
      break;
    case Motion::kBounce:
      s.start_height = random.between(3.0, std::min(4.6, headroom));
      s.restitution = random.between(0.82, 0.92);
      s.lead = random.between(0.0, 0.5);
      break;
    case Motion::kRise:
      s.start_height = random.between(0.0, 0.8);
      s.velocity_y = random.between(0.8, 1.0) * (headroom - s.start_height) / seconds;
      break;
    case Motion::kFall:
      s.start_height = random.between(0.85, 1.0) * std::min(headroom, 9.0);
      s.lead = random.between(0.0, 0.15);
      break;
    case Motion::kOrbit:
      s.start_height = random.between(s.orbit_radius + 0.7, std::max(s.orbit_radius + 0.8, headroom - s.orbit_radius));
      break;
  }
  return s;
}

}  // namespace

SceneOptions scene_options(int width, int height, int frames, double fps, Split split) {
  const double metres_per_pixel = kViewMetres / std::min(width, height);
  SceneOptions options;
  options.split = split;
  options.seconds = (frames - 1) / fps;
  options.view_width = width * metres_per_pixel;
  options.view_height = height * metres_per_pixel;
  return options;
}

bool held_out(const Attributes& a) {
  const auto colour = static_cast<unsigned>(a.colour);
  const auto shape = static_cast<unsigned>(a.shape);
  const auto motions = motions_of(a.shape);
  const auto motion = static_cast<unsigned>(std::find(motions.begin(), motions.end(), a.motion) - motions.begin());
  return (colour + 3 * shape + 2 * motion + (motion / 3)) % 9 == 7;
}

bool possible(const Attributes& a) {
  const bool moves_sideways = a.direction != Direction::kNone;
  if (a.motion == Motion::kRoll && a.shape != generate::Shape::kBall) return false;
  if (a.motion == Motion::kSlide && a.shape == generate::Shape::kBall) return false;
  if (travels(a.motion) && !moves_sideways) return false;
  if (moves_sideways && !travels(a.motion) && a.motion != Motion::kBounce) return false;
  return a.colour != Colour::kBlack || a.sky != Sky::kNight;
}

Scene sample_scene(std::uint64_t seed, const SceneOptions& options) {
  Random random(seed);
  Attributes attributes;
  do {
    attributes = draw_attributes(random);
  } while (!possible(attributes) ||
           (options.split != Split::kAny && held_out(attributes) != (options.split == Split::kHeldOut)));
  return draw_parameters(attributes, Random(derive(seed, 1)), options);
}

base::Result<Scene> scene_with(const Attributes& attributes, std::uint64_t seed, const SceneOptions& options) {
  if (!possible(attributes)) {
    return base::invalid(
        "the world has no such scene: balls roll, boxes and triangles slide, both to the left or to the right, "
        "and black things are not shown at night");
  }
  return draw_parameters(attributes, Random(derive(seed, 1)), options);
}

}  // namespace starling::train
