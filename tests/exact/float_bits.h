#pragma once

#include <bit>
#include <cstdint>
#include <limits>

namespace starling::exact {

inline constexpr float kInfinity = std::numeric_limits<float>::infinity();

inline std::uint32_t bits(float a) { return std::bit_cast<std::uint32_t>(a); }

}  // namespace starling::exact
