#pragma once

#include <cstdint>
#include <vector>

#include "train/world/backdrop.h"
#include "train/world/projection.h"

namespace starling::train::world {

// What a thing's paint looks like before it is shaded, and the second paint of its pattern.
Paint thing_paint(Colour colour);
Paint accent_paint(Colour colour);

// Draws frames × height × width × 3 bytes, RGB, of what happened. Edges are smoothed by the analytic coverage of each
// pixel. In + - * / sqrt floor and our own sines, so that every machine draws the same bytes of the same course.
std::vector<std::uint8_t> draw(const Scenario& scenario, const Course& course, const ClipShape& shape, double seconds);

}  // namespace starling::train::world
