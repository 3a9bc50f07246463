#pragma once

#include <optional>
#include <vector>

#include "generate/measure.h"
#include "train/world/backdrop.h"

namespace starling::train::evaluation {

using generate::ClipView;
using world::CameraPose;

// Where a clip takes place and how its camera moves, as its pixels show it.
struct Surroundings {
  ClipShape shape;
  world::Setting setting;  // the nearest of the world's; the gravity is not looked at
  bool sky_known = false;  // near enough to be called so
  bool ground_known = false;
  std::vector<Paint> sky_rows;      // down to the horizon's row
  std::vector<CameraPose> cameras;  // one a frame; x counts from the first frame's
  double ground_error = 0.0;        // root mean square of what the pattern leaves of the ground's light

  world::Projection projection(int frame) const { return {shape, cameras[static_cast<std::size_t>(frame)]}; }
  // How unlike the surroundings a pixel is, in steps of colour; shadows are part of the surroundings.
  double strangeness(const std::uint8_t* pixel, int y) const;
};

// Precondition: check(clip) held.
Surroundings read_surroundings(const ClipView& clip);

}  // namespace starling::train::evaluation
