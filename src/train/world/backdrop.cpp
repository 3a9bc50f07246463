#include "train/world/backdrop.h"

#include <array>
#include <cmath>

#include "train/world/random.h"

namespace starling::train::world {

namespace {

constexpr std::array<Paint, kGrounds> kGroundPaint = {
    {{112, 168, 92}, {214, 192, 140}, {148, 148, 152}, {176, 208, 228}, {198, 162, 116}}};
constexpr std::array<Paint, kSkies> kSkyTop = {{{84, 148, 220}, {150, 156, 166}, {12, 16, 44}}};
constexpr std::array<Paint, kSkies> kSkyLow = {{{186, 216, 240}, {202, 206, 210}, {44, 50, 92}}};
constexpr double kNightShade = 0.55;
// Rows nearer to the viewer show the ground larger: by 1 + kFan · (metres below where things stand / metres from there
// up to the horizon).
constexpr double kFan = 0.3;
constexpr double kRise = kHorizonMetres - kStandMetres;

double fraction(double value) { return value - std::floor(value); }

// How far into a line of half-width `half` around multiples of `period` a point lies, smoothed over a pixel.
double line(double at, double period, double half, double pixel) {
  const double away = std::fabs(fraction(at / period + 0.5) - 0.5) * period;
  return clamp01((half - away) / pixel + 0.5);
}

// How much of its light the darkest part of the pattern loses.
constexpr std::array<double, kGrounds> kDepth = {0.16, 0.2, 0.24, 0.16, 0.3};

}  // namespace

Paint ground_paint(const Setting& setting) {
  Paint paint = kGroundPaint[static_cast<std::size_t>(setting.ground) % kGrounds];
  if (setting.sky == Sky::kNight) {
    for (double& channel : paint) channel *= kNightShade;
  }
  return paint;
}

Paint sky_top_paint(Sky sky) { return kSkyTop[static_cast<std::size_t>(sky) % kSkies]; }
Paint sky_low_paint(Sky sky) { return kSkyLow[static_cast<std::size_t>(sky) % kSkies]; }

double ground_darkness(Ground ground, double u, double v, double du, double dv, Pebbles pebbles) {
  switch (ground) {
    case Ground::kGrass:  // mown in stripes
      return line(u, 4.0, 1.0, du);
    case Ground::kSand: {  // pebbles
      const double row = std::floor(v / 1.1);
      const double x = u + 0.9 * row;
      const double cell = std::floor(x / 2.2);
      const std::uint64_t key = derive(static_cast<std::uint64_t>(static_cast<std::int64_t>(cell) + 100000),
                                       static_cast<std::uint64_t>(static_cast<std::int64_t>(row) + 1000));
      const double jitter =
          pebbles == Pebbles::kAsDrawn ? 0.8 * (static_cast<double>(key >> 40U) * 0x1p-24 - 0.5) : 0.0;
      const double dx = x - (cell + 0.5) * 2.2 - jitter;
      const double dy = (v - (row + 0.5) * 1.1) * 1.6;
      return clamp01((0.42 - std::sqrt(dx * dx + dy * dy)) / du + 0.5);
    }
    case Ground::kStone: {  // tiles
      const double row = std::floor(v / 1.7);
      return std::max(line(v, 1.7, 0.12, dv), line(u + 1.6 * row, 3.2, 0.14, du));
    }
    case Ground::kIce:  // slanting streaks
      return 0.7 * line(u + 1.2 * v, 5.0, 0.7, du) + 0.3 * line(u + 1.2 * v + 1.9, 5.0, 0.25, du);
    case Ground::kWood: {  // planks
      const double row = std::floor(v / 1.2);
      return std::max(line(v, 1.2, 0.08, dv), line(u + 2.3 * row, 4.6, 0.1, du));
    }
  }
  return 0;
}

double ground_depth(Ground ground) { return kDepth[static_cast<std::size_t>(ground) % kGrounds]; }
double ground_magnification(double v) { return 1.0 - kFan * v / kRise; }
double ground_shade(double v) { return 0.9 + 0.1 * clamp01((kRise - v) / kHorizonMetres); }

Backdrop::Backdrop(const Setting& setting, const ClipShape& shape) : setting_(setting), shape_(shape) {
  const double horizon = Projection(shape, {}).horizon();
  const double metre = Projection(shape, {}).scale();
  const Paint top = sky_top_paint(setting.sky);
  const Paint low = sky_low_paint(setting.sky);
  const auto rows = static_cast<int>(std::ceil(horizon));
  sky_.resize(static_cast<std::size_t>(rows) * static_cast<std::size_t>(shape.width) * 3);
  // Stars or clouds, which are too far away to move with the camera.
  struct Puff {
    double x, y, wide, high, light;
  };
  std::vector<Puff> puffs;
  Random random(derive(7, static_cast<std::uint64_t>(setting.ground_offset * 1000)));
  const double across = shape.width / metre;
  const double up = horizon / metre;
  const int count =
      setting.sky == Sky::kDay ? 0 : static_cast<int>(across * up * (setting.sky == Sky::kNight ? 0.09 : 0.03));
  for (int i = 0; i < count; ++i) {
    Puff puff{};
    puff.x = random.unit() * shape.width;
    puff.y = random.unit() * 0.85 * horizon;
    const double size = random.between(0.7, 1.3);
    puff.wide = setting.sky == Sky::kNight ? 0.16 * metre : 2.4 * size * metre;
    puff.high = setting.sky == Sky::kNight ? 0.16 * metre : 0.8 * size * metre;
    puff.light = setting.sky == Sky::kNight ? 90 * size : 16;
    puffs.push_back(puff);
  }
  std::uint8_t* pixel = sky_.data();
  for (int y = 0; y < rows; ++y) {
    const double at = clamp01((y + 0.5) / horizon);
    for (int x = 0; x < shape.width; ++x, pixel += 3) {
      double light = 0;
      for (const Puff& puff : puffs) {
        const double dx = (x + 0.5 - puff.x) / puff.wide;
        const double dy = (y + 0.5 - puff.y) / puff.high;
        const double away = dx * dx + dy * dy;
        if (away < 4) light = std::max(light, puff.light * clamp01(1.0 - 0.25 * away) * clamp01(1.0 - 0.25 * away));
      }
      for (std::size_t c = 0; c < 3; ++c) pixel[c] = to_byte(top[c] + (low[c] - top[c]) * at * at + light);
    }
  }
}

void Backdrop::draw(const CameraPose& camera, std::uint8_t* out) const {
  std::copy(sky_.begin(), sky_.end(), out);
  draw_ground(Projection(shape_, camera), camera.x, out);
}

void Backdrop::draw_ground(const Projection& projection, double camera_x, std::uint8_t* out) const {
  const Paint paint = ground_paint(setting_);
  const Paint far = sky_low_paint(setting_.sky);
  const double depth = ground_depth(setting_.ground);
  for (int y = static_cast<int>(std::floor(projection.horizon())); y < shape_.height; ++y) {
    const double below = clamp01(y + 1.0 - projection.horizon());
    const double v = projection.world_y(y + 0.5);
    const double magnify = ground_magnification(v);
    const double du = 1.0 / (projection.scale() * magnify);
    const double dv = 1.0 / projection.scale();
    const double shade = ground_shade(v);
    std::uint8_t* pixel = out + static_cast<std::size_t>(y) * static_cast<std::size_t>(shape_.width) * 3;
    for (int x = 0; x < shape_.width; ++x, pixel += 3) {
      const double u = camera_x + setting_.ground_offset + (x + 0.5 - 0.5 * shape_.width) * du;
      const double light = shade * (1.0 - depth * ground_darkness(setting_.ground, u, v, du, dv));
      for (std::size_t c = 0; c < 3; ++c) pixel[c] = to_byte(far[c] + (paint[c] * light - far[c]) * below);
    }
  }
}

}  // namespace starling::train::world
