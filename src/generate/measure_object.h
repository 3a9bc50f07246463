#pragma once

#include <array>
#include <optional>
#include <vector>

#include "generate/measure.h"

namespace starling::generate {

// The parts of measure(), each a pure function of its arguments.

// Where the world's lines are in a picture.
struct PictureGeometry {
  double scale;    // pixels per metre
  double horizon;  // y of the horizon
  double stand;    // y where objects stand

  PictureGeometry(int width, int height);
};

// The colour of each row without the object, from the whole clip: the sky's, or the ground's between its stripes.
struct Backdrop {
  std::vector<std::array<double, 3>> rows;
  int ground_from = 0;  // the first row of the ground
  std::optional<Sky> sky;
  std::optional<Ground> ground;
};
Backdrop measure_backdrop(const ClipView& clip);

// The pixels that differ from the backdrop and hang together, in one frame.
struct ObjectMask {
  int left = 0, top = 0, right = -1, bottom = -1;  // inclusive bounds, in pixels
  std::vector<std::uint8_t> inside;                // of the bounds, row by row
  double area = 0, x = 0, y = 0;                   // centroid

  bool found() const { return area > 0; }
  // Whether a pixel of the picture belongs to it.
  bool covers(int x, int y) const {
    if (x < left || x > right || y < top || y > bottom) return false;
    const std::size_t width = static_cast<std::size_t>(right) - static_cast<std::size_t>(left) + 1;
    return inside[(static_cast<std::size_t>(y) - static_cast<std::size_t>(top)) * width + static_cast<std::size_t>(x) -
                  static_cast<std::size_t>(left)] != 0;
  }
};
ObjectMask find_object(const ClipView& clip, int frame, const Backdrop& backdrop);

// How well shapes of the mask's area and centroid overlap it: intersection over union, in [0, 1].
std::array<double, kShapes> shape_overlaps(const ObjectMask& mask);
// The diameter in pixels of an object of that shape with that many pixels.
double diameter_from_area(Shape shape, double area);
// The votes of the object's pixels.
std::array<double, kColours> colour_votes(const ClipView& clip, int frame, const ObjectMask& mask,
                                          const Backdrop& backdrop);

// Camera's velocity in metres per second from the phase of the ground's stripes, away from the masks (one a frame).
double measure_camera_velocity(const ClipView& clip, const Backdrop& backdrop, const std::vector<ObjectMask>& masks);

// The object's course over the ground: seconds, metres.
struct CoursePoint {
  double t, x, height;  // height of the lowest point over the ground
};
struct MotionReading {
  std::optional<Motion> motion;
  std::optional<Direction> direction;
  std::optional<double> gravity;
};
MotionReading read_motion(const std::vector<CoursePoint>& course, Shape shape);

}  // namespace starling::generate
