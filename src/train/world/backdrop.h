#pragma once

#include <cstdint>
#include <vector>

#include "train/world/projection.h"

namespace starling::train::world {

// The paint of the ground at its lightest, of the sky at its top and at the horizon, in a setting.
Paint ground_paint(const Setting& setting);
Paint sky_top_paint(Sky sky);
Paint sky_low_paint(Sky sky);

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
