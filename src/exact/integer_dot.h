#pragma once

#include <functional>
#include <optional>
#include <span>

#include "base/thread_pool.h"
#include "exact/kernels.h"

namespace starling::exact {

// Rows [m0, m0 + rows) and columns [n0, n0 + columns) of one batch of a product, as one thread has just made them:
// element (i, j) of the tile is data[i * stride + j]. Gone when the consumer returns.
struct IntegerTile {
  std::int64_t batch;
  std::int64_t m0;
  std::int64_t rows;
  std::int64_t n0;
  std::int64_t columns;
  std::int32_t* data;
  std::ptrdiff_t stride;
  std::size_t thread;
};

// How a product is cut: neither bits nor what consumers see depend on it, but that a tile has whole rows where they are
// asked for.
struct IntegerSplit {
  std::int64_t piece_rows;      // of what one thread takes at once
  std::int64_t piece_columns;   // a multiple of block_columns, or all
  std::int64_t block_columns;   // packed at once
  std::size_t workspace_bytes;  // of one thread
};

IntegerSplit split_integer_dot(const IntegerDotKernels& kernels, std::int64_t batch, std::int64_t m, std::int64_t n,
                               std::int64_t k, bool whole_rows, int threads);

// Whether whole rows of the product can be made at once: the packed columns and a tile must be small enough.
bool whole_rows_fit(std::int64_t n, std::int64_t k);

// What is written for an element of the product, where that is one number of four bytes: element (batch, m, n) at
// data + batch * batch_pitch + m * pitch + 4 * n. It is fetched for the consumer. With `by` it is f32 and made with
// those operands, of the first row (batch and m together) and column, where whole panels of columns allow it: then the
// consumer is not asked.
struct IntegerTarget {
  std::byte* data = nullptr;
  std::ptrdiff_t batch_pitch = 0;
  std::ptrdiff_t pitch = 0;
  std::optional<Dequantising> by;
};

// Runs a product over the pool's threads and gives it to the consumer tile by tile. workspaces holds threads() times
// workspace_bytes, aligned to 64.
void run_integer_dot(const IntegerDotKernels& kernels, base::ThreadPool& pool, const IntegerDotProblem& problem,
                     const IntegerSplit& split, std::span<std::byte> workspaces, const IntegerTarget& target,
                     const std::function<void(const IntegerTile&)>& consume);

}  // namespace starling::exact
