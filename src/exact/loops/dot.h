#pragma once

#include "exact/kernels.h"
#include "exact/loops/math.h"

// The f32 product over a backend's vectors V. Each output is one chain of fma over the whole depth, k ascending:
// vectors go over columns of the output, the depth is cut into blocks between which the chain waits in the output
// itself.
//
// A tile is kDotRows × kDotVectors vectors of outputs in registers. The row operand is read as it lies or copied row by
// row; the column operand is packed as panels[k][width], which stay in the second-level cache while all row panels
// pass.

namespace starling::exact::loops {

template <class V>
struct Dot {
  using F = typename V::F;
  using Functions = Math<V>;
  static constexpr int kRows = V::kDotRows;
  static constexpr int kVectors = V::kDotVectors;
  static constexpr std::int64_t kLanes = V::kLanes;
  static constexpr std::int64_t kWidth = kVectors * kLanes;
  static constexpr std::int64_t kDepth = 768;    // of a block
  static constexpr std::int64_t kColumns = 256;  // of a block, a multiple of every kWidth
  static constexpr std::int64_t kChunk = 16;     // steps of the depth between which memory is fetched ahead
  static constexpr std::int64_t kPage =
      1024;  // elements after which addresses meet the same lines of the first-level cache
  static constexpr std::int64_t kRowPitch = kDepth + 16;  // of the copied rows: no power of two
  static_assert(kColumns % kWidth == 0);

  // Part of a block's depth that lies consecutively in memory.
  struct Run {
    std::ptrdiff_t offset;
    std::int64_t length;
  };

  // The depth of a block as one operand has it: as runs if it is contiguous, else the offset of every step.
  struct Depth {
    std::int64_t steps;
    std::int64_t run_count;
    Run run[kDepth];
    std::ptrdiff_t offset[kDepth];
  };

  // Scratch memory of one thread; every member starts at a multiple of 64 bytes.
  struct alignas(64) Workspace {
    alignas(64) float columns[kColumns * kDepth + kWidth];
    alignas(64) float rows[kRowPitch * 16];
    alignas(64) float tile[kRows * kWidth];
    alignas(64) float turned[32 * kColumns];
    Depth row_depth;
    Depth column_depth;
    std::ptrdiff_t row_offset[kRows];
    std::ptrdiff_t column_offset[kWidth];
  };

  // An axis with factors of size 1 left out and neighbours that form one arithmetic sequence joined.
  static Axis joined(const Axis& axis) {
    Axis result;
    for (int i = 0; i < axis.factors; ++i) {
      if (axis.size[i] == 1) continue;
      if (result.factors > 0 && result.stride[result.factors - 1] == axis.stride[i] * axis.size[i]) {
        result.size[result.factors - 1] *= axis.size[i];
        result.stride[result.factors - 1] = axis.stride[i];
      } else {
        result.size[result.factors] = axis.size[i];
        result.stride[result.factors] = axis.stride[i];
        ++result.factors;
      }
    }
    return result;
  }

  // Offsets of the elements [begin, begin + count) of an axis.
  static void fill_offsets(const Axis& axis, std::int64_t begin, std::int64_t count, std::ptrdiff_t* offsets) {
    if (axis.factors <= 1) {
      const std::ptrdiff_t stride = axis.factors == 0 ? 0 : axis.stride[0];
      for (std::int64_t i = 0; i < count; ++i) offsets[i] = (begin + i) * stride;
      return;
    }
    std::int64_t index[Axis::kMaxFactors];
    std::ptrdiff_t offset = 0;
    std::int64_t rest = begin;
    for (int f = axis.factors - 1; f >= 0; --f) {
      index[f] = f == 0 ? rest : rest % axis.size[f];
      rest /= axis.size[f];
      offset += index[f] * axis.stride[f];
    }
    for (std::int64_t i = 0; i < count; ++i) {
      offsets[i] = offset;
      int f = axis.factors - 1;
      offset += axis.stride[f];
      while (++index[f] == axis.size[f] && f > 0) {
        offset += axis.stride[f - 1] - axis.size[f] * axis.stride[f];
        index[f] = 0;
        --f;
      }
    }
  }

  static std::ptrdiff_t offset_of(const Axis& axis, std::int64_t index) {
    std::ptrdiff_t offset;
    fill_offsets(axis, index, 1, &offset);
    return offset;
  }

