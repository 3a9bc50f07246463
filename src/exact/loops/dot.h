#pragma once

#include "exact/kernels.h"
#include "exact/loops/dot_pack.h"
#include "exact/loops/dot_tile.h"

// The f32 product over a backend's vectors V. Each output is one chain of fma over the whole depth, k ascending:
// vectors go over columns of the output, the depth is cut into blocks between which the chain waits in the output
// itself.
//
// The row operand is read where it lies if it can be, or copied a panel at a time; the column operand is packed as
// panels[k][width], which stay in the second-level cache while all panels of rows pass.

namespace starling::exact::loops {

template <class V>
struct Dot {
  using F = typename V::F;
  using Pack = DotPack<V>;
  using Tile = DotTile<V>;
  using Side = typename Pack::Side;
  using Depth = typename Pack::Depth;
  static constexpr int kRows = Tile::kRows;
  static constexpr std::int64_t kLanes = Tile::kLanes;
  static constexpr std::int64_t kWidth = Pack::kWidth;
  static constexpr std::int64_t kDepth = Pack::kDepth;
  static constexpr std::int64_t kColumns = 256;  // of a block
  static constexpr std::int64_t kPage =
      1024;  // elements after which addresses meet the same lines of the first-level cache
  static constexpr std::int64_t kRowPitch = kDepth + 16;  // of the copied rows
  static constexpr std::int64_t kCopiedRows = 16;         // of the copied rows when they vary fastest
  // Steps of the depth that lie together, on average, where rows that are not one run are read in place: a
  // convolution's windows, which share most of what they read.
  static constexpr std::int64_t kLeastRun = 16;
  static constexpr std::int64_t kFewPanels = 8;  // for which packing columns that can be read in place is not worth it
  static constexpr std::int64_t kTurned = 32;    // columns below which they may go into rows
  static_assert(kColumns % kWidth == 0 && kRows <= kCopiedRows);

  // A panel of the column operand, up to kWidth wide.
  struct ColumnPanel {
    typename Tile::Columns columns;
    std::int64_t count;
    std::int64_t width;  // whole vectors
  };

  // Scratch memory of one thread.
  struct alignas(64) Workspace {
    alignas(64) float columns[kColumns * kDepth + kWidth];
    alignas(64) float rows[kRowPitch * kCopiedRows];
    alignas(64) float tile[kRows * kWidth];
    alignas(64) float turned[kTurned * kColumns];
    Depth row_depth;
    Depth column_depth;
    std::int64_t depth_begin;  // of the two above; -1: not filled
    typename Tile::Run whole;  // the depth of copied rows
    std::ptrdiff_t row_offset[kRows];
    std::ptrdiff_t column_offset[kColumns];
    ColumnPanel panel[kColumns / kLanes];
  };

  // Where a block goes: its element (i, j) is at data + offset(rows, i - first_row) + j - first_column.
  struct Target {
    float* data;
    Axis rows;
    std::int64_t first_row;
    std::int64_t first_column;
  };

  // A panel of rows as tiles read it, and what to fetch ahead for the panel after it.
  struct RowPanel {
    typename Tile::Rows rows;
    const float* ahead;
    std::ptrdiff_t second;
    std::ptrdiff_t chunk_step;
    std::ptrdiff_t tile_step;  // from one tile to the next
  };

  static RowPanel row_panel(Workspace& workspace, const Side& side, std::int64_t count) {
    const Depth& depth = workspace.row_depth;
    const std::ptrdiff_t* row = workspace.row_offset;
    workspace.whole = {0, depth.steps};
    if (depth.run_count == 0) {
      Pack::pack(workspace.rows, kCopiedRows, side, row, count, depth);
      RowPanel panel{{workspace.rows, 1, kCopiedRows, &workspace.whole, 1}, workspace.rows, 0, 0, 0};
      if (side.depth.factors == 1) {
        // Each step of the depth is a cache line of its own; the next panel's ends in one that this panel's may not.
        panel.ahead = side.data + row[count - 1] + count + depth.offset[0];
        panel.second = side.depth.stride[0];
        panel.chunk_step = 2 * panel.second;
        panel.tile_step = depth.steps / Tile::kChunk * panel.chunk_step;
      }
      return panel;
    }
    std::ptrdiff_t step;
    const bool long_runs = depth.run_count == 1 || depth.steps >= depth.run_count * kLeastRun;
    if (long_runs && Pack::regular(row, count, step) && step % kPage != 0) {
      const float* data = side.data + row[0];
      return {{data, step, 1, depth.run, depth.run_count}, data + count * step, step, Tile::kChunk, 2 * step};
    }
    for (std::int64_t r = 0; r < count; ++r) {
      float* to = workspace.rows + r * kRowPitch;
      for (std::int64_t i = 0; i < depth.run_count; ++i) {
        Pack::copy_run(to, side.data + row[r] + depth.run[i].offset, depth.run[i].length);
        to += depth.run[i].length;
      }
    }
    return {{workspace.rows, kRowPitch, 1, &workspace.whole, 1}, workspace.rows, 0, 0, 0};
  }

