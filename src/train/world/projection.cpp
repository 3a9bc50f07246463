#include "train/world/projection.h"

#include <algorithm>

namespace starling::train::world {

namespace {

double base_scale(const ClipShape& shape) { return std::min(shape.width, shape.height) / kViewMetres; }

}  // namespace

CameraPose camera_at(const Scenario& scenario, const Course& course, double seconds, double t) {
  const CameraMove& move = scenario.camera;
  CameraPose pose;
  const double part = seconds > 0 ? t / seconds : 0.0;
  pose.zoom = move.zoom_from + (move.zoom_to - move.zoom_from) * part;
  switch (move.kind) {
    case Camera::kPanLeft:
    case Camera::kPanRight:
      pose.x = move.velocity * (t - 0.5 * seconds);
      break;
    case Camera::kFollow:
      pose.x = course.at_time(t, move.followed).x;
      break;
    case Camera::kStill:
    case Camera::kZoomIn:
    case Camera::kZoomOut:
      break;
  }
  return pose;
}

Projection::Projection(const ClipShape& shape, const CameraPose& camera)
    : scale_(base_scale(shape) * camera.zoom),
      horizon_(shape.height - kHorizonMetres * base_scale(shape)),
      middle_(0.5 * shape.width),
      camera_x_(camera.x) {}

double view_width(const ClipShape& shape) { return shape.width / base_scale(shape); }
double view_height(const ClipShape& shape) { return shape.height / base_scale(shape); }

}  // namespace starling::train::world
