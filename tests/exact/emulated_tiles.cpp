#include "emulated_tiles.h"

#include <gtest/gtest.h>

#include <cstring>

#include "exact/amx/tile_dot.h"

namespace starling::exact {
namespace {

using amx::TileConfiguration;

struct State {
  bool configured = false;
  TileConfiguration configuration;
  std::uint8_t tiles[8][TileConfiguration::kMostRows][TileConfiguration::kMostBytes];
};

thread_local State state;

int rows_of(int tile) { return state.configuration.rows[tile]; }
int bytes_of(int tile) { return state.configuration.row_bytes[tile]; }

void expect_usable(int tile) {
  ASSERT_TRUE(state.configured) << "tile " << tile << " is used without a configuration";
  ASSERT_TRUE(rows_of(tile) > 0 && bytes_of(tile) > 0) << "tile " << tile << " has no size";
}

struct EmulatedTiles {
  static void configure(const TileConfiguration& given) {
    ASSERT_EQ(reinterpret_cast<std::uintptr_t>(&given) % 64, 0U);
    ASSERT_EQ(given.palette, 1);
    ASSERT_EQ(given.start_row, 0);
    for (const std::uint8_t byte : given.reserved) ASSERT_EQ(byte, 0);
    for (int tile = 0; tile < 16; ++tile) {
      ASSERT_LE(given.rows[tile], tile < 8 ? TileConfiguration::kMostRows : 0);
      ASSERT_LE(given.row_bytes[tile], tile < 8 ? TileConfiguration::kMostBytes : 0);
      ASSERT_EQ(given.rows[tile] == 0, given.row_bytes[tile] == 0);
    }
    state = {};
    state.configured = true;
    state.configuration = given;
  }
  static void release() { state.configured = false; }

  template <int kTile>
  static void zero() {
    expect_usable(kTile);
    std::memset(state.tiles[kTile], 0, sizeof state.tiles[kTile]);
  }
  template <int kTile>
  static void load(const void* from, std::ptrdiff_t pitch) {
    zero<kTile>();
    for (int row = 0; row < rows_of(kTile); ++row) {
      std::memcpy(state.tiles[kTile][row], static_cast<const std::uint8_t*>(from) + row * pitch,
                  static_cast<std::size_t>(bytes_of(kTile)));
    }
  }
  template <int kTile>
  static void store(void* to, std::ptrdiff_t pitch) {
    expect_usable(kTile);
    for (int row = 0; row < rows_of(kTile); ++row) {
      std::memcpy(static_cast<std::uint8_t*>(to) + row * pitch, state.tiles[kTile][row],
                  static_cast<std::size_t>(bytes_of(kTile)));
    }
  }
  template <bool kUnsigned, int kSums, int kRows, int kColumns>
  static void multiply() {
    static_assert(kSums != kRows && kSums != kColumns && kRows != kColumns);
    for (const int tile : {kSums, kRows, kColumns}) expect_usable(tile);
    ASSERT_EQ(rows_of(kSums), rows_of(kRows));
    ASSERT_EQ(bytes_of(kSums), bytes_of(kColumns));
    ASSERT_EQ(bytes_of(kRows), 4 * rows_of(kColumns));
    ASSERT_TRUE(bytes_of(kRows) % 4 == 0 && bytes_of(kSums) % 4 == 0);
    for (int m = 0; m < rows_of(kSums); ++m) {
      for (int n = 0; n < bytes_of(kSums) / 4; ++n) {
        std::uint32_t sum;
        std::memcpy(&sum, &state.tiles[kSums][m][4 * n], sizeof sum);
        for (int k = 0; k < bytes_of(kRows); ++k) {
          const std::uint8_t a = state.tiles[kRows][m][k];
          const auto b = static_cast<std::int8_t>(state.tiles[kColumns][k / 4][4 * n + k % 4]);
          sum += static_cast<std::uint32_t>((kUnsigned ? a : static_cast<std::int8_t>(a)) * b);
        }
        std::memcpy(&state.tiles[kSums][m][4 * n], &sum, sizeof sum);
      }
    }
  }
};

// Sixteen words of four bytes.
struct PlainWords {
  static constexpr int kLanes = 16;
  static constexpr int kVectors = 2;
  static constexpr int kDepth = 4;
  static constexpr bool kWidens = false;
  static constexpr bool kOffsetsSigned = false;
  static constexpr bool kOffsetsUnsigned = false;
  struct I {
    std::int32_t lanes[kLanes];
  };

  template <bool kSigned>
  static I row_words(const std::uint8_t* from) {
    I words;
    std::memcpy(&words, from, sizeof words);
    return words;
  }
  template <bool kUnsigned>
  static I column_words(const std::uint8_t* from) {
    return row_words<true>(from);
  }
  static void transpose(I (&rows)[kLanes]) {
    for (int i = 0; i < kLanes; ++i) {
      for (int j = 0; j < i; ++j) std::swap(rows[i].lanes[j], rows[j].lanes[i]);
    }
  }
};

}  // namespace

const IntegerDotKernels& emulated_tile_products() {
  static const IntegerDotKernels kKernels = amx::TileDot<EmulatedTiles, PlainWords>::kernels("emulated tiles");
  return kKernels;
}

std::vector<const IntegerDotKernels*> every_integer_dot() {
  const auto found = available_integer_dots();
  std::vector<const IntegerDotKernels*> all(found.begin(), found.end());
  all.push_back(&emulated_tile_products());
  return all;
}

}  // namespace starling::exact
