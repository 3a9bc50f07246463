#include "video/block_loss.h"

#include <algorithm>
#include <cmath>

namespace starling::video {

namespace {

constexpr int kBlock = 8;
constexpr int kStride = 4;

// BT.709: the share of each primary in luma, and what scales blue and red differences to ±127.5.
constexpr float kRed = 0.2126f;
constexpr float kGreen = 0.7152f;
constexpr float kBlue = 0.0722f;
constexpr float kBlueScale = 2 * (1 - kBlue);
constexpr float kRedScale = 2 * (1 - kRed);

std::vector<int> places(int side, int block) {
  std::vector<int> starts;
  for (int at = 0; at + block <= side; at += kStride) starts.push_back(at);
  if (starts.back() != side - block) starts.push_back(side - block);
  return starts;
}

// Sums over all rectangles that start at the origin, with a row and a column of zeros in front.
class SummedArea {
 public:
  explicit SummedArea(int width, int height)
      : stride_(static_cast<std::size_t>(width) + 1), sums_(stride_ * (static_cast<std::size_t>(height) + 1)) {}

  void set(int x, int y, double value) {
    const std::size_t at = (static_cast<std::size_t>(y) + 1) * stride_ + x + 1;
    sums_[at] = value + sums_[at - 1] + sums_[at - stride_] - sums_[at - stride_ - 1];
  }
  double over(int left, int top, int width, int height) const {
    const std::size_t a = static_cast<std::size_t>(top) * stride_ + left;
    const std::size_t b = a + static_cast<std::size_t>(height) * stride_;
    return sums_[b + width] - sums_[b] - sums_[a + width] + sums_[a];
  }

 private:
  std::size_t stride_;
  std::vector<double> sums_;
};

}  // namespace

Planes planes_of(const FrameView& frame) {
  Planes planes{frame.width, frame.height, {}};
  const std::size_t size = planes.size();
  planes.values.resize(kChannels * size);
  for (std::size_t i = 0; i < size; ++i) {
    const float red = frame.rgb[3 * i];
    const float green = frame.rgb[3 * i + 1];
    const float blue = frame.rgb[3 * i + 2];
    const float luma = kRed * red + kGreen * green + kBlue * blue;
    planes.values[i] = luma;
    planes.values[size + i] = (blue - luma) / kBlueScale;
    planes.values[2 * size + i] = (red - luma) / kRedScale;
  }
  return planes;
}

BlockGrid::BlockGrid(int width, int height)
    : block_width_(std::min(kBlock, width)),
      block_height_(std::min(kBlock, height)),
      lefts_(places(width, block_width_)),
      tops_(places(height, block_height_)) {}

BlockLoss measure_loss(const Planes& shown, const Planes& computed, const BlockGrid& grid) {
  BlockLoss loss;
  const std::size_t size = computed.size();
  SummedArea shifts(computed.width, computed.height);
  SummedArea energies(computed.width, computed.height);
  const double pixels = grid.block_width() * grid.block_height();
  for (int c = 0; c < kChannels; ++c) {
    for (int y = 0; y < computed.height; ++y) {
      for (int x = 0; x < computed.width; ++x) {
        const std::size_t at = c * size + static_cast<std::size_t>(y) * computed.width + x;
        const double difference = static_cast<double>(shown.values[at]) - computed.values[at];
        shifts.set(x, y, difference);
        energies.set(x, y, difference * difference);
      }
    }
    loss.shift[c].resize(grid.count());
    loss.energy[c].resize(grid.count());
    for (std::size_t block = 0; block < grid.count(); ++block) {
      const int left = grid.left(block);
      const int top = grid.top(block);
      loss.shift[c][block] =
          static_cast<float>(shifts.over(left, top, grid.block_width(), grid.block_height()) / pixels);
      loss.energy[c][block] =
          static_cast<float>(energies.over(left, top, grid.block_width(), grid.block_height()) / pixels);
    }
    loss.frame_shift[c] = shifts.over(0, 0, computed.width, computed.height) / static_cast<double>(size);
    loss.total_energy += energies.over(0, 0, computed.width, computed.height);
  }
  return loss;
}

std::vector<float> largest_around(const std::vector<float>& values, const BlockGrid& grid) {
  std::vector<float> rows(values.size());
  std::vector<float> both(values.size());
  const auto at = [&](int x, int y) { return static_cast<std::size_t>(y) * grid.columns() + x; };
  for (int y = 0; y < grid.rows(); ++y) {
    for (int x = 0; x < grid.columns(); ++x) {
      float largest = 0;
      for (int i = std::max(x - 1, 0); i <= std::min(x + 1, grid.columns() - 1); ++i) {
        largest = std::max(largest, std::abs(values[at(i, y)]));
      }
      rows[at(x, y)] = largest;
    }
  }
  for (int y = 0; y < grid.rows(); ++y) {
    for (int x = 0; x < grid.columns(); ++x) {
      float largest = 0;
      for (int i = std::max(y - 1, 0); i <= std::min(y + 1, grid.rows() - 1); ++i) {
        largest = std::max(largest, rows[at(x, i)]);
      }
      both[at(x, y)] = largest;
    }
  }
  return both;
}

}  // namespace starling::video
