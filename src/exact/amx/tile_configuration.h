#pragma once

#include <cstdint>

namespace starling::exact::amx {

// What LDTILECFG reads: palette 1 has 8 tiles of at most 16 rows of 64 bytes.
struct alignas(64) TileConfiguration {
  static constexpr int kMostRows = 16;
  static constexpr int kMostBytes = 64;
  std::uint8_t palette = 1;
  std::uint8_t start_row = 0;
  std::uint8_t reserved[14] = {};
  std::uint16_t row_bytes[16] = {};
  std::uint8_t rows[16] = {};
};
static_assert(sizeof(TileConfiguration) == 64);

}  // namespace starling::exact::amx
