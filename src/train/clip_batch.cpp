#include "train/clip_batch.h"

#include <array>
#include <numeric>

#include "video/frames.h"

namespace starling::train {
namespace {

constexpr std::int64_t kChannels = 3;

std::array<float, 256> make_values() {
  std::array<std::uint8_t, 256> pixels{};
  std::iota(pixels.begin(), pixels.end(), std::uint8_t{0});
  std::array<float, 256> values{};
  video::values_from_pixels(pixels, values);
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

std::uint64_t crop_activity(std::span<const std::uint8_t> clip, const ClipShape& shape, const Crop& crop) {
  const auto row_values = static_cast<std::size_t>(crop.columns * kChannels);
  const auto frame_values = static_cast<std::size_t>(shape.height * shape.width * kChannels);
  const auto distance = [](std::uint8_t a, std::uint8_t b) {
    return static_cast<std::uint64_t>(a > b ? a - b : b - a);
  };
  std::uint64_t sum = 0;
  for (std::int64_t frame = 0; frame < shape.frames; ++frame) {
    for (std::int64_t row = crop.row; row < crop.row + crop.rows; ++row) {
      const std::size_t first =
          static_cast<std::size_t>(((frame * shape.height + row) * shape.width + crop.column) * kChannels);
      for (std::size_t i = 0; i < row_values; ++i) {
        const std::uint8_t value = clip[first + i];
        if (i + kChannels < row_values) sum += distance(value, clip[first + i + kChannels]);
        if (frame + 1 < shape.frames) sum += distance(value, clip[first + i + frame_values]);
      }
    }
  }
  return sum;
}

}  // namespace starling::train
