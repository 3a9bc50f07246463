#include "train/world/outline.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace starling::train::world {

namespace {

constexpr double kBallRadius = 0.5;
// Sines and cosines of 0, 72, 144, ... degrees: where a star's tips point, as (sine, cosine) from upright.
constexpr std::array<Point, 5> kTips = {{{0.0, 1.0},
                                         {0.95105651629515353, 0.30901699437494745},
                                         {0.58778525229247314, -0.80901699437494745},
                                         {-0.58778525229247314, -0.80901699437494745},
                                         {-0.95105651629515353, 0.30901699437494745}}};
constexpr double kSine36 = 0.58778525229247314;
constexpr double kCosine36 = 0.80901699437494745;
constexpr double kRoot3Half = 0.86602540378443865;

// From a tip's axis a star is the same to both sides: the distance from the edge between the tip and its inner corner.
double star_distance(Point p) {
  double along = -1e9;
  double across = 0;
  for (const Point& tip : kTips) {
    const double a = p.x * tip.x + p.y * tip.y;
    if (a > along) {
      along = a;
      across = std::fabs(p.x * tip.y - p.y * tip.x);
    }
  }
  const double edge_x = kStarCorner * kCosine36 - kStarTip;
  const double edge_y = kStarCorner * kSine36;
  const double length = std::sqrt(edge_x * edge_x + edge_y * edge_y);
  return (edge_y * (along - kStarTip) - edge_x * across) / length;
}

}  // namespace

double distance(Shape shape, Point p) {
  switch (shape) {
    case Shape::kBall:
      return std::sqrt(p.x * p.x + p.y * p.y) - kBallRadius;
    case Shape::kBox: {
      const double x = std::fabs(p.x) - 0.5 * kBoxSide;
      const double y = std::fabs(p.y) - 0.5 * kBoxSide;
      return std::max(x, y);
    }
    case Shape::kTriangle:
      return std::max(kRoot3Half * std::fabs(p.x) + 0.5 * p.y - 0.5 * top(shape), -p.y - base(shape));
    case Shape::kStar:
      return star_distance(p);
  }
  return 1;
}

double distance(std::span<const Point> corners, Point p) {
  double most = -1e9;
  for (std::size_t i = 0; i < corners.size(); ++i) {
    const Point& a = corners[i];
    const Point& b = corners[(i + 1) % corners.size()];
    const double x = b.x - a.x;
    const double y = b.y - a.y;
    most = std::max(most, (y * (p.x - a.x) - x * (p.y - a.y)) / std::sqrt(x * x + y * y));
  }
  return most;
}

std::vector<Point> corners(const Prop& prop) {
  const double half = 0.5 * prop.width;
  switch (prop.kind) {
    case PropKind::kRamp:
      return {{-half, 0}, {half, 0}, {prop.facing == Direction::kRight ? -half : half, prop.height}};
    case PropKind::kPivot:
      return {{-half, 0}, {half, 0}, {0, prop.height}};
    case PropKind::kWall:
    case PropKind::kLedge:
      return {{-half, 0}, {half, 0}, {half, prop.height}, {-half, prop.height}};
    case PropKind::kPlank:
    case PropKind::kDomino:
      break;
  }
  const double high = 0.5 * prop.height;
  return {{-half, -high}, {half, -high}, {half, high}, {-half, high}};
}

}  // namespace starling::train::world
