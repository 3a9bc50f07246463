#pragma once

#include "train/clip_shape.h"
#include "train/world/simulation.h"

namespace starling::train::world {

// The shorter side of a picture shows so many metres, whatever its size, while the camera does not zoom; the longer
// side shows more. From the bottom of the picture up to where things stand, and up to the horizon.
inline constexpr double kViewMetres = 16.0;
inline constexpr double kStandMetres = 2.75;
inline constexpr double kHorizonMetres = 5.0;

// Where the camera looks and how much it enlarges.
struct CameraPose {
  double x = 0.0;
  double zoom = 1.0;
};

// The camera of a clip of so many seconds at a time.
CameraPose camera_at(const Scenario& scenario, const Course& course, double seconds, double t);

// World to picture: pixels, x to the right, y down, from the top left corner. Zooming leaves the horizon where it is.
class Projection {
 public:
  Projection(const ClipShape& shape, const CameraPose& camera);

  double scale() const { return scale_; }      // pixels a metre, where things stand
  double horizon() const { return horizon_; }  // the horizon's row
  double x(double metres) const { return middle_ + (metres - camera_x_) * scale_; }
  double y(double metres) const { return horizon_ - (metres - (kHorizonMetres - kStandMetres)) * scale_; }
  // Their inverses.
  double world_x(double column) const { return camera_x_ + (column - middle_) / scale_; }
  double world_y(double row) const { return (kHorizonMetres - kStandMetres) - (row - horizon_) / scale_; }

 private:
  double scale_, horizon_, middle_, camera_x_;
};

// What a picture shows of the world while the camera does not zoom, metres.
double view_width(const ClipShape& shape);
double view_height(const ClipShape& shape);

}  // namespace starling::train::world
