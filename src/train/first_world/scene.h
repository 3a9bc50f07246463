#pragma once

#include <cstdint>

#include "base/result.h"
#include "generate/attributes.h"
#include "train/clip_shape.h"

namespace starling::train {

using generate::Attributes;

// The world is measured in metres and seconds (its geometry is in generate/attributes.h). The camera's x = 0 is the
// middle of the first picture.
using generate::kGravity;
using generate::kHorizonMetres;
using generate::kStandMetres;
using generate::kViewMetres;

// Everything needed to draw a clip and to say what is in it. Parameters that a motion does not use are zero.
struct Scene {
  Attributes attributes;
  double diameter = 4.0;         // of the ball; the box's side and the triangle's height are scaled to look as large
  double start_x = 0.0;          // of the object's middle (of the orbit's middle)
  double velocity_x = 0.0;       // over the ground
  double start_height = 0.0;     // of the object's lowest point over the ground (of the orbit's middle)
  double velocity_y = 0.0;       // of a rise
  double restitution = 0.0;      // of a bounce: speed after over speed before
  double lead = 0.0;             // how long before the first frame the motion began
  double orbit_radius = 0.0;     // clockwise
  double orbit_period = 0.0;     // seconds
  double spot_angle = 0.0;       // of a ball's spot at t = 0, in turns
  double camera_velocity = 0.0;  // positive pans right
  double stripe_offset = 0.0;    // of the ground's pattern
};

struct SceneOptions {
  Split split = Split::kTrain;
  double seconds = 2.0;             // how long the clip will be, so that the object stays in view
  double view_width = kViewMetres;  // metres that the picture shows
  double view_height = kViewMetres;
};

// The options for clips of a size in pixels.
SceneOptions scene_options(int width, int height, int frames, double fps, Split split = Split::kTrain);

// Whether a composition of colour, shape and motion is kept out of training, by rule: one in nine, spread over colours,
// shapes and motions. "A red ball bounces" is trained on.
bool held_out(const Attributes& attributes);

// Whether the world has such a thing: balls roll, boxes and triangles slide; travel has a direction, only travel and
// bounces have one; black is not shown at night.
bool possible(const Attributes& attributes);

// The scene of a seed: the same on every machine.
Scene sample_scene(std::uint64_t seed, const SceneOptions& options = {});

// A scene with given attributes and the rest drawn from the seed. An error if they are not possible().
base::Result<Scene> scene_with(const Attributes& attributes, std::uint64_t seed, const SceneOptions& options = {});

}  // namespace starling::train
