#include "train/first_world/motion.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "train/world/angle.h"

namespace starling::train {

using generate::Motion;

namespace {}  // namespace

double bounce_height(double drop, double restitution, double t) {
  const double first = std::sqrt(2 * drop / kGravity);
  if (t <= first) return drop - 0.5 * kGravity * t * t;
  t -= first;
  double speed = kGravity * first * restitution;
  while (speed * speed > 2 * kGravity * 0.01) {
    const double aloft = 2 * speed / kGravity;
    if (t < aloft) return speed * t - 0.5 * kGravity * t * t;
    t -= aloft;
    speed *= restitution;
  }
  return 0;
}

Pose pose_at(const Scene& scene, double t) {
  Pose pose;
  pose.x = scene.start_x + scene.velocity_x * t;
  pose.height = scene.start_height;
  pose.turns = scene.spot_angle;
  const double elapsed = t + scene.lead;
  switch (scene.attributes.motion) {
    case Motion::kStay:
    case Motion::kSlide:
      break;
    case Motion::kRoll:
      pose.turns += scene.velocity_x * t / (std::numbers::pi * scene.diameter);
      break;
    case Motion::kBounce:
      pose.height = bounce_height(scene.start_height, scene.restitution, elapsed);
      break;
    case Motion::kRise:
      pose.height += scene.velocity_y * t;
      break;
    case Motion::kFall:
      pose.height = std::max(0.0, scene.start_height - 0.5 * kGravity * elapsed * elapsed);
      break;
    case Motion::kOrbit: {
      const SineCosine at = sine_cosine(elapsed / scene.orbit_period);
      pose.x += scene.orbit_radius * at.sine;
      pose.height += scene.orbit_radius * at.cosine;
      break;
    }
  }
  return pose;
}

double half_width(const Scene& scene) {
  return 0.5 * generate::width_in_diameters(scene.attributes.shape) * scene.diameter;
}

double full_height(const Scene& scene) {
  return generate::height_in_diameters(scene.attributes.shape) * scene.diameter;
}

}  // namespace starling::train
