#include "train/first_world/render.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "train/first_world/motion.h"
#include "train/world/angle.h"
#include "train/world/paint.h"

namespace starling::train {

using generate::kShadowShade;
using generate::kStripeMetres;
using generate::kStripeShade;

namespace {

constexpr double kOutlineMetres = 0.28;
constexpr double kShadowFade = 9.0;  // metres of height at which the shadow is gone

// The picture's geometry; pixel centres are at half integers.
struct View {
  int width, height;
  double scale;  // pixels per metre

  View(int w, int h) : width(w), height(h), scale(std::min(w, h) / kViewMetres) {}
  double horizon() const { return height - kHorizonMetres * scale; }
  double stand() const { return height - kStandMetres * scale; }
};

class Painter {
 public:
  Painter(const Scene& scene, const View& view)
      : scene_(scene),
        view_(view),
        body_(to_paint(generate::paint(scene.attributes.colour))),
        half_width_(half_width(scene) * view.scale),
        half_height_(0.5 * full_height(scene) * view.scale) {
    const bool pale =
        scene.attributes.colour == generate::Colour::kWhite || scene.attributes.colour == generate::Colour::kYellow;
    spot_ = pale ? Paint{96, 84, 84} : Paint{250, 246, 236};
    const Paint top = to_paint(generate::sky_top_paint(scene.attributes.sky));
    const Paint low = to_paint(generate::sky_horizon_paint(scene.attributes.sky));
    const Paint ground = to_paint(generate::ground_paint(scene.attributes.ground, scene.attributes.sky));
    rows_.resize(static_cast<std::size_t>(view.height));
    for (int y = 0; y < view.height; ++y) {
      const double middle = y + 0.5;
      const double below = clamp01(middle - view.horizon() + 0.5);
      const double up = clamp01(middle / view.horizon());
      const double shade = 0.9 + 0.1 * clamp01((middle - view.horizon()) / (view.height - view.horizon()));
      for (std::size_t c = 0; c < 3; ++c) {
        const double sky = top[c] + (low[c] - top[c]) * up * up;
        rows_[static_cast<std::size_t>(y)][c] = sky + (ground[c] * shade - sky) * below;
      }
    }
  }

  void draw(double t, std::uint8_t* out) const {
    const double camera = scene_.camera_velocity * t;
    draw_background(camera, out);
    const Pose pose = pose_at(scene_, t);
    const double x = 0.5 * view_.width + (pose.x - camera) * view_.scale;
    const double base = view_.stand() - pose.height * view_.scale;
    draw_shadow(x, pose.height, out);
    draw_object(x, base - half_height_, pose.turns, out);
  }

 private:
  // The sky, and a floor of stripes that fan out towards the viewer.
  void draw_background(double camera, std::uint8_t* out) const {
    const int first_ground = static_cast<int>(std::floor(view_.horizon()));
    for (int y = 0; y < view_.height; ++y) {
      const Paint& row = rows_[static_cast<std::size_t>(y)];
      std::uint8_t* pixel = out + static_cast<std::size_t>(y) * static_cast<std::size_t>(view_.width) * 3;
      if (y < first_ground) {
        const std::array<std::uint8_t, 3> flat = {to_byte(row[0]), to_byte(row[1]), to_byte(row[2])};
        for (int x = 0; x < view_.width; ++x, pixel += 3) std::copy(flat.begin(), flat.end(), pixel);
        continue;
      }
      // How much larger things look in this row than where objects stand.
      const double along = (y + 0.5 - view_.stand()) / (view_.stand() - view_.horizon());
      const double magnify = 1.0 + generate::kStripeFan * along;
      const double step = 1.0 / (view_.scale * magnify * kStripeMetres);
      const double sharp = 0.5 / step;  // a pixel's width in the wave below
      const double below = clamp01(y + 1.0 - view_.horizon());
      for (int x = 0; x < view_.width; ++x, pixel += 3) {
        const double at = (x + 0.5 - 0.5 * view_.width) * step + (camera + scene_.stripe_offset) / kStripeMetres;
        const double wave = std::fabs(at - std::floor(at) - 0.5) - 0.25;
        const double dark = clamp01(0.5 + wave * 2 * sharp) * below;
        const double shade = 1.0 - (1.0 - kStripeShade) * dark;
        for (int c = 0; c < 3; ++c) pixel[c] = to_byte(row[static_cast<std::size_t>(c)] * shade);
      }
    }
  }

  void draw_shadow(double x, double height, std::uint8_t* out) const {
    const double strength = (1.0 - kShadowShade) * clamp01(1.0 - height / kShadowFade);
    if (strength <= 0) return;
    const double radius_x = half_width_ * (1.05 + 0.03 * height);
    const double radius_y = 0.8 * view_.scale;
    const double y = view_.stand() + 0.1 * view_.scale;
    for_box(x - radius_x, y - radius_y, x + radius_x, y + radius_y, out,
            [&](double px, double py, std::uint8_t* pixel) {
              const double dx = (px - x) / radius_x;
              const double dy = (py - y) / radius_y;
              const double dark = strength * clamp01(1.6 * (1.0 - dx * dx - dy * dy));
              for (int c = 0; c < 3; ++c) pixel[c] = to_byte(pixel[c] * (1.0 - dark));
            });
  }

