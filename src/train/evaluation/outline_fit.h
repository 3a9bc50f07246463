#pragma once

#include <array>

#include "train/evaluation/blobs.h"

namespace starling::train::evaluation {

// The outline of a shape that a blob's pixels are nearest to.
struct OutlineFit {
  double overlap = 0;   // of both, over their union, in [0, 1]
  double x = 0, y = 0;  // pixels
  double diameter = 0;  // pixels
  double turns = 0;     // anticlockwise; a ball's is 0, and others' is known but for their symmetry
};

// For every shape.
std::array<OutlineFit, world::kShapes> fit_outlines(const Blob& blob);

// Where a thing of known shape and diameter lies; `turns` is where to begin.
OutlineFit place_outline(const Blob& blob, world::Shape shape, double diameter, double turns);

// Of a thing of that shape with so large an area.
double diameter_of_area(world::Shape shape, double area);

}  // namespace starling::train::evaluation