  static void fill_depth(const Axis& axis, std::int64_t begin, std::int64_t steps, Depth& depth) {
    depth.steps = steps;
    depth.run_count = 0;
    if (!contiguous(axis)) {
      fill_offsets(axis, begin, steps, depth.offset);
      return;
    }
    const std::int64_t size = axis.size[axis.factors - 1];
    for (std::int64_t k = 0; k < steps;) {
      const std::int64_t left = size - (begin + k) % size;
      Run& run = depth.run[depth.run_count++];
      run.offset = offset_of(axis, begin + k);
      run.length = left < steps - k ? left : steps - k;
      k += run.length;
    }
  }

  // How many offsets from the first on are consecutive elements of memory.
  static std::int64_t run_length(const std::ptrdiff_t* offsets, std::int64_t count) {
    std::int64_t length = 1;
    while (length < count && offsets[length] == offsets[length - 1] + 1) ++length;
    return length;
  }

  // Whether the offsets are an arithmetic sequence, and its step.
  static bool regular(const std::ptrdiff_t* offsets, std::int64_t count, std::ptrdiff_t& step) {
    step = count > 1 ? offsets[1] - offsets[0] : 0;
    for (std::int64_t i = 2; i < count; ++i) {
      if (offsets[i] - offsets[i - 1] != step) return false;
    }
    return true;
  }

  // Whether an axis runs through memory without gaps, at least some elements at a time.
  static bool contiguous(const Axis& axis) {
    return axis.factors > 0 && axis.stride[axis.factors - 1] == 1 && axis.size[axis.factors - 1] >= 4;
  }

  // Copies count elements. May write up to kLanes - 1 more, reads none.
  static void copy_run(float* to, const float* from, std::int64_t count) {
    std::int64_t i = 0;
    for (; i + kLanes <= count; i += kLanes) V::store(to + i, V::load(from + i));
    if (i < count) V::store(to + i, V::load_first(from + i, static_cast<std::size_t>(count - i)));
  }

  // One operand as a block of a batch sees it.
  struct Side {
    const float* data;
    Axis rows;
    Axis depth;
  };

  // to[k * width + r] = element (r, k) for r < count. width ≥ count; the other lanes hold any value. May write kLanes -
  // 1 elements beyond the end.
  static void pack(float* to, std::int64_t width, const Side& side, const std::ptrdiff_t* row, std::int64_t count,
                   const Depth& depth) {
    if (depth.run_count > 0) {
      for (std::int64_t i = 0; i < depth.run_count; ++i) {
        const Run run = depth.run[i];
        for (std::int64_t group = 0; group < count; group += kLanes) {
          pack_turned(to + group, width, side.data + run.offset, row + group,
                      count - group < kLanes ? count - group : kLanes, run.length);
        }
        to += run.length * width;
      }
    } else if (contiguous(side.rows)) {
      for (std::int64_t r = 0; r < count;) {
        const std::int64_t length = run_length(row + r, count - r);
        const float* from = side.data + row[r];
        if (length == kWidth) {
          for (std::int64_t k = 0; k < depth.steps; ++k) {
            for (std::int64_t v = 0; v < kWidth; v += kLanes) {
              V::store(to + k * width + v, V::load(from + depth.offset[k] + v));
            }
          }
        } else {
          for (std::int64_t k = 0; k < depth.steps; ++k) {
            copy_exactly(to + k * width + r, from + depth.offset[k], length);
          }
        }
        r += length;
      }
    } else {
      for (std::int64_t k = 0; k < depth.steps; ++k) {
        const float* from = side.data + depth.offset[k];
        for (std::int64_t r = 0; r < count; ++r) to[k * width + r] = from[row[r]];
      }
    }
  }

  static void copy_exactly(float* to, const float* from, std::int64_t count) {
    std::int64_t i = 0;
    for (; i + kLanes <= count; i += kLanes) V::store(to + i, V::load(from + i));
    if (i < count) {
      const auto rest = static_cast<std::size_t>(count - i);
      V::store_first(to + i, rest, V::load_first(from + i, rest));
    }
  }