  void draw_object(double x, double y, double turns, std::uint8_t* out) const {
    const SineCosine spot = sine_cosine(turns);
    const double spot_x = 0.5 * half_width_ * spot.sine;
    const double spot_y = -0.5 * half_width_ * spot.cosine;
    const double outline = kOutlineMetres * view_.scale;
    const bool ball = scene_.attributes.shape == generate::Shape::kBall;
    for_box(x - half_width_ - 1, y - half_height_ - 1, x + half_width_ + 1, y + half_height_ + 1, out,
            [&](double px, double py, std::uint8_t* pixel) {
              const double dx = px - x;
              const double dy = py - y;
              const double depth = -distance(dx, dy);
              const double coverage = clamp01(depth + 0.5);
              if (coverage <= 0) return;
              const double rim = clamp01(outline - depth + 0.5);
              const double spotted =
                  ball ? clamp01(0.3 * half_width_ -
                                 std::sqrt((dx - spot_x) * (dx - spot_x) + (dy - spot_y) * (dy - spot_y)) + 0.5)
                       : 0.0;
              // Light from the upper left.
              const double light = -0.5 * dx / half_width_ - 0.7 * dy / half_height_;
              const double shade = (1.0 + 0.14 * light) * (1.0 - 0.4 * rim);
              const double gloss = 16.0 * std::max(0.0, light);
              for (std::size_t c = 0; c < 3; ++c) {
                const double flat = body_[c] + (spot_[c] - body_[c]) * spotted;
                const double colour = flat * shade + gloss * (1.0 - rim);
                pixel[c] = to_byte(pixel[c] + (colour - pixel[c]) * coverage);
              }
            });
  }

  // Signed distance in pixels from the object's edge, negative inside; (0, 0) is the middle of its bounding box.
  double distance(double dx, double dy) const {
    switch (scene_.attributes.shape) {
      case generate::Shape::kBall:
        return std::sqrt(dx * dx + dy * dy) - half_width_;
      case generate::Shape::kBox: {
        const double corner = 0.12 * half_width_;
        const double qx = std::fabs(dx) - half_width_ + corner;
        const double qy = std::fabs(dy) - half_height_ + corner;
        const double ox = std::max(qx, 0.0);
        const double oy = std::max(qy, 0.0);
        return std::sqrt(ox * ox + oy * oy) + std::min(std::max(qx, qy), 0.0) - corner;
      }
      case generate::Shape::kTriangle: {
        // The largest of the distances from the three edges' lines.
        const double length = std::sqrt(4 * half_height_ * half_height_ + half_width_ * half_width_);
        const double side = (2 * half_height_ * std::fabs(dx) - half_width_ * (dy + half_height_)) / length;
        return std::max(side, dy - half_height_);
      }
    }
    return 1;
  }

  template <typename Body>
  void for_box(double left, double top, double right, double bottom, std::uint8_t* out, Body body) const {
    const int x0 = std::max(0, bounded(left));
    const int y0 = std::max(0, bounded(top));
    const int x1 = std::min(view_.width - 1, bounded(right));
    const int y1 = std::min(view_.height - 1, bounded(bottom));
    for (int y = y0; y <= y1; ++y) {
      std::uint8_t* pixel =
          out +
          (static_cast<std::size_t>(y) * static_cast<std::size_t>(view_.width) + static_cast<std::size_t>(x0)) * 3;
      for (int x = x0; x <= x1; ++x, pixel += 3) body(x + 0.5, y + 0.5, pixel);
    }
  }

  static int bounded(double value) { return static_cast<int>(std::floor(std::min(1e6, std::max(-1e6, value)))); }

  const Scene& scene_;
  View view_;
  Paint body_;
  Paint spot_{};
  double half_width_, half_height_;  // pixels
  std::vector<Paint> rows_;          // each row's colour between the stripes
};

}  // namespace

base::Result<std::vector<std::uint8_t>> render(const Scene& scene, int width, int height, int frames, double fps) {
  const auto fits = [](int side) { return side >= 32 && side <= 1024 && side % 8 == 0; };
  if (!fits(width) || !fits(height)) {
    return base::invalid("the world is drawn with sides that are multiples of 8 from 32 to 1024, not " +
                         std::to_string(width) + "x" + std::to_string(height));
  }
  if (frames < 1 || frames > 4096) {
    return base::invalid("the world is drawn for 1 to 4096 frames, not " + std::to_string(frames));
  }
  if (!(fps > 0 && fps <= 240))
    return base::invalid("the world is drawn at more than 0 and at most 240 frames a second");
  const std::size_t frame_bytes = static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 3;
  std::vector<std::uint8_t> bytes(frame_bytes * static_cast<std::size_t>(frames));
  const Painter painter(scene, View(width, height));
  for (int frame = 0; frame < frames; ++frame) {
    painter.draw(frame / fps, bytes.data() + static_cast<std::size_t>(frame) * frame_bytes);
  }
  return bytes;
}

FrameTruth truth_at(const Scene& scene, int width, int height, int frame, double fps) {
  const View view(width, height);
  const double t = frame / fps;
  const Pose pose = pose_at(scene, t);
  FrameTruth truth;
  truth.centre_x = 0.5 * width + (pose.x - scene.camera_velocity * t) * view.scale;
  truth.bottom = view.stand() - pose.height * view.scale;
  truth.top = truth.bottom - full_height(scene) * view.scale;
  truth.centre_y = 0.5 * (truth.top + truth.bottom);
  truth.left = truth.centre_x - half_width(scene) * view.scale;
  truth.right = truth.centre_x + half_width(scene) * view.scale;
  const double wide = std::min<double>(width, truth.right) - std::max(0.0, truth.left);
  const double tall = std::min<double>(height, truth.bottom) - std::max(0.0, truth.top);
  truth.visible = std::max(0.0, wide) * std::max(0.0, tall) / ((truth.right - truth.left) * (truth.bottom - truth.top));
  return truth;
}

}  // namespace starling::train
