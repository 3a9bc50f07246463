#include "train/clip_batch.h"

#include <array>

namespace starling::train {
namespace {

constexpr std::int64_t kChannels = 3;

std::array<float, 256> make_values() {
  std::array<float, 256> values{};
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i) / 127.5F - 1.0F;
  return values;
}

}  // namespace

float pixel_value(std::uint8_t pixel) {
  static const std::array<float, 256> values = make_values();
  return values[pixel];
}

void copy_crop(std::span<const std::uint8_t> clip, const ClipShape& shape, const Crop& crop, std::span<float> out) {
  std::size_t next = 0;
  for (std::int64_t frame = 0; frame < shape.frames; ++frame) {
    for (std::int64_t row = crop.row; row < crop.row + crop.rows; ++row) {
      const std::int64_t first = ((frame * shape.height + row) * shape.width + crop.column) * kChannels;
      for (std::int64_t i = 0; i < crop.columns * kChannels; ++i) {
        out[next++] = pixel_value(clip[static_cast<std::size_t>(first + i)]);
      }
    }
  }
}

}  // namespace starling::train
