#pragma once

#include <cstdint>

namespace starling::exact {

// The longest sums that fit an i32 whatever their numbers are: of products (of -128 · -128, or 255 · -128), and of
// numbers alone.
inline constexpr std::int64_t kMostI8Depth = 131'071;
inline constexpr std::int64_t kMostU8Depth = 65'793;
inline constexpr std::int64_t kMostI8Summed = 16'777'215;
inline constexpr std::int64_t kMostU8Summed = 8'421'504;

}  // namespace starling::exact
