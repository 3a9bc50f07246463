#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "generate/attributes.h"

namespace starling::train {

// Red, green and blue from 0 to 255 before they are rounded to bytes.
using Paint = std::array<double, 3>;

inline Paint to_paint(const generate::Rgb& rgb) {
  return {static_cast<double>(rgb[0]), static_cast<double>(rgb[1]), static_cast<double>(rgb[2])};
}

inline double clamp01(double value) { return std::min(1.0, std::max(0.0, value)); }

// To the nearest, halves up.
inline std::uint8_t to_byte(double value) {
  const double lifted = std::min(255.0, std::max(0.0, value)) + 0.5;
  return static_cast<std::uint8_t>(lifted);
}

}  // namespace starling::train
