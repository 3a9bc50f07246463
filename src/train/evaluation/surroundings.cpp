#include "train/evaluation/surroundings.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace starling::train::evaluation {

namespace {

// A pixel of a shadow has at least so much of its light.
constexpr double kDarkestShadow = 0.56;
constexpr double kLightestGround = 1.06;
// What is darker than any shadow is the stranger for it.
constexpr double kDarker = 1.6;
// Further from the nearest of the world's, on the average, sky and ground have no name.
constexpr double kNamed = 45.0;
// A row's colour further from the paint than this is not the sky's but of things before it.
constexpr double kSameSky = 40.0;

double square(double value) { return value * value; }

double distance(const Paint& a, const Paint& b) {
  return std::sqrt(square(a[0] - b[0]) + square(a[1] - b[1]) + square(a[2] - b[2]));
}

Paint to_paint(const std::uint8_t* pixel) {
  return {static_cast<double>(pixel[0]), static_cast<double>(pixel[1]), static_cast<double>(pixel[2])};
}

const std::uint8_t* pixel_at(const ClipView& clip, int frame, int x, int y) {
  const auto width = static_cast<std::size_t>(clip.width);
  const auto height = static_cast<std::size_t>(clip.height);
  return clip.rgb.data() + ((static_cast<std::size_t>(frame) * height + static_cast<std::size_t>(y)) * width +
                            static_cast<std::size_t>(x)) *
                               3;
}

// The share of its light at which paint comes nearest to a pixel.
double light_of(const std::uint8_t* pixel, const Paint& paint) {
  const double norm = paint[0] * paint[0] + paint[1] * paint[1] + paint[2] * paint[2];
  return (pixel[0] * paint[0] + pixel[1] * paint[1] + pixel[2] * paint[2]) / norm;
}

double off_ray(const std::uint8_t* pixel, const Paint& paint, double light) {
  return distance(to_paint(pixel), {paint[0] * light, paint[1] * light, paint[2] * light});
}

// The median of each channel of a row over the clip.
Paint row_median(const ClipView& clip, int y) {
  std::array<std::array<std::uint32_t, 256>, 3> counts{};
  std::uint32_t total = 0;
  const int step = std::max(1, clip.frames / 64);
  for (int frame = 0; frame < clip.frames; frame += step) {
    const std::uint8_t* pixel = pixel_at(clip, frame, 0, y);
    for (int x = 0; x < clip.width; ++x, pixel += 3) {
      for (std::size_t c = 0; c < 3; ++c) ++counts[c][pixel[c]];
      ++total;
    }
  }
  Paint median{};
  for (std::size_t c = 0; c < 3; ++c) {
    std::uint32_t below = 0;
    std::size_t value = 0;
    while (value < 255 && 2 * (below + counts[c][value]) < total) below += counts[c][value++];
    median[c] = static_cast<double>(value);
  }
  return median;
}

Paint sky_paint(world::Sky sky, double row, double horizon) {
  const Paint top = world::sky_top_paint(sky);
  const Paint low = world::sky_low_paint(sky);
  const double at = clamp01((row + 0.5) / horizon);
  Paint paint{};
  for (std::size_t c = 0; c < 3; ++c) paint[c] = top[c] + (low[c] - top[c]) * at * at;
  return paint;
}

void read_sky(const std::vector<Paint>& rows, double horizon, Surroundings& found) {
  const auto count = static_cast<int>(horizon);
  double least = 1e18;
  for (std::size_t s = 0; s < world::kSkies; ++s) {
    const auto sky = static_cast<world::Sky>(s);
    double sum = 0;
    for (int y = 0; y < count; ++y) {
      sum += std::min(150.0, distance(rows[static_cast<std::size_t>(y)], sky_paint(sky, y, horizon)));
    }
    if (sum >= least) continue;
    least = sum;
    found.setting.sky = sky;
  }
  found.sky_known = least < kNamed * count;
  for (int y = 0; y <= count; ++y) {
    const Paint paint = sky_paint(found.setting.sky, y, horizon);
    const Paint& row = rows[static_cast<std::size_t>(std::min(y, count - 1))];
    found.sky_rows.push_back(y < count && distance(row, paint) < kSameSky ? row : paint);
  }
}

void read_ground(const std::vector<Paint>& rows, double horizon, Surroundings& found) {
  double least = 1e18;
  int count = 0;
  for (std::size_t g = 0; g < world::kGrounds; ++g) {
    world::Setting setting = found.setting;
    setting.ground = static_cast<world::Ground>(g);
    const Paint paint = world::ground_paint(setting);
    double sum = 0;
    count = 0;
    for (auto y = static_cast<std::size_t>(horizon) + 2; y < rows.size(); ++y, ++count) {
      const std::array<std::uint8_t, 3> pixel = {to_byte(rows[y][0]), to_byte(rows[y][1]), to_byte(rows[y][2])};
      // Between the pattern's dark and the paint itself.
      const double light =
          std::clamp(light_of(pixel.data(), paint), 0.9 * (1.0 - world::ground_depth(setting.ground)), 1.0);
      sum += std::min(150.0, off_ray(pixel.data(), paint, light));
    }
    if (sum >= least) continue;
    least = sum;
    found.setting.ground = setting.ground;
  }
  found.ground_known = least < kNamed * count;
}

// Fits the ground's pattern to frame after frame.
class CameraFit {
 public:
  CameraFit(const ClipView& clip, const Surroundings& found)
      : clip_(clip), found_(found), paint_(world::ground_paint(found.setting)) {
    period_ = kPeriod[static_cast<std::size_t>(found.setting.ground) % world::kGrounds];
    steps_ = static_cast<int>(std::floor(period_ * kStepsPerMetre + 0.5));
    const int from = static_cast<int>(world::Projection(found.shape, {}).horizon()) + 2;
    row_step_ = std::max(1, (clip.height - from) / 24);
    column_step_ = std::max(1, clip.width / 96);
    for (int y = from; y < clip.height; y += row_step_) rows_.push_back(y);
    tables_.resize(kZooms);
  }

