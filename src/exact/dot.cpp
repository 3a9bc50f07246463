#include "exact/dot.h"

#include <algorithm>

#include "exact/in_runs.h"

namespace starling::exact {
namespace {

// Bounds of a piece: the output and the rows' part of a depth block stay in the last-level cache; fewer rows would pack
// the other operand too often.
constexpr std::int64_t kMostDotRows = 1024;
constexpr std::int64_t kMostColumns = 1536;
constexpr std::int64_t kLeastDotColumns = 320;
constexpr std::int64_t kLeastDotRows = 224;
// The same of the pieces that threads end with, and how many of all there are for each thread.
constexpr std::int64_t kLastDotRows = 112;
constexpr std::int64_t kDotPieces = 16;
// Multiply-adds below which handing work to another thread costs more than it gains.
constexpr std::int64_t kLeastWork = 1 << 16;

std::int64_t parts(std::int64_t size, std::int64_t piece) { return (size + piece - 1) / piece; }

// Columns of each of so many equal pieces, whole vectors.
std::int64_t columns_of(std::int64_t n, std::int64_t pieces) { return parts(parts(n, pieces), 32) * 32; }

struct Split {
  std::int64_t batches;  // of a piece
  std::int64_t rows;
  std::int64_t columns;
  std::int64_t joined = 1;  // pieces of neighbouring rows that are one where a thread takes them together
};

Split choose_split(const DotProblem& problem, int threads) {
  const std::int64_t m = problem.m;
  const std::int64_t n = problem.n;
  const std::int64_t work = std::max<std::int64_t>(1, m * n * std::max<std::int64_t>(1, problem.k));
  const std::int64_t wanted = threads == 1 ? 1 : std::int64_t{threads} * 4;
  if (problem.batch >= wanted || work <= kLeastWork) {
    if (m <= kMostDotRows && n <= kMostColumns) {
      return {std::max(parts(kLeastWork, work), parts(problem.batch, wanted)), m, n};
    }
    return {1, parts(m, parts(m, kMostDotRows)), columns_of(n, parts(n, kMostColumns))};
  }
  Split split{1, parts(m, parts(m, kMostDotRows)), columns_of(n, parts(n, kMostColumns))};
  const auto pieces = [&] { return problem.batch * parts(m, split.rows) * parts(n, split.columns); };
  // Narrower pieces first: that packs nothing twice. Then shorter ones. Then whatever feeds every thread.
  if (pieces() < wanted && split.columns > kLeastDotColumns) {
    split.columns =
        columns_of(n, std::min(parts(n, kLeastDotColumns), parts(n, split.columns) * parts(wanted, pieces())));
  }
  if (pieces() < wanted && split.rows > kLeastDotRows) {
    split.rows = std::max(kLeastDotRows, parts(m, parts(m, split.rows) * parts(wanted, pieces())));
  }
  if (pieces() < threads) {
    if (m >= split.columns) {
      split.rows = parts(m, std::min(m, parts(m, split.rows) * parts(threads, pieces())));
    } else {
      split.columns = columns_of(n, parts(n, split.columns) * parts(threads, pieces()));
    }
  }
  // Threads take many pieces at a time at first and one at last: the smaller, the less one waits for another.
  if (threads > 1) {
    const std::int64_t cuts = parts(std::int64_t{threads} * kDotPieces, pieces());
    split.rows = parts(split.rows, std::clamp<std::int64_t>(split.rows / kLastDotRows, 1, cuts));
  }
  split.joined = std::max<std::int64_t>(1, kMostDotRows / split.rows);
  return split;
}

}  // namespace

void run_dot(const Kernels& kernels, base::ThreadPool& pool, const DotProblem& problem,
             std::span<std::byte> workspaces) {
  if (problem.batch == 0 || problem.m == 0 || problem.n == 0) return;
  const Split split = choose_split(problem, pool.threads());
  const std::int64_t row_pieces = parts(problem.m, split.rows);
  const std::int64_t column_pieces = parts(problem.n, split.columns);
  const std::int64_t pieces = parts(problem.batch, split.batches) * row_pieces * column_pieces;
  const std::size_t workspace_bytes = kernels.dot_workspace_bytes();
  // Pieces of neighbouring rows, whose columns are packed once for as many of them as may be joined.
  const auto run = [&](std::int64_t first, std::int64_t count, std::size_t thread) {
    const std::int64_t columns = first / row_pieces % column_pieces * split.columns;
    const std::int64_t batch = first / row_pieces / column_pieces * split.batches;
    const std::int64_t blocks = parts(count, split.joined);
    const std::int64_t start = first % row_pieces;
    for (std::int64_t i = 0; i < blocks; ++i) {
      kernels.dot_block(problem, batch, std::min(problem.batch, batch + split.batches),
                        (start + count * i / blocks) * split.rows,
                        std::min(problem.m, (start + count * (i + 1) / blocks) * split.rows), columns,
                        std::min(problem.n, columns + split.columns), workspaces.data() + thread * workspace_bytes);
    }
  };
  if (pieces == 1) return run(0, 1, 0);
  pool.run(static_cast<std::size_t>(pieces), 1, [&](std::size_t begin, std::size_t end, int thread) {
    in_runs(begin, end, row_pieces,
            [&](std::int64_t first, std::int64_t count) { run(first, count, static_cast<std::size_t>(thread)); });
  });
}

}  // namespace starling::exact
