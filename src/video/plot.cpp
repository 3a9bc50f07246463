#include "video/plot.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <limits>

#include "video/picture.h"

namespace starling::video {

using base::Result;

namespace {

constexpr Colour kPlotPaper{255, 255, 255};
constexpr Colour kPlotInk{40, 40, 40};
constexpr Colour kGrid{225, 225, 225};
// Told apart by colour-blind readers as well.
constexpr std::array<Colour, 7> kLines = {
    {{0, 114, 178}, {213, 94, 0}, {0, 158, 115}, {204, 121, 167}, {86, 180, 233}, {150, 110, 0}, {90, 90, 90}}};
constexpr int kTick = 4;

// One direction of the plot: values [low, high] onto pixels [from, to]; logarithmic values are already logarithms.
struct Axis {
  double low = 0;
  double high = 1;
  double from = 0;
  double to = 1;

  double place(double value) const { return from + (value - low) / (high - low) * (to - from); }
};

struct Tick {
  double value;
  std::string label;
};

std::string label_of(double value) {
  std::array<char, 32> text{};
  const double size = std::abs(value);
  if (size >= 1e6 && size < 1e9 && std::fmod(value, 1e5) == 0) {
    std::snprintf(text.data(), text.size(), "%gM", value / 1e6);
  } else if (size >= 1e4 && size < 1e6 && std::fmod(value, 100) == 0) {
    std::snprintf(text.data(), text.size(), "%gk", value / 1e3);
  } else {
    std::snprintf(text.data(), text.size(), "%.4g", std::abs(value) < 1e-300 ? 0.0 : value);
  }
  return text.data();
}

std::vector<Tick> linear_ticks(const Axis& axis, int count) {
  std::vector<Tick> ticks;
  for (const double value : round_ticks(axis.low, axis.high, count)) ticks.push_back({value, label_of(value)});
  return ticks;
}

// Over a decade or more 1, 2, 5 of each (or 1 only); otherwise round numbers, placed at their logarithms.
std::vector<Tick> logarithmic_ticks(const Axis& axis, int count) {
  std::vector<Tick> ticks;
  const double decades = axis.high - axis.low;
  if (decades < 0.8) {
    for (const double value : round_ticks(std::pow(10, axis.low), std::pow(10, axis.high), count)) {
      if (value > 0) ticks.push_back({std::log10(value), label_of(value)});
    }
    return ticks;
  }
  const int step = std::max(1, static_cast<int>(std::ceil(decades / 12)));
  const std::vector<double> within = decades > 4 ? std::vector<double>{1} : std::vector<double>{1, 2, 5};
  for (int power = static_cast<int>(std::floor(axis.low)); power <= axis.high; power += step) {
    for (const double digit : within) {
      const double value = power + std::log10(digit);
      if (value >= axis.low - 1e-9 && value <= axis.high + 1e-9) {
        ticks.push_back({value, label_of(digit * std::pow(10, power))});
      }
    }
  }
  return ticks;
}

void blend(Picture& picture, int x, int y, Colour colour, double share) {
  if (x < 0 || y < 0 || x >= picture.width || y >= picture.height || share <= 0) return;
  std::uint8_t* pixel = &picture.rgb[3 * (static_cast<std::size_t>(y) * picture.width + x)];
  const std::array<std::uint8_t, 3> ink{colour.red, colour.green, colour.blue};
  for (int c = 0; c < 3; ++c) {
    pixel[c] = static_cast<std::uint8_t>(std::lround(pixel[c] + (ink[c] - pixel[c]) * std::min(share, 1.0)));
  }
}

// Distance from a point to a segment.
double distance(double x, double y, double x0, double y0, double x1, double y1) {
  const double dx = x1 - x0;
  const double dy = y1 - y0;
  const double length = dx * dx + dy * dy;
  const double along = length > 0 ? std::clamp(((x - x0) * dx + (y - y0) * dy) / length, 0.0, 1.0) : 0;
  return std::hypot(x - x0 - along * dx, y - y0 - along * dy);
}

// A smooth line 1.6 pixels wide through the points, clipped to the rectangle of the axes. The coverage of the whole
// line is gathered first, so that joints are not darker.
class LinePainter {
 public:
  LinePainter(Picture& picture, const Axis& across, const Axis& down)
      : picture_(picture),
        left_(static_cast<int>(across.from)),
        top_(static_cast<int>(down.to)),
        width_(static_cast<int>(across.to) - left_ + 1),
        height_(static_cast<int>(down.from) - top_ + 1) {}