  // pack for up to kLanes rows that are contiguous in depth.
  static void pack_turned(float* to, std::int64_t width, const float* data, const std::ptrdiff_t* row,
                          std::int64_t count, std::int64_t depth_count) {
    const float* from[kLanes];
    for (std::int64_t r = 0; r < kLanes; ++r) from[r] = data + row[r < count ? r : count - 1];
    std::int64_t k = 0;
    for (; k + kLanes <= depth_count; k += kLanes) {
      F block[kLanes];
      for (std::int64_t r = 0; r < kLanes; ++r) block[r] = V::load(from[r] + k);
      V::transpose(block);
      for (std::int64_t j = 0; j < kLanes; ++j) V::store(to + (k + j) * width, block[j]);
    }
    if (k < depth_count) {
      const auto rest = static_cast<std::size_t>(depth_count - k);
      F block[kLanes];
      for (std::int64_t r = 0; r < kLanes; ++r) block[r] = V::load_first(from[r] + k, rest);
      V::transpose(block);
      for (std::size_t j = 0; j < rest; ++j) V::store(to + (k + static_cast<std::int64_t>(j)) * width, block[j]);
    }
  }

  // How a tile reads its row operand: element (r, k) is data[r * row_step + k * depth_step].
  struct RowPanel {
    const float* data;
    std::ptrdiff_t row_step;
    std::ptrdiff_t depth_step;
    bool in_place;  // the operand's own memory
  };

  // A panel of rows as a tile can read it: where they are, if their depth is contiguous and they do not all fall into
  // the same lines of the cache, or copied.
  static RowPanel row_panel_of(Workspace& workspace, const Side& side, const std::ptrdiff_t* row, std::int64_t count) {
    const Depth& depth = workspace.row_depth;
    if (depth.run_count == 0) {
      pack(workspace.rows, 16, side, row, count, depth);
      return {workspace.rows, 1, 16, false};
    }
    std::ptrdiff_t step;
    if (depth.run_count == 1 && regular(row, count, step) && step % kPage != 0) {
      return {side.data + row[0] + depth.run[0].offset, step, 1, true};
    }
    for (std::int64_t r = 0; r < count; ++r) {
      float* to = workspace.rows + r * kRowPitch;
      for (std::int64_t i = 0; i < depth.run_count; ++i) {
        copy_run(to, side.data + row[r] + depth.run[i].offset, depth.run[i].length);
        to += depth.run[i].length;
      }
    }
    return {workspace.rows, kRowPitch, 1, false};
  }

  // Memory to be fetched while a tile is computed: two rows of the next panel, and the output's next tile.
  struct Ahead {
    const float* rows;
    std::ptrdiff_t row_step;
    const float* out;
  };

  using Tile = void (*)(std::int64_t depth, RowPanel a, const float* b, std::ptrdiff_t b_step, float* out,
                        std::ptrdiff_t out_stride, bool first, bool last, Ahead ahead);

  // out[r][v] goes on by depth steps of the chain: from +0 if first; with the one NaN if last.
  template <int kTileRows, int kTileVectors>
  static void tile(std::int64_t depth, RowPanel a, const float* b, std::ptrdiff_t b_step, float* out,
                   std::ptrdiff_t out_stride, bool first, bool last, Ahead ahead) {
    F sums[kTileRows][kTileVectors];
    if (first) {
      for (int r = 0; r < kTileRows; ++r) {
        for (int v = 0; v < kTileVectors; ++v) sums[r][v] = V::broadcast(0.0F);
      }
    } else {
      for (int r = 0; r < kTileRows; ++r) {
        for (int v = 0; v < kTileVectors; ++v) sums[r][v] = V::load(out + r * out_stride + v * kLanes);
      }
    }
    constexpr int kBases = (kTileRows + 2) / 3;
    const float* base[kBases];
    for (int i = 0; i < kBases; ++i) base[i] = a.data + 3 * i * a.row_step;
    for (std::int64_t k = 0; k < depth;) {
      const std::int64_t end = depth - k < kChunk ? depth : k + kChunk;
      // Spread over the loop, because few misses can be under way at once.
      __builtin_prefetch(ahead.rows + k, 0, 2);
      __builtin_prefetch(ahead.rows + ahead.row_step + k, 0, 2);
      if (k < kChunk * kTileRows) {
        const float* next = ahead.out + k / kChunk * out_stride;
#pragma GCC unroll 4
        for (int v = 0; v < kTileVectors; ++v) __builtin_prefetch(next + v * kLanes, 1, 2);
      }
      for (; k < end; ++k) {
        F column[kTileVectors];
#pragma GCC unroll 4
        for (int v = 0; v < kTileVectors; ++v) column[v] = V::load(b + v * kLanes);
#pragma GCC unroll 16
        for (int r = 0; r < kTileRows; ++r) {
          const F row = V::broadcast(base[r / 3][r % 3 * a.row_step]);
#pragma GCC unroll 4
          for (int v = 0; v < kTileVectors; ++v) sums[r][v] = V::fma(row, column[v], sums[r][v]);
        }
        b += b_step;
#pragma GCC unroll 8
        for (int i = 0; i < kBases; ++i) base[i] += a.depth_step;
      }
    }
    for (int r = 0; r < kTileRows; ++r) {
      for (int v = 0; v < kTileVectors; ++v) {
        V::store(out + r * out_stride + v * kLanes, last ? Functions::canonical(sums[r][v]) : sums[r][v]);
      }
    }
  }