  std::vector<CameraPose> poses(double& error) {
    std::vector<CameraPose> poses;
    Guess before;
    double velocity = 0.0;
    double sum = 0.0;
    for (int frame = 0; frame < clip_.frames; ++frame) {
      read_light(frame);
      Guess best;
      if (frame == 0) {
        best = first();
      } else {
        best = near(before, before.at + velocity);
        velocity = best.at - before.at;
      }
      sum += best.error;
      poses.push_back({best.at, 1.0 + best.zoom * kZoomStep});
      before = best;
    }
    error = std::sqrt(sum / std::max(1, clip_.frames));
    const double start = poses[0].x;
    for (CameraPose& pose : poses) pose.x -= start;
    smooth(poses);
    return poses;
  }

 private:
  struct Guess {
    double at = 0.0;    // of the pattern at the picture's middle, metres
    double zoom = 0.0;  // steps
    double error = 1e18;
  };
  static constexpr std::array<double, world::kGrounds> kPeriod = {4.0, 2.2, 3.2, 5.0, 4.6};
  static constexpr int kStepsPerMetre = 40;
  static constexpr int kZooms = 27;
  static constexpr double kZoomStep = 0.025;
  static constexpr double kMostError = 0.11;  // of the light; more is no ground's

  // The light that is expected of a row, by place in the period, at a zoom.
  const std::vector<float>& table(int zoom) {
    std::vector<float>& table = tables_[static_cast<std::size_t>(zoom)];
    if (!table.empty()) return table;
    const world::Projection projection(found_.shape, {0.0, 1.0 + zoom * kZoomStep});
    const world::Ground ground = found_.setting.ground;
    table.reserve(rows_.size() * static_cast<std::size_t>(steps_));
    for (const int y : rows_) {
      const double v = projection.world_y(y + 0.5);
      const double du = 1.0 / (projection.scale() * world::ground_magnification(v));
      const double dv = 1.0 / projection.scale();
      for (int i = 0; i < steps_; ++i) {
        const double u = period_ * i / steps_;
        const double dark = world::ground_darkness(ground, u, v, du, dv, world::Pebbles::kEvenly);
        table.push_back(static_cast<float>(world::ground_shade(v) * (1.0 - world::ground_depth(ground) * dark)));
      }
    }
    return table;
  }

