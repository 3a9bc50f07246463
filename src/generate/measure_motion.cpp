#include <algorithm>
#include <cmath>

#include "generate/measure_object.h"

namespace starling::generate {

namespace {

// Metres. What a thing at rest may seem to move by; and what a move must come to.
constexpr double kRest = 1.0;
constexpr double kTravel = 1.2;

struct Line {
  double slope, offset;
};

template <typename Get>
Line fit_line(const std::vector<CoursePoint>& course, Get get) {
  double t = 0, v = 0, tt = 0, tv = 0;
  const auto n = static_cast<double>(course.size());
  for (const auto& p : course) {
    t += p.t;
    v += get(p);
    tt += p.t * p.t;
    tv += p.t * get(p);
  }
  const double spread = tt - t * t / n;
  const double slope = spread > 0 ? (tv - t * v / n) / spread : 0;
  return {slope, (v - slope * t) / n};
}

// The second derivative of the parabola that fits best.
std::optional<double> curvature(const std::vector<CoursePoint>& points) {
  if (points.size() < 4) return std::nullopt;
  const auto n = static_cast<double>(points.size());
  double mean = 0;
  for (const auto& p : points) mean += p.t;
  mean /= n;
  double s2 = 0, s3 = 0, s4 = 0, v = 0, tv = 0, ttv = 0;
  for (const auto& p : points) {
    const double t = p.t - mean;
    s2 += t * t;
    s3 += t * t * t;
    s4 += t * t * t * t;
    v += p.height;
    tv += t * p.height;
    ttv += t * t * p.height;
  }
  // Normal equations with the odd sums of a centred t; s3 is 0 where no frame is missing.
  const double determinant = n * (s2 * s4 - s3 * s3) - s2 * s2 * s2;
  if (std::fabs(determinant) < 1e-12) return std::nullopt;
  const double quadratic = (n * (s2 * ttv - s3 * tv) - s2 * s2 * v) / determinant;
  return 2 * quadratic;
}

// From the longest stretch of frames in the air: of a bounce, between two touches.
std::optional<double> fit_gravity(const std::vector<CoursePoint>& course) {
  constexpr double kInTheAir = 0.35;
  std::vector<CoursePoint> longest;
  std::vector<CoursePoint> current;
  for (std::size_t i = 0; i < course.size(); ++i) {
    // A touch between two frames shows as a turn from down to up.
    const bool turned = current.size() >= 2 && i + 1 < course.size() && current.back().height < course[i].height &&
                        current.back().height < current[current.size() - 2].height;
    if (course[i].height < kInTheAir || turned) current.clear();
    if (course[i].height >= kInTheAir) current.push_back(course[i]);
    if (current.size() > longest.size()) longest = current;
  }
  const auto second = curvature(longest);
  if (!second) return std::nullopt;
  return -*second;
}

}  // namespace

MotionReading read_motion(const std::vector<CoursePoint>& course, Shape shape) {
  MotionReading reading;
  if (course.size() < 4) return reading;
  const double seconds = course.back().t - course.front().t;
  const Line across = fit_line(course, [](const CoursePoint& p) { return p.x; });
  const double net_x = across.slope * seconds;

  double top = course[0].height, bottom = top, left = 0, right = 0, climbed = 0, sunk = 0;
  double highest_so_far = top, lowest_so_far = top;
  for (const auto& p : course) {
    top = std::max(top, p.height);
    bottom = std::min(bottom, p.height);
    const double off = p.x - across.offset - across.slope * p.t;
    left = std::min(left, off);
    right = std::max(right, off);
    highest_so_far = std::max(highest_so_far, p.height);
    lowest_so_far = std::min(lowest_so_far, p.height);
    climbed = std::max(climbed, p.height - lowest_so_far);  // the largest rise after a low point
    sunk = std::max(sunk, highest_so_far - p.height);       // the largest fall after a high point
  }
  const double range = top - bottom;
  const double sway = right - left;

  if (range >= 2 * kRest && sway >= 1.4 && sway >= 0.35 * range) {
    reading.motion = Motion::kOrbit;
  } else if (range < kRest) {
    const bool moves = std::fabs(net_x) >= kTravel;
    reading.motion = !moves ? Motion::kStay : shape == Shape::kBall ? Motion::kRoll : Motion::kSlide;
  } else if (sunk < 0.3 * climbed) {
    reading.motion = Motion::kRise;
  } else if (climbed < 0.3 * sunk) {
    reading.motion = Motion::kFall;
  } else {
    reading.motion = Motion::kBounce;
  }
  const bool may_travel =
      reading.motion == Motion::kRoll || reading.motion == Motion::kSlide || reading.motion == Motion::kBounce;
  reading.direction = !may_travel || std::fabs(net_x) < kTravel ? Direction::kNone
                      : net_x < 0                               ? Direction::kLeft
                                                                : Direction::kRight;
  if (reading.motion == Motion::kFall || reading.motion == Motion::kBounce) reading.gravity = fit_gravity(course);
  return reading;
}

}  // namespace starling::generate