  template <int kTileRows>
  static Tile tile_of(int rows, int vectors) {
    if (rows == kTileRows) {
      if constexpr (kVectors > 1) {
        if (vectors == 2) return tile<kTileRows, 2>;
      }
      return tile<kTileRows, 1>;
    }
    if constexpr (kTileRows > 1) {
      return tile_of<kTileRows - 1>(rows, vectors);
    } else {
      return nullptr;
    }
  }

  // Where a block goes: its element (i, j) is at data + offset(rows, i - first_row) + j - first_column.
  struct Target {
    float* data;
    Axis rows;
    std::int64_t first_row;
    std::int64_t first_column;
  };

  // out(i, j) for i in [i0, i1) of x and j in [j0, j1) of y; the output's columns are those of y.
  static void block(const Side& x, const Side& y, const Target& out, std::int64_t i0, std::int64_t i1, std::int64_t j0,
                    std::int64_t j1, std::int64_t depth, Workspace& workspace) {
    const std::int64_t panels = (i1 - i0 + kRows - 1) / kRows;
    for (std::int64_t k = 0; k < depth; k += kDepth) {
      const std::int64_t steps = depth - k < kDepth ? depth - k : kDepth;
      fill_depth(x.depth, k, steps, workspace.row_depth);
      fill_depth(y.depth, k, steps, workspace.column_depth);
      for (std::int64_t j = j0; j < j1; j += kColumns) {
        const std::int64_t columns = j1 - j < kColumns ? j1 - j : kColumns;
        std::int64_t i = i0;
        for (std::int64_t p = 0; p < panels; ++p) {
          const std::int64_t rows = (i1 - i + panels - p - 1) / (panels - p);
          fill_offsets(x.rows, i, rows, workspace.row_offset);
          const RowPanel panel = row_panel_of(workspace, x, workspace.row_offset, rows);
          if (p == 0) pack_columns(y, j, columns, workspace);
          fill_offsets(out.rows, i - out.first_row, rows, workspace.row_offset);
          row_panel(panel, rows, out, j, columns, steps, k == 0, k + steps == depth, workspace);
          i += rows;
        }
      }
    }
  }

  static void pack_columns(const Side& y, std::int64_t j, std::int64_t columns, Workspace& workspace) {
    for (std::int64_t c = 0; c < columns; c += kWidth) {
      const std::int64_t count = columns - c < kWidth ? columns - c : kWidth;
      const std::int64_t width = count <= kLanes ? kLanes : kWidth;
      fill_offsets(y.rows, j + c, count, workspace.column_offset);
      pack(workspace.columns + c * kDepth, width, y, workspace.column_offset, count, workspace.column_depth);
    }
  }

