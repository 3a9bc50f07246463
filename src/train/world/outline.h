#pragma once

#include <span>
#include <vector>

#include "train/world/scenario.h"

namespace starling::train::world {

struct Point {
  double x = 0.0, y = 0.0;
};

// The signed distance of a point from a thing's edge, negative inside, both in diameters; the thing's centroid is the
// origin, and it stands upright. Exact near the edge, as anti-aliasing needs it.
double distance(Shape shape, Point point);

// Of a convex polygon, its corners anticlockwise.
double distance(std::span<const Point> corners, Point point);

// A prop's corners, anticlockwise, from its (x, y), which is the middle of its base or the middle, as Prop says.
std::vector<Point> corners(const Prop& prop);

}  // namespace starling::train::world
