#pragma once

#include <cstddef>
#include <cstdint>

#include "exact/cuda/dot.h"

// Products of integers on tensor cores: exact, so the order does not matter.

namespace starling::exact::cuda {

// mma.sync.m16n8k32 multiplies 16 × 32 bytes with 8 × 32 bytes, rows with rows, a warp for each product. Lane l of a
// warp, in group g = l / 4 at place p = l % 4, holds (PTX ISA, "Matrix fragments for mma.m16n8k32"):
//   a: words {row g, row g + 8} of bytes 4p.. and then of bytes 16 + 4p..
//   b: row g, bytes 4p.. and 16 + 4p..
//   sums: rows g and g + 8, columns 2p and 2p + 1
struct IntegerDot {
  IntegerOperand a;
  IntegerOperand b;
  bool a_is_unsigned;
  std::int32_t* out;
  DotTiles tiles;
  std::int64_t count;  // of tiles

  static constexpr int kThreads = 128;  // four warps, each with 32 × 32 of the tile
  static constexpr int kTile = DotTiles::kTile;
  static constexpr int kWords = 16;        // of a row in shared memory: 64 bytes
  static constexpr int kFetched = 8;       // rows that a thread fetches
  static constexpr int kPadding = 4;       // so that a warp's groups meet different banks
  static constexpr int kRowBlocks = 2;     // of 16 rows
  static constexpr int kColumnBlocks = 4;  // of 8 columns
  struct Shared {
    std::uint32_t a[kTile][kWords + kPadding];
    std::uint32_t b[kTile][kWords + kPadding];
  };
  struct Registers {
    std::int32_t sums[kRowBlocks][kColumnBlocks][4];
    std::uint32_t a[kRowBlocks][4];
    std::uint32_t b[kColumnBlocks][2];
  };

  template <class Block>
  STARLING_BOTH void operator()(const Block& block, Shared& shared, std::int64_t tile) const {
    typename Block::template PerThread<Registers> registers;
    block.each([&](int thread) {
      for (auto& rows : registers(thread).sums) {
        for (auto& sums : rows) {
          for (std::int32_t& sum : sums) sum = 0;
        }
      }
    });
    for (std::int64_t first = 0; first < tiles.k; first += kWords * 4) {
      block.each([&](int thread) { fetch(shared, tile, first, thread); });
      block.meet();
      for (int half = 0; half < 2; ++half) {
        block.each([&](int thread) { take(shared, registers(thread), thread, half * 8); });
        for (int i = 0; i < kRowBlocks; ++i) {
          for (int j = 0; j < kColumnBlocks; ++j) block.multiply(registers, i, j, a_is_unsigned);
        }
      }
      block.meet();
    }
    block.each([&](int thread) {
      const Registers& own = registers(thread);
      const std::int64_t row = tiles.row(tile) + first_row(thread) + thread % 32 / 4;
      const std::int64_t column = tiles.column(tile) + first_column(thread) + thread % 4 * 2;
      for (int i = 0; i < kRowBlocks; ++i) {
        for (int j = 0; j < kColumnBlocks; ++j) {
          for (int n = 0; n < 4; ++n) {
            const std::int64_t r = row + i * 16 + n / 2 * 8;
            const std::int64_t c = column + j * 8 + n % 2;
            if (r < tiles.rows && c < tiles.n) out[tiles.place(tile, r, c)] = own.sums[i][j][n];
          }
        }
      }
    });
  }

 private:
  STARLING_BOTH static int first_row(int thread) { return thread / 32 / 2 * 32; }
  STARLING_BOTH static int first_column(int thread) { return thread / 32 % 2 * 32; }

  // Bytes beyond an edge are zeros.
  STARLING_BOTH void fetch(Shared& shared, std::int64_t tile, std::int64_t first, int thread) const {
    const int word = thread % kWords;
    const std::int64_t depth = first + word * 4;
    for (int i = 0; i < kFetched; ++i) {
      const int line = thread / kWords + i * (kThreads / kWords);
      const std::int64_t row = tiles.row(tile) + line;
      const std::int64_t column = tiles.column(tile) + line;
      shared.a[line][word] = row < tiles.rows ? word_of(a, tiles.batch(tile), tiles.first_row + row, depth) : 0U;
      shared.b[line][word] = column < tiles.n ? word_of(b, tiles.batch(tile), column, depth) : 0U;
    }
  }

  // Four numbers of a row, the first in the lowest byte.
  STARLING_BOTH std::uint32_t word_of(const IntegerOperand& operand, std::int64_t batch, std::int64_t row,
                                      std::int64_t depth) const {
    if (depth >= tiles.k) return 0;
    const std::uint8_t* const from = operand.data + offset_of(operand.batch, batch) + offset_of(operand.rows, row);
    const bool is_run = operand.depth.factors == 1 && operand.depth.stride[0] == 1 && depth + 4 <= tiles.k;
    if (is_run && (reinterpret_cast<std::uintptr_t>(from) + static_cast<std::uintptr_t>(depth)) % 4 == 0) {
      return *reinterpret_cast<const std::uint32_t*>(from + depth);
    }
    std::uint32_t word = 0;
    for (int i = 0; i < 4 && depth + i < tiles.k; ++i) {
      word |= static_cast<std::uint32_t>(from[offset_of(operand.depth, depth + i)]) << (8 * i);
    }
    return word;
  }

  STARLING_BOTH static void take(const Shared& shared, Registers& own, int thread, int word) {
    const int group = thread % 32 / 4;
    const int place = word + thread % 4;
    for (int i = 0; i < kRowBlocks; ++i) {
      const int row = first_row(thread) + i * 16 + group;
      own.a[i][0] = shared.a[row][place];
      own.a[i][1] = shared.a[row + 8][place];
      own.a[i][2] = shared.a[row][place + 4];
      own.a[i][3] = shared.a[row + 8][place + 4];
    }
    for (int j = 0; j < kColumnBlocks; ++j) {
      const int row = first_column(thread) + j * 8 + group;
      own.b[j][0] = shared.b[row][place];
      own.b[j][1] = shared.b[row][place + 4];
    }
  }
};

}  // namespace starling::exact::cuda
