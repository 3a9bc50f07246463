#pragma once

#include "exact/kernels.h"
#include "exact/loops/math.h"

// The inner loop of a product, over a backend's vectors V: kDotRows × kDotVectors vectors of outputs in registers.

namespace starling::exact::loops {

template <class V>
struct DotTile {
  using F = typename V::F;
  static constexpr int kRows = V::kDotRows;
  static constexpr int kVectors = V::kDotVectors;
  static constexpr std::int64_t kLanes = V::kLanes;
  static constexpr std::int64_t kChunk = 16;  // steps of the depth between which memory is fetched ahead

  // Part of a block's depth that lies evenly in memory.
  struct Run {
    std::ptrdiff_t offset;
    std::int64_t length;
  };

  // How a tile reads its row operand: element (r, i) of a run is data[run.offset + r * row_step + i * depth_step].
  struct Rows {
    const float* data;
    std::ptrdiff_t row_step;
    std::ptrdiff_t depth_step;
    const Run* runs;
    std::int64_t run_count;
  };

  // Its column operand: vector v of step k is at data + k * depth_step + v * kLanes.
  struct Columns {
    const float* data;
    std::ptrdiff_t depth_step;
  };

  // Memory to be fetched while a tile is computed: two places of the rows' operand for every chunk, from each run's
  // offset on, and the next output.
  struct Ahead {
    const float* rows;
    std::ptrdiff_t second;      // place, from the first
    std::ptrdiff_t chunk_step;  // from one chunk to the next
    const float* out;
  };

  // Whether the chains begin (from +0) and end (with the one NaN) in this block of the depth.
  struct Part {
    std::int64_t depth;
    bool first;
    bool last;
  };

  using Function = void (*)(Part part, Rows a, Columns b, float* out, std::ptrdiff_t out_stride, Ahead ahead);

  // out[r * out_stride + v * kLanes + lane] goes on by the part's steps of its chain.
  template <int kTileRows, int kTileVectors>
  static void compute(Part part, Rows a, Columns b, float* out, std::ptrdiff_t out_stride, Ahead ahead) {
    F sums[kTileRows][kTileVectors];
    if (part.first) {
      for (int r = 0; r < kTileRows; ++r) {
        for (int v = 0; v < kTileVectors; ++v) sums[r][v] = V::broadcast(0.0F);
      }
    } else {
      for (int r = 0; r < kTileRows; ++r) {
        for (int v = 0; v < kTileVectors; ++v) sums[r][v] = V::load(out + r * out_stride + v * kLanes);
      }
    }
    constexpr int kBases = (kTileRows + 2) / 3;
    // What a short loop has no chunks for.
    for (std::int64_t r = (part.depth + kChunk - 1) / kChunk; r < kTileRows; ++r) {
#pragma GCC unroll 4
      for (int v = 0; v < kTileVectors; ++v) __builtin_prefetch(ahead.out + r * out_stride + v * kLanes, 1, 2);
    }
    int out_rows = kTileRows;
    const Run* const last_run = a.runs + a.run_count;
    for (const Run* run = a.runs; run != last_run; ++run) {
      const float* base[kBases];
      for (int i = 0; i < kBases; ++i) base[i] = a.data + run->offset + 3 * i * a.row_step;
      const float* rows_ahead = ahead.rows + run->offset;
      const std::int64_t length = run->length;
      for (std::int64_t k = 0; k < length;) {
        const std::int64_t end = length - k < kChunk ? length : k + kChunk;
        // Spread over the loop, because few misses can be under way at once.
        __builtin_prefetch(rows_ahead, 0, 2);
        __builtin_prefetch(rows_ahead + ahead.second, 0, 2);
        rows_ahead += ahead.chunk_step;
        if (out_rows > 0) {
#pragma GCC unroll 4
          for (int v = 0; v < kTileVectors; ++v) __builtin_prefetch(ahead.out + v * kLanes, 1, 2);
          ahead.out += out_stride;
          --out_rows;
        }
        for (; k < end; ++k) {
          F column[kTileVectors];
#pragma GCC unroll 4
          for (int v = 0; v < kTileVectors; ++v) column[v] = V::load(b.data + v * kLanes);
#pragma GCC unroll 16
          for (int r = 0; r < kTileRows; ++r) {
            const F row = V::broadcast(base[r / 3][r % 3 * a.row_step]);
#pragma GCC unroll 4
            for (int v = 0; v < kTileVectors; ++v) sums[r][v] = V::fma(row, column[v], sums[r][v]);
          }
          b.data += b.depth_step;
#pragma GCC unroll 8
          for (int i = 0; i < kBases; ++i) base[i] += a.depth_step;
        }
      }
    }
    for (int r = 0; r < kTileRows; ++r) {
      for (int v = 0; v < kTileVectors; ++v) {
        V::store(out + r * out_stride + v * kLanes, part.last ? Math<V>::canonical(sums[r][v]) : sums[r][v]);
      }
    }
  }

  // Every size of tile, by rows and vectors, each less one.
  struct Table {
    Function of[kRows][kVectors];
  };
  template <int kTileRows, int kTileVectors>
  static constexpr void fill(Table& table) {
    table.of[kTileRows - 1][kTileVectors - 1] = compute<kTileRows, kTileVectors>;
    if constexpr (kTileVectors > 1) {
      fill<kTileRows, kTileVectors - 1>(table);
    } else if constexpr (kTileRows > 1) {
      fill<kTileRows - 1, kVectors>(table);
    }
  }
  static constexpr Table make_table() {
    Table table{};
    fill<kRows, kVectors>(table);
    return table;
  }
  static constexpr Table kTable = make_table();
};

}  // namespace starling::exact::loops
