#include "train/world/drawing.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "train/world/angle.h"
#include "train/world/outline.h"

namespace starling::train::world {

namespace {

constexpr double kOutline = 0.22;    // metres, of the darker rim
constexpr double kShadowFade = 9.0;  // metres of height at which the shadow is gone
constexpr double kRopeWidth = 0.14;  // metres
constexpr double kHook = 0.3;        // metres, of what a rope hangs from
constexpr Paint kRopePaint = {70, 62, 58};
constexpr Paint kNightRopePaint = {150, 138, 126};
constexpr Paint kPropPaint = {104, 76, 58};
constexpr Paint kNightPropPaint = {158, 124, 98};  // lighter, to be seen before dark ground
constexpr Paint kWallPaint = {136, 112, 92};
constexpr double kNightLight = 0.82;

// A picture being drawn, and what it shows.
class Canvas {
 public:
  Canvas(const ClipShape& shape, const CameraPose& camera, std::uint8_t* out)
      : shape_(shape), projection_(shape, camera), out_(out) {}

  const Projection& projection() const { return projection_; }

  // Calls body(x, y, pixel) for each pixel whose middle may lie within `reach` metres of (x, y); the position is in
  // metres.
  template <typename Body>
  void around(double x, double y, double reach_x, double reach_y, const Body& body) const {
    const int x0 = std::max(0, bounded(projection_.x(x - reach_x) - 1));
    const int x1 = std::min(shape_.width - 1, bounded(projection_.x(x + reach_x) + 1));
    const int y0 = std::max(0, bounded(projection_.y(y + reach_y) - 1));
    const int y1 = std::min(shape_.height - 1, bounded(projection_.y(y - reach_y) + 1));
    for (int row = y0; row <= y1; ++row) {
      std::uint8_t* pixel =
          out_ +
          (static_cast<std::size_t>(row) * static_cast<std::size_t>(shape_.width) + static_cast<std::size_t>(x0)) * 3;
      const double at_y = projection_.world_y(row + 0.5);
      for (int column = x0; column <= x1; ++column, pixel += 3) body(projection_.world_x(column + 0.5), at_y, pixel);
    }
  }

 private:
  static int bounded(double value) { return static_cast<int>(std::floor(std::min(1e6, std::max(-1e6, value)))); }

  const ClipShape& shape_;
  Projection projection_;
  std::uint8_t* out_;
};

void blend(std::uint8_t* pixel, const Paint& paint, double coverage) {
  for (std::size_t c = 0; c < 3; ++c) pixel[c] = to_byte(pixel[c] + (paint[c] - pixel[c]) * coverage);
}

// World coordinates to those of a body that was turned.
class Turned {
 public:
  explicit Turned(const Pose& pose) : x_(pose.x), y_(pose.y), at_(sine_cosine(pose.angle / kTurn)) {}
  Point local(double x, double y) const {
    const double dx = x - x_;
    const double dy = y - y_;
    return {dx * at_.cosine + dy * at_.sine, dy * at_.cosine - dx * at_.sine};
  }

 private:
  double x_, y_;
  SineCosine at_;
};

// How much of the second paint a thing shows at a point, in diameters.
double accent(const Thing& thing, Point p, double pixel) {
  const auto period = [](double value, double length) {
    return std::fabs(value / length - std::floor(value / length) - 0.5) * length;
  };
  switch (thing.pattern) {
    case Pattern::kPlain: {
      if (thing.shape != Shape::kBall) return 0;
      // A spot shows how a ball turns.
      const double dy = p.y - 0.26;
      return clamp01((0.14 - std::sqrt(p.x * p.x + dy * dy)) / pixel + 0.5);
    }
    case Pattern::kStriped:
      return clamp01((0.09 - period(p.x, 0.36)) / pixel + 0.5);
    case Pattern::kDotted: {
      const double x = period(p.x, 0.4);
      const double y = period(p.y, 0.4);
      return clamp01((0.12 - std::sqrt(x * x + y * y)) / pixel + 0.5);
    }
  }
  return 0;
}

class Painter {
 public:
  Painter(const Scenario& scenario, const Course& course, const ClipShape& shape, double seconds)
      : scenario_(scenario),
        course_(course),
        shape_(shape),
        seconds_(seconds),
        backdrop_(scenario.setting, shape),
        light_(scenario.setting.sky == Sky::kNight ? kNightLight : 1.0) {
    for (const Prop& prop : scenario.props) corners_.push_back(corners(prop));
  }

