#include "video/fit.h"

#include <algorithm>
#include <cmath>

namespace starling::video {

namespace {

// The source samples that make one output sample, and their weights, which sum to 1.
struct Taps {
  int first = 0;
  std::vector<double> weights;
};

// count output samples, `scale` source samples each, from the middle of `length` source samples.
std::vector<Taps> taps_of(int length, int count, double scale) {
  const double start = 0.5 * (length - count * scale);
  const double support = std::max(1.0, scale);
  std::vector<Taps> all;
  for (int i = 0; i < count; ++i) {
    const double middle = start + (i + 0.5) * scale;
    const double low = middle - 0.5 * support;
    const double high = middle + 0.5 * support;
    Taps taps;
    taps.first = std::clamp(static_cast<int>(std::floor(low)), 0, length - 1);
    double sum = 0;
    for (int at = taps.first; at < length && at < high; ++at) {
      const double weight = std::max(0.0, std::min(high, at + 1.0) - std::max(low, static_cast<double>(at)));
      taps.weights.push_back(weight);
      sum += weight;
    }
    for (double& weight : taps.weights) weight /= sum;
    all.push_back(std::move(taps));
  }
  return all;
}

}  // namespace

std::vector<std::uint8_t> cover(const FrameView& picture, int width, int height, Rate pixel_aspect) {
  const double aspect = pixel_aspect.per_second();
  const double down = std::min(picture.width * aspect / width, static_cast<double>(picture.height) / height);
  const std::vector<Taps> columns = taps_of(picture.width, width, down / aspect);
  const std::vector<Taps> rows = taps_of(picture.height, height, down);
  const std::size_t row_bytes = static_cast<std::size_t>(picture.width) * 3;
  std::vector<std::uint8_t> out;
  out.reserve(static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 3);
  std::vector<double> line(row_bytes);
  for (const Taps& row : rows) {
    std::fill(line.begin(), line.end(), 0.0);
    for (std::size_t i = 0; i < row.weights.size(); ++i) {
      const std::uint8_t* source = picture.rgb.data() + (static_cast<std::size_t>(row.first) + i) * row_bytes;
      for (std::size_t x = 0; x < row_bytes; ++x) line[x] += row.weights[i] * source[x];
    }
    for (const Taps& column : columns) {
      for (std::size_t c = 0; c < 3; ++c) {
        double sum = 0.5;
        for (std::size_t i = 0; i < column.weights.size(); ++i) {
          sum += column.weights[i] * line[(static_cast<std::size_t>(column.first) + i) * 3 + c];
        }
        out.push_back(static_cast<std::uint8_t>(std::min(sum, 255.0)));
      }
    }
  }
  return out;
}

}  // namespace starling::video
