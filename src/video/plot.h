#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "video/frames.h"

namespace starling::video {

struct PlotSeries {
  std::string name;  // in the legend, unless empty
  std::vector<std::pair<double, double>>
      points;  // (x, y), joined in this order; points that are not finite are left out
};

struct PlotOptions {
  int width = 720;
  int height = 440;
  std::string title = {};
  std::string x_label = {};
  std::string y_label = {};
  bool logarithmic_y = false;  // points with y ≤ 0 are left out
};

// Line plot on white with axes, grid, ticks at round numbers and a legend. A plot without any point shows empty axes.
// Error: a size below 160x120 or above kMaxSide.
base::Result<Picture> line_plot(std::span<const PlotSeries> series, const PlotOptions& options);

// Round numbers inside [low, high], about count of them: multiples of 1, 2 or 5 times a power of ten. Empty if the
// range is empty or not finite.
std::vector<double> round_ticks(double low, double high, int count);

}  // namespace starling::video