  void paint(const std::vector<std::pair<double, double>>& places, Colour colour) {
    coverage_.assign(static_cast<std::size_t>(width_) * height_, 0.0f);
    for (std::size_t i = 0; i < places.size(); ++i) add_segment(places[i > 0 ? i - 1 : 0], places[i]);
    for (int y = 0; y < height_; ++y) {
      for (int x = 0; x < width_; ++x) {
        blend(picture_, left_ + x, top_ + y, colour, coverage_[static_cast<std::size_t>(y) * width_ + x]);
      }
    }
  }

 private:
  void add_segment(std::pair<double, double> a, std::pair<double, double> b) {
    const int left = std::max(left_, static_cast<int>(std::min(a.first, b.first)) - 2);
    const int right = std::min(left_ + width_ - 1, static_cast<int>(std::max(a.first, b.first)) + 2);
    for (int x = left; x <= right; ++x) {
      // The part of the segment near this column bounds the rows to look at.
      const double span = b.first - a.first;
      double from = 0;
      double to = 1;
      if (std::abs(span) > 1e-9) {
        from = std::clamp((x - 2 - a.first) / span, 0.0, 1.0);
        to = std::clamp((x + 2 - a.first) / span, 0.0, 1.0);
      }
      const double y0 = a.second + (b.second - a.second) * from;
      const double y1 = a.second + (b.second - a.second) * to;
      const int top = std::max(top_, static_cast<int>(std::min(y0, y1)) - 2);
      const int bottom = std::min(top_ + height_ - 1, static_cast<int>(std::max(y0, y1)) + 2);
      for (int y = top; y <= bottom; ++y) {
        const double share = 1.3 - distance(x, y, a.first, a.second, b.first, b.second);
        float& kept = coverage_[static_cast<std::size_t>(y - top_) * width_ + (x - left_)];
        kept = std::max(kept, static_cast<float>(std::clamp(share, 0.0, 1.0)));
      }
    }
  }