  // The ground's light in a frame; −1 where there is something else.
  void read_light(int frame) {
    constexpr double kOther = 26.0;
    light_.clear();
    for (const int y : rows_) {
      for (int x = 0; x < clip_.width; x += column_step_) {
        const std::uint8_t* pixel = pixel_at(clip_, frame, x, y);
        const double light = light_of(pixel, paint_);
        const bool ground = light > 0.4 && light < 1.1 && off_ray(pixel, paint_, light) < kOther;
        light_.push_back(ground ? static_cast<float>(light) : -1.0F);
      }
    }
  }

  double error(int zoom, double at) {
    const std::vector<float>& expected = table(zoom);
    const world::Projection projection(found_.shape, {0.0, 1.0 + zoom * kZoomStep});
    double sum = 0;
    int count = 0;
    std::size_t pixel = 0;
    for (std::size_t r = 0; r < rows_.size(); ++r) {
      const double v = projection.world_y(rows_[r] + 0.5);
      const double du = 1.0 / (projection.scale() * world::ground_magnification(v));
      const float* row = expected.data() + r * static_cast<std::size_t>(steps_);
      const double per_pixel = column_step_ * du * kStepsPerMetre;
      double place = (at + (0.5 - 0.5 * clip_.width) * du) * kStepsPerMetre + 0.5;
      for (int x = 0; x < clip_.width; x += column_step_, ++pixel, place += per_pixel) {
        if (light_[pixel] < 0) continue;
        const double turns = std::floor(place / steps_);
        const auto index = std::min(steps_ - 1, static_cast<int>(place - turns * steps_));
        const double e = static_cast<double>(light_[pixel]) - static_cast<double>(row[index]);
        sum += std::min(kMostError * kMostError, e * e);
        ++count;
      }
    }
    return count == 0 ? kMostError * kMostError : sum / count;
  }

  Guess first() {
    Guess best;
    for (int zoom = 0; zoom < kZooms; ++zoom) {
      for (int i = 0; i < steps_; i += 2) try_guess(zoom, static_cast<double>(i) / kStepsPerMetre, 0.0, best);
    }
    return refined(best);
  }

  // Not further from where it is thought than a little less than half a period.
  Guess near(const Guess& before, double expected) {
    Guess best;
    const double reach = std::min(0.45 * period_, 1.0);
    const auto middle = static_cast<int>(std::floor(before.zoom + 0.5));
    for (int zoom = std::max(0, middle - 2); zoom <= std::min(kZooms - 1, middle + 2); ++zoom) {
      for (double at = expected - reach; at <= expected + reach; at += 2.0 / kStepsPerMetre) {
        // What cannot be told from what was before is as it was before.
        const double moved = 2e-4 * square(at - expected) + 2e-6 * square(zoom - before.zoom);
        try_guess(zoom, at, moved, best);
      }
    }
    return refined(best);
  }

  void try_guess(int zoom, double at, double penalty, Guess& best) {
    const double e = error(zoom, at) + penalty;
    if (e < best.error) best = {at, static_cast<double>(zoom), e};
  }

