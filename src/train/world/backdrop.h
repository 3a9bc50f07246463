#pragma once

#include <cstdint>
#include <vector>

#include "train/world/projection.h"

namespace starling::train::world {

// The paint of the ground at its lightest, of the sky at its top and at the horizon, in a setting.
Paint ground_paint(const Setting& setting);
Paint sky_top_paint(Sky sky);
Paint sky_low_paint(Sky sky);

// The ground's pattern: how dark it is, from 0 to 1, at u metres across and v metres over where things stand, smoothed
// over a pixel of du by dv metres; and how much of its light the darkest part loses. Pebbles lie as they are drawn, or
// evenly.
enum class Pebbles : std::uint8_t { kAsDrawn, kEvenly };
double ground_darkness(Ground ground, double u, double v, double du, double dv, Pebbles pebbles = Pebbles::kAsDrawn);
double ground_depth(Ground ground);
// How much larger than where things stand the ground shows v metres over there.
double ground_magnification(double v);
// The light of the ground without its pattern.
double ground_shade(double v);

// The sky, and the ground with its pattern, which shows how the camera moves. Made once for a clip.
class Backdrop {
 public:
  Backdrop(const Setting& setting, const ClipShape& shape);

  // Fills a picture of height × width × 3 bytes.
  void draw(const CameraPose& camera, std::uint8_t* out) const;

 private:
  void draw_ground(const Projection& projection, double camera_x, std::uint8_t* out) const;

  Setting setting_;
  ClipShape shape_;
  std::vector<std::uint8_t> sky_;  // rows down to the horizon's
};

}  // namespace starling::train::world
