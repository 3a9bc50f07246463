#pragma once

#include <vector>

#include "train/clip_shape.h"
#include "train/world/projection.h"

namespace starling::train::world {

// What is true of a thing in one frame: pixels, x to the right, y down, from the top left corner of the picture.
struct ThingTruth {
  double centre_x = 0, centre_y = 0;                // of the thing's area
  double left = 0, top = 0, right = 0, bottom = 0;  // of the circle or corners that bound it, also out of the picture
  double angle = 0;                                 // radians, anticlockwise from upright
  double diameter = 0;                              // Thing::diameter as the picture shows it
  double inside = 0;                                // share of its area inside the picture
  double hidden = 0;                                // share of its area inside the picture, but behind a wall
  double visible() const { return inside - hidden; }
};

struct FrameTruth {
  double time = 0;
  CameraPose camera;
  std::vector<ThingTruth> things;  // as Scenario::actors
};

enum class EventKind : std::uint8_t {
  kTouch,  // first and second begin to touch, at `speed`; numbers as Touch's
  kEnter,  // first is seen for the first time since the start, or again since it left
  kLeave,
  kHidden,    // first is wholly behind a wall
  kRevealed,  // most of it is seen again
};
struct Event {
  EventKind kind = EventKind::kTouch;
  double time = 0;
  std::size_t first = 0, second = kNobody;
  double speed = 0;  // metres a second
};

// All that is known of a clip but its pixels; things, props, setting and story are in its Scenario.
struct ClipTruth {
  std::vector<FrameTruth> frames;
  std::vector<Event> events;  // in the order of time
};

ClipTruth truth_of(const Scenario& scenario, const Course& course, const ClipShape& shape);

// Touches slower than this are no events: what rests on something touches it again and again.
inline constexpr double kTouchSpeed = 0.5;

}  // namespace starling::train::world
