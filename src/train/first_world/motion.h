#pragma once

#include "train/first_world/scene.h"

namespace starling::train {

// Where the object is at a time: closed forms in + - * / and sqrt, so that every machine agrees on the bits.
struct Pose {
  double x = 0.0;       // metres over the ground, of the middle
  double height = 0.0;  // metres, of the lowest point over the ground
  double turns = 0.0;   // clockwise, of a ball
};

// t in seconds, at least 0.
Pose pose_at(const Scene& scene, double t);

// Height over the ground of a thing dropped from rest at t = 0 that rebounds; at rest once a rebound is below 1 cm.
double bounce_height(double drop, double restitution, double t);

// Half the width and the whole height of the object's bounding box, metres.
double half_width(const Scene& scene);
double full_height(const Scene& scene);

}  // namespace starling::train
