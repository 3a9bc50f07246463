#pragma once

#include <cstddef>
#include <cstdint>

#include "exact/cuda/lane.h"
#include "exact/kernels.h"
#include "exact/loops/math.h"
#include "exact/loops/portable.h"

// Products, a block of threads for each 64 × 64 tile of the result. A body moves from meeting to meeting: Block::each
// runs what every thread does, Block::meet waits for all, PerThread holds what a thread keeps between meetings.

namespace starling::exact::cuda {

STARLING_BOTH inline std::int64_t offset_of(const Axis& axis, std::int64_t index) {
  if (axis.factors == 0) return 0;
  std::int64_t offset = 0;
  for (int i = axis.factors - 1; i > 0; --i) {
    offset += index % axis.size[i] * axis.stride[i];
    index /= axis.size[i];
  }
  return offset + index * axis.stride[0];
}

// Rows [first_row, first_row + rows) of each of the batches against all n columns; out(batch, row, column) counts rows
// from the first.
struct DotTiles {
  std::int64_t batches, first_row, rows, n, k;

  static constexpr int kTile = 64;  // rows and columns
  STARLING_BOTH std::int64_t row_tiles() const { return (rows + kTile - 1) / kTile; }
  STARLING_BOTH std::int64_t column_tiles() const { return (n + kTile - 1) / kTile; }
  std::int64_t count() const { return batches * row_tiles() * column_tiles(); }
  STARLING_BOTH std::int64_t batch(std::int64_t tile) const { return tile / (row_tiles() * column_tiles()); }
  STARLING_BOTH std::int64_t row(std::int64_t tile) const { return tile / column_tiles() % row_tiles() * kTile; }
  STARLING_BOTH std::int64_t column(std::int64_t tile) const { return tile % column_tiles() * kTile; }
  STARLING_BOTH std::int64_t place(std::int64_t tile, std::int64_t row, std::int64_t column) const {
    return (batch(tile) * rows + row) * n + column;
  }
};

// f32: every output is one chain of fma, its depth ascending; a thread has 4 × 4 of them.
struct FloatDot {
  DotOperand a;
  DotOperand b;
  float* out;
  DotTiles tiles;
  std::int64_t count;  // of tiles

  static constexpr int kThreads = 256;
  static constexpr int kDepth = 16;
  static constexpr int kOwn = 4;
  static constexpr int kTile = DotTiles::kTile;
  struct Shared {
    float a[kDepth][kTile + 4];  // the padding spreads a column over the banks
    float b[kDepth][kTile + 4];
  };
  struct Registers {
    float sums[kOwn][kOwn];
    std::int64_t a_row[kOwn];  // offsets of the rows that the thread fetches; -1 row: none
    std::int64_t b_row[kOwn];
    bool a_is[kOwn];
    bool b_is[kOwn];
  };

  template <class Block>
  STARLING_BOTH void operator()(const Block& block, Shared& shared, std::int64_t tile) const {
    typename Block::template PerThread<Registers> registers;
    const std::int64_t row = tiles.row(tile);
    const std::int64_t column = tiles.column(tile);
    block.each([&](int thread) {
      Registers& own = registers(thread);
      const std::int64_t a_batch = offset_of(a.batch, tiles.batch(tile));
      const std::int64_t b_batch = offset_of(b.batch, tiles.batch(tile));
      for (int i = 0; i < kOwn; ++i) {
        const int line = thread / kDepth + i * (kThreads / kDepth);
        own.a_is[i] = row + line < tiles.rows;
        own.b_is[i] = column + line < tiles.n;
        own.a_row[i] = own.a_is[i] ? a_batch + offset_of(a.rows, tiles.first_row + row + line) : 0;
        own.b_row[i] = own.b_is[i] ? b_batch + offset_of(b.rows, column + line) : 0;
        for (int j = 0; j < kOwn; ++j) own.sums[i][j] = 0.0F;
      }
    });
    for (std::int64_t first = 0; first < tiles.k; first += kDepth) {
      block.each([&](int thread) { fetch(shared, registers(thread), thread % kDepth, thread / kDepth, first); });
      block.meet();
      // No further than the depth: adding a product of zeros would turn -0 into +0.
      const int depth = tiles.k - first < kDepth ? static_cast<int>(tiles.k - first) : kDepth;
      block.each([&](int thread) { multiply(shared, registers(thread), thread, depth); });
      block.meet();
    }
    block.each([&](int thread) {
      const Registers& own = registers(thread);
      for (int i = 0; i < kOwn; ++i) {
        for (int j = 0; j < kOwn; ++j) {
          const std::int64_t r = row + thread / 16 * kOwn + i;
          const std::int64_t c = column + thread % 16 + j * 16;
          if (r < tiles.rows && c < tiles.n) {
            out[tiles.place(tile, r, c)] = loops::Math<Lane>::canonical(own.sums[i][j]);
          }
        }
      }
    });
  }

 private:
  STARLING_BOTH void fetch(Shared& shared, const Registers& own, int place, int line, std::int64_t first) const {
    const bool inside = first + place < tiles.k;
    const std::int64_t a_depth = inside ? offset_of(a.depth, first + place) : 0;
    const std::int64_t b_depth = inside ? offset_of(b.depth, first + place) : 0;
    for (int i = 0; i < kOwn; ++i) {
      const int at = line + i * (kThreads / kDepth);
      shared.a[place][at] = inside && own.a_is[i] ? a.data[own.a_row[i] + a_depth] : 0.0F;
      shared.b[place][at] = inside && own.b_is[i] ? b.data[own.b_row[i] + b_depth] : 0.0F;
    }
  }

  STARLING_BOTH static void multiply(const Shared& shared, Registers& own, int thread, int depth) {
    for (int k = 0; k < depth; ++k) {
      float left[kOwn];
      float right[kOwn];
      for (int i = 0; i < kOwn; ++i) left[i] = shared.a[k][thread / 16 * kOwn + i];
      for (int j = 0; j < kOwn; ++j) right[j] = shared.b[k][thread % 16 + j * 16];
      for (int i = 0; i < kOwn; ++i) {
        for (int j = 0; j < kOwn; ++j) own.sums[i][j] = Lane::fma(left[i], right[j], own.sums[i][j]);
      }
    }
  }
};

}  // namespace starling::exact::cuda
