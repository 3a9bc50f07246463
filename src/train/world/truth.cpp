#include "train/world/truth.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "train/world/angle.h"
#include "train/world/outline.h"

namespace starling::train::world {

namespace {

constexpr int kSamples = 12;  // across a thing's bounding square

// Points spread over a shape's area, in diameters.
std::vector<Point> points_inside(Shape shape) {
  std::vector<Point> points;
  const double reach = std::max(half_width(shape), top(shape));
  for (int i = 0; i < kSamples; ++i) {
    for (int j = 0; j < kSamples; ++j) {
      const Point p{reach * ((2 * i + 1) / static_cast<double>(kSamples) - 1),
                    reach * ((2 * j + 1) / static_cast<double>(kSamples) - 1)};
      if (distance(shape, p) < 0) points.push_back(p);
    }
  }
  return points;
}

const std::vector<Point>& samples(Shape shape) {
  static const std::array<std::vector<Point>, kShapes> kPoints = {
      points_inside(Shape::kBall), points_inside(Shape::kBox), points_inside(Shape::kTriangle),
      points_inside(Shape::kStar)};
  return kPoints[static_cast<std::size_t>(shape) % kShapes];
}

// Corners, or points around a ball, in diameters.
std::vector<Point> extremes(Shape shape) {
  switch (shape) {
    case Shape::kBall:
      return {};
    case Shape::kBox: {
      constexpr double kHalf = 0.5 * kBoxSide;
      return {{-kHalf, -kHalf}, {kHalf, -kHalf}, {kHalf, kHalf}, {-kHalf, kHalf}};
    }
    case Shape::kTriangle:
      return {{-half_width(shape), -base(shape)}, {half_width(shape), -base(shape)}, {0, top(shape)}};
    case Shape::kStar:
      break;
  }
  std::vector<Point> tips;
  for (int tip = 0; tip < 5; ++tip) {
    const SineCosine at = sine_cosine(tip / 5.0);
    tips.push_back({kStarTip * at.sine, kStarTip * at.cosine});
  }
  return tips;
}

bool behind_wall(const Scenario& scenario, Point p) {
  return std::any_of(scenario.props.begin(), scenario.props.end(), [&](const Prop& prop) {
    return prop.kind == PropKind::kWall && std::fabs(p.x - prop.x) < 0.5 * prop.width && p.y > prop.y &&
           p.y < prop.y + prop.height;
  });
}

ThingTruth thing_truth(const Scenario& scenario, const Thing& thing, const Pose& pose, const Projection& projection,
                       const ClipShape& shape) {
  ThingTruth truth;
  const double d = thing.diameter;
  const SineCosine turn = sine_cosine(pose.angle / kTurn);
  const auto place = [&](Point p) {
    return Point{pose.x + d * (p.x * turn.cosine - p.y * turn.sine),
                 pose.y + d * (p.x * turn.sine + p.y * turn.cosine)};
  };
  truth.centre_x = projection.x(pose.x);
  truth.centre_y = projection.y(pose.y);
  truth.angle = pose.angle;
  truth.diameter = d * projection.scale();
  truth.left = truth.right = truth.centre_x;
  truth.top = truth.bottom = truth.centre_y;
  if (thing.shape == Shape::kBall) {
    const double radius = 0.5 * truth.diameter;
    truth.left -= radius;
    truth.right += radius;
    truth.top -= radius;
    truth.bottom += radius;
  }
  for (const Point& corner : extremes(thing.shape)) {
    const Point p = place(corner);
    truth.left = std::min(truth.left, projection.x(p.x));
    truth.right = std::max(truth.right, projection.x(p.x));
    truth.top = std::min(truth.top, projection.y(p.y));
    truth.bottom = std::max(truth.bottom, projection.y(p.y));
  }
  const std::vector<Point>& points = samples(thing.shape);
  std::size_t inside = 0;
  std::size_t hidden = 0;
  for (const Point& point : points) {
    const Point p = place(point);
    const double x = projection.x(p.x);
    const double y = projection.y(p.y);
    if (x < 0 || x >= shape.width || y < 0 || y >= shape.height) continue;
    ++inside;
    if (behind_wall(scenario, p)) ++hidden;
  }
  truth.inside = static_cast<double>(inside) / static_cast<double>(points.size());
  truth.hidden = static_cast<double>(hidden) / static_cast<double>(points.size());
  return truth;
}

constexpr double kSeen = 0.05;
constexpr double kWhollyHidden = 0.97;
constexpr double kMostlySeen = 0.6;

// What the frames show to change.
void add_seen_events(ClipTruth& truth, std::size_t things) {
  for (std::size_t i = 0; i < things; ++i) {
    bool in_view = truth.frames[0].things[i].inside > kSeen;
    bool hidden = false;
    for (const FrameTruth& frame : truth.frames) {
      const ThingTruth& thing = frame.things[i];
      if ((thing.inside > kSeen) != in_view) {
        in_view = !in_view;
        truth.events.push_back({in_view ? EventKind::kEnter : EventKind::kLeave, frame.time, i});
      }
      if (!hidden && thing.hidden >= kWhollyHidden) {
        hidden = true;
        truth.events.push_back({EventKind::kHidden, frame.time, i});
      } else if (hidden && thing.visible() >= kMostlySeen) {
        hidden = false;
        truth.events.push_back({EventKind::kRevealed, frame.time, i});
      }
    }
  }
}

}  // namespace

ClipTruth truth_of(const Scenario& scenario, const Course& course, const ClipShape& shape) {
  ClipTruth truth;
  const double seconds = (shape.frames - 1) / shape.fps;
  for (int i = 0; i < shape.frames; ++i) {
    FrameTruth frame;
    frame.time = i / shape.fps;
    frame.camera = camera_at(scenario, course, seconds, frame.time);
    const Projection projection(shape, frame.camera);
    for (std::size_t a = 0; a < scenario.actors.size(); ++a) {
      frame.things.push_back(
          thing_truth(scenario, scenario.actors[a].thing, course.at_time(frame.time, a), projection, shape));
    }
    truth.frames.push_back(std::move(frame));
  }
  for (const Touch& touch : course.touches) {
    if (touch.speed >= kTouchSpeed && touch.time <= seconds) {
      truth.events.push_back({EventKind::kTouch, touch.time, touch.first, touch.second, touch.speed});
    }
  }
  add_seen_events(truth, scenario.actors.size());
  std::stable_sort(truth.events.begin(), truth.events.end(),
                   [](const Event& a, const Event& b) { return a.time < b.time; });
  return truth;
}

}  // namespace starling::train::world
