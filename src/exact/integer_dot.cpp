#include "exact/integer_dot.h"

#include <algorithm>

#include "exact/in_runs.h"

namespace starling::exact {
namespace {

// The packed columns of a block stay in the second-level cache.
constexpr std::size_t kBlockBytes = std::size_t{400} << 10;
constexpr std::int64_t kBlockColumns = 512;
// Prepared rows of a piece stay near.
constexpr std::size_t kPieceBytes = std::size_t{16} << 20;
constexpr std::int64_t kPieceRows = 4096;
// Pieces for each thread: of rows, which pack their columns anew, as few as keep every thread busy; of columns so many
// that no thread waits long for another at the end.
constexpr std::int64_t kIntegerPieces = 3;
constexpr std::int64_t kIntegerColumnPieces = 16;
// Fewer rows would pack the columns too often.
constexpr std::int64_t kLeastIntegerRows = 112;
constexpr std::size_t kWholeRowsBytes = std::size_t{8} << 20;

constexpr std::ptrdiff_t kNumberBytes = 4;  // of what is made of a sum

std::int64_t parts_of(std::int64_t size, std::int64_t piece) { return (size + piece - 1) / piece; }
std::size_t rounded_up(std::size_t bytes) { return (bytes + 63) / 64 * 64; }

// Where column n begins, which begins a panel, of columns that are packed already.
const std::uint8_t* packed_columns(const IntegerDotKernels& kernels, const IntegerDotProblem& problem, std::int64_t n) {
  return problem.packed_b + static_cast<std::size_t>(n) * kernels.column_bytes(problem.k);
}

// Asks for the columns of a block while the one before it is worked on: part `index` of `count`.
void fetch_columns(const IntegerDotKernels& kernels, const IntegerDotProblem& problem, std::int64_t batch,
                   std::int64_t n0, std::int64_t n1, std::int64_t index, std::int64_t count) {
  constexpr std::int64_t kLine = 64;
  const Axis& depth = problem.b.depth;
  if (n1 <= n0) return;
  if (problem.packed_b != nullptr) {
    const std::uint8_t* packed = packed_columns(kernels, problem, n0);
    const std::int64_t lines = (packed_columns(kernels, problem, n1) - packed) / kLine;
    for (std::int64_t line = lines * index / count; line < lines * (index + 1) / count; ++line) {
      __builtin_prefetch(packed + line * kLine, 0, 2);
    }
    return;
  }
  if (depth.factors != 1 || depth.stride[0] != 1) return;
  const std::uint8_t* data = problem.b.data + problem.b.batch.offset(batch);
  const std::int64_t columns = n1 - n0;
  for (std::int64_t n = n0 + columns * index / count; n < n0 + columns * (index + 1) / count; ++n) {
    const std::uint8_t* column = data + problem.b.rows.offset(n);
    for (std::int64_t k = 0; k < problem.k; k += kLine) __builtin_prefetch(column + k, 0, 2);
  }
}

// Where the parts of a thread's workspace begin.
struct Layout {
  std::size_t start;  // what sums begin with
  std::size_t packed;
  std::size_t tile;
  std::size_t end;
  std::ptrdiff_t stride;  // of the tile