  // Between the places tried.
  Guess refined(Guess best) {
    const auto zoom = static_cast<int>(best.zoom);
    const double step = 1.0 / kStepsPerMetre;
    const auto vertex = [](double low, double middle, double high) {
      const double bend = low - 2 * middle + high;
      return bend > 1e-12 ? std::clamp(0.5 * (low - high) / bend, -1.0, 1.0) : 0.0;
    };
    const double middle = error(zoom, best.at);
    best.at += 2 * step * vertex(error(zoom, best.at - 2 * step), middle, error(zoom, best.at + 2 * step));
    if (zoom > 0 && zoom + 1 < kZooms) {
      best.zoom += vertex(error(zoom - 1, best.at), middle, error(zoom + 1, best.at));
    }
    best.error = middle;
    return best;
  }

  // Cameras move evenly: zooms are those of the line through them, and a camera that hardly moves stands still.
  static void smooth(std::vector<CameraPose>& poses) {
    const auto n = static_cast<double>(poses.size());
    double sum = 0;
    double slope = 0;
    double norm = 0;
    for (std::size_t i = 0; i < poses.size(); ++i) sum += poses[i].zoom;
    for (std::size_t i = 0; i < poses.size(); ++i) {
      const double t = static_cast<double>(i) - 0.5 * (n - 1);
      slope += t * poses[i].zoom;
      norm += t * t;
    }
    slope = norm > 0 ? slope / norm : 0.0;
    double middle = sum / n;
    constexpr double kLeastZoom = 0.12;
    if (std::fabs(slope) * (n - 1) < kLeastZoom) {
      slope = 0;
      if (middle < 1.08) middle = 1.0;
    }
    for (std::size_t i = 0; i < poses.size(); ++i) {
      poses[i].zoom = std::max(1.0, middle + slope * (static_cast<double>(i) - 0.5 * (n - 1)));
    }
    double most = 0;
    for (const CameraPose& pose : poses) most = std::max(most, std::fabs(pose.x));
    constexpr double kLeastPan = 0.4;  // metres
    if (most < kLeastPan) {
      for (CameraPose& pose : poses) pose.x = 0;
    }
  }

  const ClipView& clip_;
  const Surroundings& found_;
  Paint paint_;
  double period_ = 4.0;
  int steps_ = 0;
  int row_step_ = 1;
  int column_step_ = 1;
  std::vector<int> rows_;
  std::vector<std::vector<float>> tables_;
  std::vector<float> light_;
};

}  // namespace

double Surroundings::strangeness(const std::uint8_t* pixel, int y) const {
  const double horizon = world::Projection(shape, {}).horizon();
  double least = 1e18;
  if (y < horizon + 0.5) {
    const std::size_t row = std::min(static_cast<std::size_t>(y), sky_rows.size() - 1);
    least = distance(to_paint(pixel), sky_rows[row]);
  }
  if (y + 1.5 > horizon) {
    const Paint paint = world::ground_paint(setting);
    const double darkest = 0.9 * kDarkestShadow * (1.0 - world::ground_depth(setting.ground));
    const double light = light_of(pixel, paint);
    const double off = off_ray(pixel, paint, std::clamp(light, darkest, kLightestGround));
    least = std::min(least, light < darkest ? kDarker * off : off);
    if (y < horizon + 1) {  // the horizon runs through a row
      const Paint& far = sky_rows.back();
      for (const double part : {0.25, 0.5, 0.75}) {
        Paint mixed{};
        for (std::size_t c = 0; c < 3; ++c) mixed[c] = far[c] + (0.95 * paint[c] - far[c]) * part;
        least = std::min(least, distance(to_paint(pixel), mixed));
      }
    }
  }
  return least;
}

Surroundings read_surroundings(const ClipView& clip) {
  Surroundings found;
  found.shape = {clip.width, clip.height, clip.frames, clip.fps};
  const double horizon = world::Projection(found.shape, {}).horizon();
  std::vector<Paint> rows;
  for (int y = 0; y < clip.height; ++y) rows.push_back(row_median(clip, y));
  read_sky(rows, horizon, found);
  read_ground(rows, horizon, found);
  found.cameras = CameraFit(clip, found).poses(found.ground_error);
  return found;
}

}  // namespace starling::train::evaluation
