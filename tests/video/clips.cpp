#include "clips.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace starling::video {

namespace {

// SplitMix64.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t bits() {
    state_ += 0x9e3779b97f4a7c15u;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  double between(double low, double high) { return low + (high - low) * static_cast<double>(bits() >> 11) * 0x1p-53; }

 private:
  std::uint64_t state_;
};

using Tint = std::array<double, 3>;
constexpr std::array<Tint, 8> kColours{{{220, 30, 30},
                                        {30, 170, 50},
                                        {40, 70, 220},
                                        {240, 220, 40},
                                        {150, 50, 180},
                                        {245, 140, 30},
                                        {240, 240, 240},
                                        {30, 30, 30}}};

struct Shape {
  Tint colour;
  double x, y, across, down, radius;
  bool box;

  double coverage(double px, double py, double time) const {
    const double dx = std::abs(px - (x + across * time));
    const double dy = std::abs(py - (y + down * time));
    const double distance = box ? std::max(dx, dy) - radius : std::hypot(dx, dy) - radius;
    return std::clamp(0.5 - distance, 0.0, 1.0);
  }
};

}  // namespace

Frames make_clip(const ClipStyle& style) {
  Random random(static_cast<std::uint64_t>(style.seed) + 1);
  const double side = std::min(style.width, style.height);
  const std::size_t first = random.bits() % kColours.size();
  std::vector<Shape> shapes;
  for (int i = 0; i < style.shapes; ++i) {
    // Towards the other side, so that shapes stay in view and never rest.
    const double x = random.between(0.2, 0.8);
    const double y = random.between(0.2, 0.8);
    const double travel = side * 0.6 / style.count;
    const double across = travel * random.between(0.5, 1) * (x < 0.5 ? 1 : -1);
    const double down = travel * random.between(0.5, 1) * (y < 0.5 ? 1 : -1);
    shapes.push_back({kColours[(first + 3 * static_cast<std::size_t>(i)) % kColours.size()], style.width * x,
                      style.height * y, across, down, side * random.between(0.08, 0.2), i % 2 == 1});
  }
  Frames frames = *make_frames(style.width, style.height, style.count, {8, 1});
  const double horizon = style.height * 0.7;
  for (int t = 0; t < style.count; ++t) {
    auto pixels = frames.pixels(t);
    for (int y = 0; y < style.height; ++y) {
      for (int x = 0; x < style.width; ++x) {
        Tint colour{150.0 + 60.0 * y / horizon, 190, 230};
        const double ground = std::clamp(y - horizon + 0.5, 0.0, 1.0);
        const bool stripe = (x / 8) % 2 == 0;
        for (int c = 0; c < 3; ++c) {
          const double earth = std::array<double, 3>{90, 140, 70}[c] * (stripe ? 1.0 : 0.85);
          colour[c] += (earth - colour[c]) * ground;
          for (const Shape& shape : shapes) {
            colour[c] += (shape.colour[c] - colour[c]) * shape.coverage(x, y, t);
          }
          pixels[3 * (static_cast<std::size_t>(y) * style.width + x) + c] =
              static_cast<std::uint8_t>(std::lround(std::clamp(colour[c], 0.0, 255.0)));
        }
      }
    }
  }
  return frames;
}

Frames make_noise(int width, int height, int count) {
  Random random(7);
  Frames frames = *make_frames(width, height, count, {24, 1});
  for (std::uint8_t& value : frames.rgb) value = static_cast<std::uint8_t>(random.bits());
  return frames;
}

std::vector<base::Hash> frame_hashes(const Frames& frames) {
  std::vector<base::Hash> hashes;
  for (int index = 0; index < frames.count; ++index) hashes.push_back(frame_hash(frames.frame(index)));
  return hashes;
}

double psnr(const Frames& a, const Frames& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.rgb.size(); ++i) {
    const double difference = static_cast<double>(a.rgb[i]) - b.rgb[i];
    sum += difference * difference;
  }
  return sum == 0 ? 99 : 10 * std::log10(255.0 * 255.0 * static_cast<double>(a.rgb.size()) / sum);
}

}  // namespace starling::video