  Picture& picture_;
  int left_;
  int top_;
  int width_;
  int height_;
  std::vector<float> coverage_;
};

using Points = std::vector<std::pair<double, double>>;

// What can be drawn of a series, y already in the units of its axis.
Points usable_points(const PlotSeries& series, bool logarithmic) {
  Points usable;
  for (auto [x, y] : series.points) {
    if (logarithmic) y = y > 0 ? std::log10(y) : std::numeric_limits<double>::quiet_NaN();
    // Beyond 1e300 differences of two values would overflow.
    if (std::abs(x) < 1e300 && std::abs(y) < 1e300) usable.emplace_back(x, y);
  }
  return usable;
}

void set_range(Axis& axis, double low, double high, double margin) {
  if (low > high) {
    low = 0;
    high = 1;
  }
  const double room = high > low ? (high - low) * margin : 0.5 * std::max(std::abs(high), 1.0);
  axis.low = low - room;
  axis.high = high + room;
}

void draw_axes(Picture& picture, const Axis& across, const Axis& down, const PlotOptions& options) {
  const auto left = static_cast<int>(across.from);
  const auto right = static_cast<int>(across.to);
  const auto top = static_cast<int>(down.to);
  const auto bottom = static_cast<int>(down.from);
  int widest = 0;
  for (const Tick& tick : options.logarithmic_y ? logarithmic_ticks(down, 6) : linear_ticks(down, 6)) {
    const auto y = static_cast<int>(std::lround(down.place(tick.value)));
    fill(picture, left, y, right - left, 1, kGrid);
    fill(picture, left - kTick, y, kTick, 1, kPlotInk);
    const int width = text_width(tick.label, 1);
    widest = std::max(widest, width);
    draw_text(picture, left - kTick - 2 - width, y - 3, tick.label, kPlotInk);
  }
  const int most = std::max(2, (right - left) / 80);
  for (const Tick& tick : linear_ticks(across, most)) {
    const auto x = static_cast<int>(std::lround(across.place(tick.value)));
    fill(picture, x, top, 1, bottom - top, kGrid);
    fill(picture, x, bottom, 1, kTick, kPlotInk);
    draw_text(picture, x - text_width(tick.label, 1) / 2, bottom + kTick + 3, tick.label, kPlotInk);
  }
  fill(picture, left, top, 1, bottom - top + 1, kPlotInk);
  fill(picture, left, bottom, right - left + 1, 1, kPlotInk);
  draw_text(picture, (left + right - text_width(options.title, 2)) / 2, 6, options.title, kPlotInk, 2);
  draw_text(picture, (left + right - text_width(options.x_label, 1)) / 2, picture.height - kLetterHeight - 4,
            options.x_label, kPlotInk);
  draw_text_upwards(picture, 4, (top + bottom + text_width(options.y_label, 1)) / 2, options.y_label, kPlotInk);
}

void draw_legend(Picture& picture, std::span<const PlotSeries> series, const Axis& across, const Axis& down) {
  int width = 0;
  int rows = 0;
  for (const PlotSeries& one : series) {
    if (one.name.empty()) continue;
    width = std::max(width, text_width(one.name, 1) + 24);
    ++rows;
  }
  if (rows == 0) return;
  const int row_height = kLetterHeight + 4;
  const int left = static_cast<int>(across.to) - width - 6;
  int y = static_cast<int>(down.to) + 6;
  fill(picture, left - 5, y - 5, width + 8, rows * row_height + 6, kGrid);
  fill(picture, left - 4, y - 4, width + 6, rows * row_height + 4, kPlotPaper);
  for (std::size_t i = 0; i < series.size(); ++i) {
    if (series[i].name.empty()) continue;
    fill(picture, left, y + 3, 16, 2, kLines[i % kLines.size()]);
    draw_text(picture, left + 21, y, series[i].name, kPlotInk);
    y += row_height;
  }
}

}  // namespace

std::vector<double> round_ticks(double low, double high, int count) {
  std::vector<double> ticks;
  if (!(high > low) || !std::isfinite(high - low) || count < 1) return ticks;
  const double rough = (high - low) / count;
  const double power = std::pow(10, std::floor(std::log10(rough)));
  if (!(power > 0)) return ticks;
  double step = 10 * power;
  for (const double digit : {1.0, 2.0, 5.0}) {
    if (digit * power >= rough * 0.999) {
      step = digit * power;
      break;
    }
  }
  const double first = std::ceil(low / step - 1e-9);
  // Far from zero a step can be lost in rounding; then there are no ticks that differ.
  for (int i = 0; i < 4 * count + 4; ++i) {
    const double value = (first + i) * step;
    if (value > high + 1e-9 * step) break;
    if (ticks.empty() || value > ticks.back()) ticks.push_back(value);
  }
  return ticks;
}

Result<Picture> line_plot(std::span<const PlotSeries> series, const PlotOptions& options) {
  if (options.width < 160 || options.height < 120) {
    return base::invalid("a plot must have at least 160x120 pixels");
  }
  STARLING_ASSIGN(Picture picture, make_picture(options.width, options.height, kPlotPaper));
  std::vector<Points> lines;
  const double infinity = std::numeric_limits<double>::infinity();
  double low_x = infinity;
  double high_x = -infinity;
  double low_y = infinity;
  double high_y = -infinity;
  for (const PlotSeries& one : series) {
    lines.push_back(usable_points(one, options.logarithmic_y));
    for (const auto& [x, y] : lines.back()) {
      low_x = std::min(low_x, x);
      high_x = std::max(high_x, x);
      low_y = std::min(low_y, y);
      high_y = std::max(high_y, y);
    }
  }
  Axis across{0, 1, 74, options.width - 20.0};
  Axis down{0, 1, options.height - 40.0, options.title.empty() ? 14.0 : 32.0};
  set_range(across, low_x, high_x, 0);
  set_range(down, low_y, high_y, 0.04);
  draw_axes(picture, across, down, options);
  LinePainter painter(picture, across, down);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    for (auto& [x, y] : lines[i]) {
      x = across.place(x);
      y = down.place(y);
    }
    painter.paint(lines[i], kLines[i % kLines.size()]);
  }
  draw_legend(picture, series, across, down);
  return picture;
}

}  // namespace starling::video