  // Makes the panels of columns [j, j + columns) and returns their number.
  static std::int64_t column_panels(const Side& y, std::int64_t j, std::int64_t columns, bool few_rows,
                                    Workspace& workspace) {
    const Depth& depth = workspace.column_depth;
    const bool in_place = few_rows && depth.run_count == 0 && y.depth.factors <= 1;
    std::int64_t panels = 0;
    for (std::int64_t c = 0; c < columns; c += kWidth, ++panels) {
      ColumnPanel& panel = workspace.panel[panels];
      panel.count = columns - c < kWidth ? columns - c : kWidth;
      panel.width = (panel.count + kLanes - 1) / kLanes * kLanes;
      Pack::fill_offsets(y.rows, j + c, panel.count, workspace.column_offset);
      if (in_place && panel.width == panel.count &&
          Pack::run_length(workspace.column_offset, panel.count) == panel.count) {
        const std::ptrdiff_t step = y.depth.factors == 0 ? 0 : y.depth.stride[0];
        panel.columns = {y.data + workspace.column_offset[0] + depth.offset[0], step};
        continue;
      }
      float* packed = workspace.columns + c * kDepth;
      Pack::pack(packed, panel.width, y, workspace.column_offset, panel.count, depth);
      panel.columns = {packed, static_cast<std::ptrdiff_t>(panel.width)};
    }
    return panels;
  }

  // The same of columns that are packed already: f32 is read where it lies.
  static std::int64_t packed_panels(const PackedColumns& from, std::int64_t depth, std::int64_t k, std::int64_t steps,
                                    std::int64_t j, std::int64_t columns, Workspace& workspace) {
    std::int64_t panels = 0;
    for (std::int64_t c = 0; c < columns; c += kWidth, ++panels) {
      ColumnPanel& panel = workspace.panel[panels];
      panel.count = columns - c < kWidth ? columns - c : kWidth;
      panel.width = (panel.count + kLanes - 1) / kLanes * kLanes;
      const std::int64_t first = (j + c) * depth + k * kWidth;
      if (from.type == Type::kF32) {
        panel.columns = {static_cast<const float*>(from.data) + first, kWidth};
        continue;
      }
      float* widened = workspace.columns + c * kDepth;
      const auto* numbers = static_cast<const std::uint16_t*>(from.data) + first;
      Pack::widen(widened, numbers, steps * kWidth, from.type == Type::kBf16);
      panel.columns = {widened, kWidth};
    }
    return panels;
  }

  // out(i, j) for i in [i0, i1) of x and j in [j0, j1) of y; the output's columns are those of y.
  static void block(const Side& x, const Side& y, const PackedColumns& packed, const Target& out, std::int64_t i0,
                    std::int64_t i1, std::int64_t j0, std::int64_t j1, std::int64_t depth, Workspace& workspace) {
    const std::int64_t row_panels = (i1 - i0 + kRows - 1) / kRows;
    for (std::int64_t k = 0; k < depth; k += kDepth) {
      const std::int64_t steps = depth - k < kDepth ? depth - k : kDepth;
      if (workspace.depth_begin != k) {
        Pack::fill_depth(x.depth, k, steps, workspace.row_depth);
        Pack::fill_depth(y.depth, k, steps, workspace.column_depth);
        workspace.depth_begin = k;
      }
      const typename Tile::Part part{steps, k == 0, k + steps == depth};
      for (std::int64_t j = j0; j < j1; j += kColumns) {
        const std::int64_t columns = j1 - j < kColumns ? j1 - j : kColumns;
        const std::int64_t panels = packed.data != nullptr
                                        ? packed_panels(packed, depth, k, steps, j, columns, workspace)
                                        : column_panels(y, j, columns, row_panels <= kFewPanels, workspace);
        std::int64_t i = i0;
        for (std::int64_t p = row_panels; p > 0; --p) {
          const std::int64_t rows = (i1 - i + p - 1) / p;
          Pack::fill_offsets(x.rows, i, rows, workspace.row_offset);
          const RowPanel panel = row_panel(workspace, x, rows);
          Pack::fill_offsets(out.rows, i - out.first_row, rows, workspace.row_offset);
          tiles(part, panel, rows, panels, out.data + (j - out.first_column), workspace);
          i += rows;
        }
      }
    }
  }