  // One panel of rows against all packed columns; workspace.row_offset has the offsets of the output's rows.
  static void row_panel(RowPanel panel, std::int64_t rows, const Target& out, std::int64_t j, std::int64_t columns,
                        std::int64_t steps, bool first, bool last, Workspace& workspace) {
    float* const target = out.data + (j - out.first_column);
    std::ptrdiff_t stride;
    const bool direct = regular(workspace.row_offset, rows, stride);
    const Tile wide = tile_of<kRows>(static_cast<int>(rows), kVectors);
    const Tile narrow = tile_of<kRows>(static_cast<int>(rows), 1);
    for (std::int64_t c = 0; c < columns; c += kWidth) {
      const std::int64_t count = columns - c < kWidth ? columns - c : kWidth;
      const std::int64_t width = count <= kLanes ? kLanes : kWidth;
      const Tile compute = width == kWidth ? wide : narrow;
      const float* packed = workspace.columns + c * kDepth;
      if (direct && count == width) {
        float* const tile_out = target + workspace.row_offset[0] + c;
        Ahead ahead{packed, 0, tile_out + kWidth};
        if (panel.in_place) ahead = {panel.data + (rows + c / kWidth * 2) * panel.row_step, panel.row_step, ahead.out};
        if (c + kWidth >= columns) ahead.out = target + workspace.row_offset[0] + rows * stride;
        compute(steps, panel, packed, width, tile_out, stride, first, last, ahead);
        continue;
      }
      if (!first) {
        for (std::int64_t r = 0; r < rows; ++r) {
          copy_exactly(workspace.tile + r * kWidth, target + workspace.row_offset[r] + c, count);
        }
      }
      compute(steps, panel, packed, width, workspace.tile, kWidth, first, last, {packed, 0, workspace.tile});
      for (std::int64_t r = 0; r < rows; ++r) {
        copy_exactly(target + workspace.row_offset[r] + c, workspace.tile + r * kWidth, count);
      }
    }
  }

  // Few columns waste lanes: then lanes go over rows, through a small turned output.
  static void turned_block(const Side& a, const Side& b, const Target& out, std::int64_t m0, std::int64_t m1,
                           std::int64_t n0, std::int64_t n1, std::int64_t depth, Workspace& workspace) {
    Target turned{workspace.turned, {}, n0, 0};
    turned.rows.factors = 1;
    turned.rows.size[0] = n1 - n0;
    turned.rows.stride[0] = kColumns;
    for (std::int64_t m = m0; m < m1; m += kColumns) {
      const std::int64_t count = m1 - m < kColumns ? m1 - m : kColumns;
      turned.first_column = m;
      block(b, a, turned, n0, n1, m, m + count, depth, workspace);
      for (std::int64_t i = 0; i < count; ++i) {
        float* row = out.data + offset_of(out.rows, m + i);
        for (std::int64_t n = n0; n < n1; ++n) row[n] = workspace.turned[(n - n0) * kColumns + i];
      }
    }
  }

  static void dot_block(const DotProblem& problem, std::int64_t batch0, std::int64_t batch1, std::int64_t m0,
                        std::int64_t m1, std::int64_t n0, std::int64_t n1, void* memory) {
    Workspace& workspace = *static_cast<Workspace*>(memory);
    Side a{nullptr, joined(problem.a.rows), joined(problem.a.depth)};
    Side b{nullptr, joined(problem.b.rows), joined(problem.b.depth)};
    Target out{nullptr, joined(problem.out.rows), 0, 0};
    const std::int64_t columns = n1 - n0;
    const bool turn = columns < 32 && columns % kWidth != 0 && m1 - m0 > columns;
    for (std::int64_t batch = batch0; batch < batch1; ++batch) {
      a.data = problem.a.data + offset_of(problem.a.batch, batch);
      b.data = problem.b.data + offset_of(problem.b.batch, batch);
      out.data = problem.out.data + offset_of(problem.out.batch, batch);
      if (problem.k == 0) {
        for (std::int64_t m = m0; m < m1; ++m) {
          float* row = out.data + offset_of(out.rows, m);
          for (std::int64_t n = n0; n < n1; ++n) row[n] = 0.0F;
        }
      } else if (turn) {
        turned_block(a, b, out, m0, m1, n0, n1, problem.k, workspace);
      } else {
        block(a, b, out, m0, m1, n0, n1, problem.k, workspace);
      }
    }
  }

  static std::size_t workspace_bytes() { return sizeof(Workspace); }

  static void fill_table(Kernels& kernels) {
    kernels.dot_block = dot_block;
    kernels.dot_workspace_bytes = workspace_bytes;
  }
};

}  // namespace starling::exact::loops
