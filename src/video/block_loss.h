#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "video/frames.h"

namespace starling::video {

inline constexpr int kChannels = 3;

// A frame as luma and two colour differences (BT.709, 0..255 and ±127.5), one plane after the other.
struct Planes {
  int width = 0;
  int height = 0;
  std::vector<float> values;

  std::size_t size() const { return static_cast<std::size_t>(width) * height; }
};
Planes planes_of(const FrameView& frame);

// Where the blocks of a frame lie: 8×8 pixels (less in smaller frames), every 4 pixels and along the right and lower
// edge.
class BlockGrid {
 public:
  BlockGrid(int width, int height);

  std::size_t count() const { return lefts_.size() * tops_.size(); }
  int columns() const { return static_cast<int>(lefts_.size()); }
  int rows() const { return static_cast<int>(tops_.size()); }
  int left(std::size_t block) const { return lefts_[block % lefts_.size()]; }
  int top(std::size_t block) const { return tops_[block / lefts_.size()]; }
  int block_width() const { return block_width_; }
  int block_height() const { return block_height_; }

 private:
  int block_width_;
  int block_height_;
  std::vector<int> lefts_;
  std::vector<int> tops_;
};

// What a frame lost against another, channel by channel.
struct BlockLoss {
  std::array<std::vector<float>, kChannels> shift;   // of each block: mean difference
  std::array<std::vector<float>, kChannels> energy;  // of each block: mean squared difference
  std::array<double, kChannels> frame_shift{};       // mean difference of the whole frame
  double total_energy = 0;                           // sum of squared differences over pixels and channels
};
BlockLoss measure_loss(const Planes& shown, const Planes& computed, const BlockGrid& grid);

// For each block the largest of absolute values in its 3×3 neighbourhood.
std::vector<float> largest_around(const std::vector<float>& values, const BlockGrid& grid);

}  // namespace starling::video