  // One panel of rows against all panels of columns; workspace.row_offset has the offsets of the output's rows.
  static void tiles(typename Tile::Part part, const RowPanel& panel, std::int64_t rows, std::int64_t panels, float* out,
                    Workspace& workspace) {
    std::ptrdiff_t stride;
    const bool regular = Pack::regular(workspace.row_offset, rows, stride);
    float* const target = out + workspace.row_offset[0];
    for (std::int64_t p = 0; p < panels; ++p) {
      const ColumnPanel& columns = workspace.panel[p];
      const auto compute = Tile::kTable.of[rows - 1][columns.width / kLanes - 1];
      typename Tile::Ahead ahead{panel.ahead + p * panel.tile_step, panel.second, panel.chunk_step, workspace.tile};
      if (regular && columns.count == columns.width) {
        ahead.out = p + 1 < panels ? target + (p + 1) * kWidth : target + rows * stride;
        compute(part, panel.rows, columns.columns, target + p * kWidth, stride, ahead);
        continue;
      }
      if (!part.first) {
        for (std::int64_t r = 0; r < rows; ++r) {
          const float* from = out + workspace.row_offset[r] + p * kWidth;
          Pack::copy_exactly(workspace.tile + r * kWidth, from, columns.count);
        }
      }
      compute(part, panel.rows, columns.columns, workspace.tile, kWidth, ahead);
      for (std::int64_t r = 0; r < rows; ++r) {
        float* to = out + workspace.row_offset[r] + p * kWidth;
        Pack::copy_exactly(to, workspace.tile + r * kWidth, columns.count);
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
      block(b, a, {}, turned, n0, n1, m, m + count, depth, workspace);
      Pack::fill_offsets(out.rows, m, count, workspace.column_offset);
      for (std::int64_t i = 0; i < count; i += kLanes) {
        const std::int64_t rows = count - i < kLanes ? count - i : kLanes;
        for (std::int64_t n = n0; n < n1; n += kLanes) {
          const std::int64_t columns = n1 - n < kLanes ? n1 - n : kLanes;
          F square[kLanes];
          for (std::int64_t c = 0; c < kLanes; ++c) {
            square[c] = V::load(workspace.turned + ((c < columns ? n - n0 + c : 0)) * kColumns + i);
          }
          V::transpose(square);
          for (std::int64_t r = 0; r < rows; ++r) {
            float* to = out.data + workspace.column_offset[i + r] + n;
            if (columns == kLanes) {
              V::store(to, square[r]);
            } else {
              V::store_first(to, static_cast<std::size_t>(columns), square[r]);
            }
          }
        }
      }
    }
  }

  static void dot_block(const DotProblem& problem, std::int64_t batch0, std::int64_t batch1, std::int64_t m0,
                        std::int64_t m1, std::int64_t n0, std::int64_t n1, void* memory) {
    Workspace& workspace = *static_cast<Workspace*>(memory);
    workspace.depth_begin = -1;
    Side a{nullptr, Pack::joined(problem.a.rows), Pack::joined(problem.a.depth)};
    Side b{nullptr, Pack::joined(problem.b.rows), Pack::joined(problem.b.depth)};
    Target out{nullptr, Pack::joined(problem.out.rows), 0, 0};
    const std::int64_t columns = n1 - n0;
    const bool is_packed = problem.packed_b.data != nullptr;
    const bool turn = !is_packed && columns < kTurned && columns % kWidth != 0 && m1 - m0 > columns;
    for (std::int64_t batch = batch0; batch < batch1; ++batch) {
      a.data = problem.a.data + Pack::offset_of(problem.a.batch, batch);
      b.data = problem.b.data + Pack::offset_of(problem.b.batch, batch);
      out.data = problem.out.data + Pack::offset_of(problem.out.batch, batch);
      if (problem.k == 0) {
        for (std::int64_t m = m0; m < m1; ++m) {
          float* row = out.data + Pack::offset_of(out.rows, m);
          for (std::int64_t n = n0; n < n1; ++n) row[n] = 0.0F;
        }
      } else if (turn) {
        turned_block(a, b, out, m0, m1, n0, n1, problem.k, workspace);
      } else {
        block(a, b, problem.packed_b, out, m0, m1, n0, n1, problem.k, workspace);
      }
    }
  }

  static std::size_t workspace_bytes() { return sizeof(Workspace); }

  static void fill_table(Kernels& kernels) {
    kernels.dot_block = dot_block;
    kernels.dot_workspace_bytes = workspace_bytes;
    kernels.dot_panel_columns = kWidth;
  }
};

}  // namespace starling::exact::loops