  void frame(double t, std::uint8_t* out) const {
    const CameraPose camera = camera_at(scenario_, course_, seconds_, t);
    backdrop_.draw(camera, out);
    const Canvas canvas(shape_, camera, out);
    const std::size_t actors = scenario_.actors.size();
    for (std::size_t i = 0; i < actors; ++i) shadow(canvas, scenario_.actors[i].thing, course_.at_time(t, i));
    for (std::size_t i = 0; i < scenario_.props.size(); ++i) {
      if (scenario_.props[i].kind != PropKind::kWall) prop(canvas, i, course_.at_time(t, actors + i));
    }
    for (std::size_t i = 0; i < actors; ++i) {
      if (scenario_.actors[i].hangs) rope(canvas, scenario_.actors[i], course_.at_time(t, i));
      thing(canvas, scenario_.actors[i].thing, course_.at_time(t, i));
    }
    for (std::size_t i = 0; i < scenario_.props.size(); ++i) {
      if (scenario_.props[i].kind == PropKind::kWall) prop(canvas, i, course_.at_time(t, actors + i));
    }
  }

 private:
  void shadow(const Canvas& canvas, const Thing& thing, const Pose& pose) const {
    const double height = std::max(0.0, pose.y - base(thing.shape) * thing.diameter);
    const double strength = 0.38 * clamp01(1.0 - height / kShadowFade);
    if (strength <= 0) return;
    const double wide = half_width(thing.shape) * thing.diameter * (1.05 + 0.03 * height);
    constexpr double kHigh = 0.7;
    constexpr double kMiddle = -0.1;
    canvas.around(pose.x, kMiddle, wide, kHigh, [&](double x, double y, std::uint8_t* pixel) {
      const double dx = (x - pose.x) / wide;
      const double dy = (y - kMiddle) / kHigh;
      const double dark = strength * clamp01(1.6 * (1.0 - dx * dx - dy * dy));
      for (int c = 0; c < 3; ++c) pixel[c] = to_byte(pixel[c] * (1.0 - dark));
    });
  }

  void thing(const Canvas& canvas, const Thing& thing, const Pose& pose) const {
    const Paint body = thing_paint(thing.colour);
    const Paint second = accent_paint(thing.colour);
    const Turned turned(pose);
    const double d = thing.diameter;
    const double pixels = canvas.projection().scale() * d;  // a diameter's
    const double reach = std::max(half_width(thing.shape), top(thing.shape)) * d;
    const double outline = std::min(kOutline / d, 0.09) * pixels;
    canvas.around(pose.x, pose.y, reach, reach, [&](double x, double y, std::uint8_t* pixel) {
      const Point world = turned.local(x, y);
      const Point p{world.x / d, world.y / d};
      const double depth = -distance(thing.shape, p) * pixels;
      const double coverage = clamp01(depth + 0.5);
      if (coverage <= 0) return;
      const double rim = clamp01(outline - depth + 0.5);
      const double shown = accent(thing, p, 1.0 / pixels);
      // Light from the upper left, whichever way the thing is turned.
      const double lit = (0.5 * (pose.x - x) + 0.7 * (y - pose.y)) / (0.5 * d);
      const double shade = light_ * (1.0 + 0.13 * lit) * (1.0 - 0.42 * rim);
      const double gloss = light_ * 14.0 * std::max(0.0, lit) * (1.0 - rim);
      Paint paint{};
      for (std::size_t c = 0; c < 3; ++c) paint[c] = (body[c] + (second[c] - body[c]) * shown) * shade + gloss;
      blend(pixel, paint, coverage);
    });
  }

