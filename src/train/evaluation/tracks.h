#pragma once

#include <optional>
#include <vector>

#include "train/evaluation/outline_fit.h"

namespace starling::train::evaluation {

// A thing in one frame. Metres, x to the right from where the first frame's middle is, y up from where things stand.
struct Sighting {
  int frame = 0;
  double time = 0;
  double x = 0, y = 0;         // of its middle
  double bottom = 0, top = 0;  // of its lowest and highest point
  double left = 0, right = 0;
  double area = 0;       // square metres
  double picture_x = 0;  // of its middle, as a share of the picture's width
  double picture_y = 0;
  world::Colour colour = world::Colour::kRed;
  double accent = 0;                               // Blob::accent
  bool whole = true;                               // neither cut off by the picture's edge nor partly hidden
  Paint paint{};                                   // Blob::paint
  double turns = 0;                                // as OutlineFit's
  double overlap = 0;                              // with the outline of its track's shape and diameter
  bool fitted = false;                             // these were looked for:
  std::array<double, world::kShapes> overlaps{};   // with each shape's best outline
  std::array<double, world::kShapes> diameters{};  // and that outline's diameter, metres
};

// A thing from frame to frame.
struct Track {
  std::vector<Sighting> sightings;  // by frame
  world::Colour colour = world::Colour::kRed;
  world::Shape shape = world::Shape::kBall;
  double overlap = 0;   // of the shape, the mean
  double diameter = 0;  // metres
  world::Size size = world::Size::kMedium;

  const Sighting& first() const { return sightings.front(); }
  const Sighting& last() const { return sightings.back(); }
  const Sighting* at(int frame) const;
};

struct Tracks {
  std::vector<Track> things;  // from the left, by where they are first
  bool wall = false;          // there is one
};

Tracks find_tracks(const ClipView& clip, const Surroundings& surroundings);

// The size whose bounds lie nearest to a diameter.
world::Size size_of(double diameter);

}  // namespace starling::train::evaluation
