#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "generate/attributes.h"

namespace starling::generate {

// A clip that somebody else owns: rgb is [frames][height][width][3], 8-bit sRGB.
struct ClipView {
  std::span<const std::uint8_t> rgb;
  int frames = 0;
  int height = 0;
  int width = 0;
  double fps = 8;
};

// Where the object is in one frame. Lengths in pixels, x to the right, y down from the top left corner.
struct TrackPoint {
  bool found = false;
  double x = 0, y = 0;  // centroid of the object's pixels
  double area = 0;      // how many there are
  std::optional<Colour> colour;
};

// What a measurement found, without knowing the caption. An empty attribute means that there was nothing to classify.
struct Detection {
  PartialAttributes attributes;
  std::vector<TrackPoint> track;  // one point a frame
  double diameter = 0;            // metres; 0 without an object
  double camera_velocity = 0;     // metres per second, positive pans right
  // Downward acceleration in metres per second squared of a fall or bounce with at least four frames in the air.
  std::optional<double> gravity;
  // Whether one object is there from the first frame to the last, of one colour, its area never more than 30 % from the
  // median.
  bool steady = false;
};

// Finds and follows the largest thing that is neither sky nor ground, and classifies it and its surroundings by the
// world's geometry and paint. Slow enough to be used on evaluations, not on training batches (about 2 ms for 17 frames
// of 64×64). An error unless the clip's bytes match its size, it has 1 to 4096 frames, sides in [16, 4096], a positive
// frame rate and at most 2^28 pixels.
base::Result<Detection> measure(const ClipView& clip);

}  // namespace starling::generate
