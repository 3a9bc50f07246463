#pragma once

#include <cstdint>
#include <span>

#include "train/clip_shape.h"

namespace starling::train {

// Pixels as a graph takes them: v / 127.5 − 1 in f32.
float pixel_value(std::uint8_t pixel);

// Where a crop of a clip lies.
struct Crop {
  std::int64_t row = 0;
  std::int64_t column = 0;
  std::int64_t rows = 0;
  std::int64_t columns = 0;
};

// Writes the crop of clip[frames, height, width, 3] into out[frames, rows, columns, 3].
void copy_crop(std::span<const std::uint8_t> clip, const ClipShape& shape, const Crop& crop, std::span<float> out);

// How much goes on in a crop: the sum of |differences| between pixels and their right neighbours and those of the next
// frame.
std::uint64_t crop_activity(std::span<const std::uint8_t> clip, const ClipShape& shape, const Crop& crop);

}  // namespace starling::train