  void prop(const Canvas& canvas, std::size_t index, const Pose& pose) const {
    const Prop& prop = scenario_.props[index];
    const std::vector<Point>& edge = corners_[index];
    const Turned turned(pose);
    const double reach_x = prop.moves() ? std::max(prop.width, prop.height) * 0.5 + 0.2 : 0.5 * prop.width;
    const double reach_y = prop.moves() ? reach_x : prop.height;
    const double scale = canvas.projection().scale();
    const bool night = scenario_.setting.sky == Sky::kNight;
    const Paint base = prop.kind == PropKind::kWall ? kWallPaint : night ? kNightPropPaint : kPropPaint;
    canvas.around(pose.x, pose.y, reach_x, reach_y, [&](double x, double y, std::uint8_t* pixel) {
      const Point p = turned.local(x, y);
      const double depth = -distance(edge, p) * scale;
      const double coverage = clamp01(depth + 0.5);
      if (coverage <= 0) return;
      double dark = 0.35 * clamp01(0.16 * scale - depth + 0.5);
      if (prop.kind == PropKind::kWall) dark = std::max(dark, mortar(p, 1.0 / scale));
      Paint paint = base;
      for (double& channel : paint) channel *= light_ * (1.0 - dark);
      blend(pixel, paint, coverage);
    });
  }

  // The joints between a wall's courses of stone.
  static double mortar(Point p, double pixel) {
    constexpr double kCourse = 1.25;
    const double row = std::floor(p.y / kCourse);
    const auto near = [](double at, double period) {
      return std::fabs(at / period - std::floor(at / period + 0.5)) * period;
    };
    const double away = std::min(near(p.y, kCourse), near(p.x + 1.1 * row, 2.2));
    return 0.25 * clamp01((0.1 - away) / pixel + 0.5);
  }

  void rope(const Canvas& canvas, const Actor& actor, const Pose& pose) const {
    const double dx = pose.x - actor.rope_x;
    const double dy = pose.y - actor.rope_y;
    const double length = std::sqrt(dx * dx + dy * dy);
    if (length <= 0) return;
    const double scale = canvas.projection().scale();
    const Paint& paint = scenario_.setting.sky == Sky::kNight ? kNightRopePaint : kRopePaint;
    canvas.around(actor.rope_x, actor.rope_y, kHook, kHook, [&](double x, double y, std::uint8_t* pixel) {
      const double px = x - actor.rope_x;
      const double py = y - actor.rope_y;
      const double coverage = clamp01((kHook - std::sqrt(px * px + py * py)) * scale + 0.5);
      if (coverage > 0) blend(pixel, paint, coverage);
    });
    const double middle_x = 0.5 * (pose.x + actor.rope_x);
    const double middle_y = 0.5 * (pose.y + actor.rope_y);
    canvas.around(middle_x, middle_y, 0.5 * std::fabs(dx) + kRopeWidth, 0.5 * std::fabs(dy),
                  [&](double x, double y, std::uint8_t* pixel) {
                    const double away = std::fabs((x - actor.rope_x) * dy - (y - actor.rope_y) * dx) / length;
                    const double coverage = clamp01((0.5 * kRopeWidth - away) * scale + 0.5);
                    if (coverage > 0) blend(pixel, paint, coverage);
                  });
  }

  const Scenario& scenario_;
  const Course& course_;
  const ClipShape& shape_;
  double seconds_;
  Backdrop backdrop_;
  double light_;
  std::vector<std::vector<Point>> corners_;
};

}  // namespace

Paint thing_paint(Colour colour) { return to_paint(generate::paint(colour)); }

Paint accent_paint(Colour colour) {
  const bool pale = colour == Colour::kWhite || colour == Colour::kYellow;
  return pale ? Paint{96, 84, 84} : Paint{250, 246, 236};
}

std::vector<std::uint8_t> draw(const Scenario& scenario, const Course& course, const ClipShape& shape, double seconds) {
  const std::size_t frame_bytes = static_cast<std::size_t>(shape.width) * static_cast<std::size_t>(shape.height) * 3;
  std::vector<std::uint8_t> bytes(frame_bytes * static_cast<std::size_t>(shape.frames));
  const Painter painter(scenario, course, shape, seconds);
  for (int frame = 0; frame < shape.frames; ++frame) {
    painter.frame(frame / shape.fps, bytes.data() + static_cast<std::size_t>(frame) * frame_bytes);
  }
  return bytes;
}

}  // namespace starling::train::world