  Layout(const IntegerDotKernels& kernels, std::int64_t k, std::int64_t piece_rows, std::int64_t block_columns) {
    const std::int64_t columns = parts_of(block_columns, kernels.panel_columns) * kernels.panel_columns;
    stride = static_cast<std::ptrdiff_t>(columns);
    start = rounded_up(static_cast<std::size_t>(piece_rows) * kernels.row_bytes(k));
    packed = start + rounded_up(static_cast<std::size_t>(piece_rows) * sizeof(std::int32_t));
    tile = packed + rounded_up(static_cast<std::size_t>(columns) * kernels.column_bytes(k));
    end = tile + rounded_up(static_cast<std::size_t>(kernels.tile_rows * columns) * sizeof(std::int32_t));
  }
};

}  // namespace

bool whole_rows_fit(std::int64_t n, std::int64_t k) {
  // 4 bytes a number at most, as a backend packs it.
  return static_cast<std::size_t>(n) <= kWholeRowsBytes / (4 * static_cast<std::size_t>(k + 64));
}

IntegerSplit split_integer_dot(const IntegerDotKernels& kernels, std::int64_t batch, std::int64_t m, std::int64_t n,
                               std::int64_t k, bool whole_rows, int threads) {
  IntegerSplit split{};
  const auto fitting = static_cast<std::int64_t>(kBlockBytes / kernels.column_bytes(k));
  const std::int64_t panels = std::max<std::int64_t>(1, std::min(fitting, kBlockColumns) / kernels.panel_columns);
  split.block_columns = whole_rows ? n : std::min(n, panels * kernels.panel_columns);
  const auto rows = static_cast<std::int64_t>(kPieceBytes / kernels.row_bytes(k));
  split.piece_rows = std::min(m, std::clamp(rows, kernels.tile_rows, kPieceRows));
  const auto equal_rows = [&](std::int64_t pieces) {
    return std::min(m, parts_of(parts_of(m, pieces), kernels.tile_rows) * kernels.tile_rows);
  };
  split.piece_rows = equal_rows(parts_of(m, split.piece_rows));
  if (threads == 1) {
    split.piece_columns = n;
  } else {
    const std::int64_t blocks = batch * parts_of(m, split.piece_rows) * parts_of(n, split.block_columns);
    split.piece_columns = std::max<std::int64_t>(1, blocks / (threads * kIntegerColumnPieces)) * split.block_columns;
    const std::int64_t pieces = batch * parts_of(m, split.piece_rows) * parts_of(n, split.piece_columns);
    if (const std::int64_t wanted = threads * kIntegerPieces; pieces < wanted) {
      const std::int64_t rows = equal_rows(parts_of(m, split.piece_rows) * parts_of(wanted, pieces));
      split.piece_rows = std::min(split.piece_rows, std::max(kLeastIntegerRows, rows));
    }
  }
  split.workspace_bytes = Layout(kernels, k, split.piece_rows, split.block_columns).end;
  return split;
}

void run_integer_dot(const IntegerDotKernels& kernels, base::ThreadPool& pool, const IntegerDotProblem& problem,
                     const IntegerSplit& split, std::span<std::byte> workspaces, const IntegerTarget& target,
                     const std::function<void(const IntegerTile&)>& consume) {
  const Layout layout(kernels, problem.k, split.piece_rows, split.block_columns);
  const std::int64_t row_pieces = parts_of(problem.m, split.piece_rows);
  const std::int64_t column_pieces = parts_of(problem.n, split.piece_columns);
  // Neighbours of the same rows, which are prepared once for them.
  const auto pieces = [&](std::int64_t index, std::int64_t count, std::size_t thread) {
    const std::int64_t n0 = index % column_pieces * split.piece_columns;
    const std::int64_t n1 = std::min(problem.n, n0 + count * split.piece_columns);
    const std::int64_t m0 = index / column_pieces % row_pieces * split.piece_rows;
    const std::int64_t m1 = std::min(problem.m, m0 + split.piece_rows);
    const std::int64_t batch = index / column_pieces / row_pieces;
    auto* const memory = reinterpret_cast<std::uint8_t*>(workspaces.data() + thread * split.workspace_bytes);
    auto* const tile = reinterpret_cast<std::int32_t*>(memory + layout.tile);
    const PreparedRows prepared =
        kernels.prepare_rows(problem, batch, m0, m1, memory, reinterpret_cast<std::int32_t*>(memory + layout.start));
    for (std::int64_t n = n0; n < n1; n += split.block_columns) {
      const std::int64_t columns = std::min(split.block_columns, n1 - n);
      const std::uint8_t* packed = memory + layout.packed;
      if (problem.packed_b != nullptr) {
        packed = packed_columns(kernels, problem, n);
      } else {
        kernels.pack_columns(problem, batch, n, n + columns, memory + layout.packed);
      }
      const std::int64_t panels = parts_of(columns, kernels.panel_columns);
      const std::int64_t tiles = parts_of(m1 - m0, kernels.tile_rows);
      for (std::int64_t i = 0; i < tiles; ++i) {
        const std::int64_t m = m0 + i * kernels.tile_rows;
        const std::int64_t rows = std::min(kernels.tile_rows, m1 - m);
        fetch_columns(kernels, problem, batch, n + columns, std::min(n1, n + columns + split.block_columns), i, tiles);
        WrittenNext next;
        if (target.data != nullptr) {
          next = {target.data + batch * target.batch_pitch + m * target.pitch + n * kNumberBytes, target.pitch,
                  nullptr};
        }
        Dequantising by{};
        if (target.by && kernels.dequantises && columns % kernels.panel_columns == 0) {
          by = *target.by;
          by.row_scale += (batch * problem.m + m) * by.row_step;
          by.column_scale += n;
          if (by.bias != nullptr) by.bias += n;
          next.by = &by;
        }
        kernels.multiply(prepared, m - m0, rows, packed, panels, tile, layout.stride, next);
        if (next.by != nullptr) continue;
        consume({batch, m, rows, n, columns, tile, layout.stride, thread});
      }
    }
  };
  pool.run(static_cast<std::size_t>(problem.batch * row_pieces * column_pieces), 1,
           [&](std::size_t begin, std::size_t end, int thread) {
             in_runs(begin, end, column_pieces, [&](std::int64_t first, std::int64_t count) {
               pieces(first, count, static_cast<std::size_t>(thread));
             });
           });
}

}  // namespace starling::exact
