#pragma once

#include <span>

#include "base/thread_pool.h"
#include "exact/kernels.h"
#include "exact/plan_body.h"

namespace starling::exact {

// A block of a product, i32 or f32, that has not gone to memory: value's element (row, column) is
// data[(row - first_row) * stride + column - first_column].
struct ProductTile {
  ValueId value = 0;
  void* data = nullptr;  // whoever is the only reader may write there
  std::ptrdiff_t stride = 0;
  std::int64_t first_row = 0;
  std::int64_t first_column = 0;
};

// Rows that a pass makes and that do not go to memory: value's element (row, column) is element
// (row - first_row) * stride + column of data.
struct KeptRows {
  ValueId value = 0;
  std::byte* data = nullptr;
  std::ptrdiff_t stride = 0;
  std::int64_t first_row = 0;
};

// Whether a pass reduces rows, so that it needs whole ones.
bool has_columns(const Group& group);

// Floats of scratch that one thread needs for the pass.
std::size_t group_scratch(const Group& group);

// Runs a pass. memory[v] is where value v's own memory begins; scratch has group_scratch() floats for each thread.
void run_group(const Kernels& kernels, base::ThreadPool& pool, const Group& group, std::span<float* const> memory,
               std::span<float* const> scratch);

// Runs the part of a pass that belongs to a tile of the product that it is fused with, on one thread.
void run_group_on_tile(const Kernels& kernels, const Group& group, std::span<float* const> memory, float* scratch,
                       const ProductTile& tile, std::int64_t rows, std::int64_t columns, const KeptRows& kept = {});

}  // namespace starling::exact
