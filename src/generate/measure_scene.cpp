#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "generate/measure_object.h"

namespace starling::generate {

namespace {

// Mean distance in RGB from the nearest paint beyond which the sky or the ground is none of the world's.
constexpr double kUnlikeAnything = 60;

using Paint = std::array<double, 3>;

const std::uint8_t* pixel_at(const ClipView& clip, int frame, int y, int x) {
  const auto row =
      (static_cast<std::size_t>(frame) * static_cast<std::size_t>(clip.height) + static_cast<std::size_t>(y)) *
      static_cast<std::size_t>(clip.width);
  return clip.rgb.data() + (row + static_cast<std::size_t>(x)) * 3;
}

double distance(const Paint& a, const Paint& b) {
  return std::sqrt((a[0] - b[0]) * (a[0] - b[0]) + (a[1] - b[1]) * (a[1] - b[1]) + (a[2] - b[2]) * (a[2] - b[2]));
}

// The middle of each channel over a row in all frames: an object covers less than half of it.
Paint row_median(const ClipView& clip, int y) {
  Paint result{};
  for (std::size_t c = 0; c < 3; ++c) {
    std::array<std::size_t, 256> histogram{};
    for (int frame = 0; frame < clip.frames; ++frame) {
      const std::uint8_t* row = pixel_at(clip, frame, y, 0);
      for (int x = 0; x < clip.width; ++x) ++histogram[row[static_cast<std::size_t>(x) * 3 + c]];
    }
    std::size_t left = static_cast<std::size_t>(clip.frames) * static_cast<std::size_t>(clip.width) / 2;
    std::size_t value = 0;
    while (value < 255 && histogram[value] <= left) left -= histogram[value++];
    result[c] = static_cast<double>(value);
  }
  return result;
}

Paint mix(const Rgb& a, const Rgb& b, double share_of_b) {
  Paint result{};
  for (std::size_t c = 0; c < 3; ++c) result[c] = a[c] + (b[c] - a[c]) * share_of_b;
  return result;
}

std::optional<Sky> classify_sky(const Backdrop& backdrop, double horizon) {
  std::optional<Sky> best;
  double least = kUnlikeAnything;
  const int rows = std::max(1, backdrop.ground_from - 1);
  for (std::size_t i = 0; i < kSkies; ++i) {
    const auto sky = static_cast<Sky>(i);
    double sum = 0;
    for (int y = 0; y < rows; ++y) {
      const double up = std::min(1.0, (y + 0.5) / horizon);
      sum += distance(backdrop.rows[static_cast<std::size_t>(y)],
                      mix(sky_top_paint(sky), sky_horizon_paint(sky), up * up));
    }
    if (sum / rows < least) {
      least = sum / rows;
      best = sky;
    }
  }
  return best;
}

std::optional<Ground> classify_ground(const Backdrop& backdrop) {
  std::optional<Ground> best;
  double least = kUnlikeAnything;
  const int height = static_cast<int>(backdrop.rows.size());
  const int first = std::min(height - 1, backdrop.ground_from + 1);
  for (std::size_t i = 0; i < kGrounds; ++i) {
    const Rgb rgb = ground_paint(static_cast<Ground>(i), backdrop.sky.value_or(Sky::kBlue));
    // Between the light and the dark stripe.
    constexpr double kBetween = 0.95 * (1 + kStripeShade) / 2;
    const Paint paint = {rgb[0] * kBetween, rgb[1] * kBetween, rgb[2] * kBetween};
    double sum = 0;
    for (int y = first; y < height; ++y) sum += distance(backdrop.rows[static_cast<std::size_t>(y)], paint);
    if (sum / (height - first) < least) {
      least = sum / (height - first);
      best = static_cast<Ground>(i);
    }
  }
  return best;
}

struct Phasor {
  double real = 0, imaginary = 0;
};

// One turn per stripe's width across a row.
std::vector<Phasor> stripe_wave(int width, double period) {
  std::vector<Phasor> wave;
  for (int x = 0; x < width; ++x) {
    const double angle = 2 * std::numbers::pi * (x + 0.5 - 0.5 * width) / period;
    wave.push_back({std::cos(angle), -std::sin(angle)});
  }
  return wave;
}

// The first harmonic of the stripes in a row, with the object and its shadow left out.
Phasor stripes_of(const ClipView& clip, int frame, int y, const std::vector<Phasor>& wave, const ObjectMask& mask) {
  const int margin = (mask.right - mask.left) / 5 + 2;
  const std::uint8_t* row = pixel_at(clip, frame, y, 0);
  std::vector<std::pair<double, int>> seen;  // brightness, x
  double sum = 0;
  for (int x = 0; x < clip.width; ++x) {
    if (mask.found() && x >= mask.left - margin && x <= mask.right + margin) continue;
    const std::uint8_t* pixel = row + static_cast<std::size_t>(x) * 3;
    const double brightness = static_cast<double>(pixel[0]) + pixel[1] + pixel[2];
    seen.emplace_back(brightness, x);
    sum += brightness;
  }
  Phasor phasor;
  for (const auto& [brightness, x] : seen) {
    const double value = brightness - sum / static_cast<double>(seen.size());
    phasor.real += value * wave[static_cast<std::size_t>(x)].real;
    phasor.imaginary += value * wave[static_cast<std::size_t>(x)].imaginary;
  }
  return phasor;
}

}  // namespace

PictureGeometry::PictureGeometry(int width, int height)
    : scale(std::min(width, height) / kViewMetres),
      horizon(height - kHorizonMetres * scale),
      stand(height - kStandMetres * scale) {}

Backdrop measure_backdrop(const ClipView& clip) {
  const PictureGeometry geometry(clip.width, clip.height);
  Backdrop backdrop;
  backdrop.ground_from = std::clamp(static_cast<int>(std::floor(geometry.horizon + 0.5)), 0, clip.height - 1);
  for (int y = 0; y < clip.height; ++y) backdrop.rows.push_back(row_median(clip, y));
  backdrop.sky = classify_sky(backdrop, geometry.horizon);
  backdrop.ground = classify_ground(backdrop);
  return backdrop;
}

double measure_camera_velocity(const ClipView& clip, const Backdrop& backdrop, const std::vector<ObjectMask>& masks) {
  const PictureGeometry geometry(clip.width, clip.height);
  Phasor turn;
  for (int y = backdrop.ground_from + 1; y < clip.height; ++y) {
    const double along = (y + 0.5 - geometry.stand) / (geometry.stand - geometry.horizon);
    const double period = kStripeMetres * geometry.scale * (1 + kStripeFan * along);
    const std::vector<Phasor> wave = stripe_wave(clip.width, period);
    Phasor last;
    for (int frame = 0; frame < clip.frames; ++frame) {
      const Phasor next = stripes_of(clip, frame, y, wave, masks[static_cast<std::size_t>(frame)]);
      turn.real += next.real * last.real + next.imaginary * last.imaginary;
      turn.imaginary += next.imaginary * last.real - next.real * last.imaginary;
      last = next;
    }
  }
  if (turn.real == 0 && turn.imaginary == 0) return 0;
  return std::atan2(turn.imaginary, turn.real) / (2 * std::numbers::pi) * kStripeMetres * clip.fps;
}

}  // namespace starling::generate
