#include "exact/same_sums.h"

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <random>
#include <vector>

#include "exact/integer_dot.h"

namespace starling::exact {
namespace {

Axis single_factor(std::int64_t size, std::ptrdiff_t stride) {
  Axis axis;
  axis.factors = 1;
  axis.size[0] = size;
  axis.stride[0] = stride;
  return axis;
}

std::vector<std::int32_t> sums_of(const IntegerDotKernels& kernels, const IntegerDotProblem& problem) {
  base::ThreadPool alone(1);
  const IntegerSplit split = split_integer_dot(kernels, 1, problem.m, problem.n, problem.k, false, 1);
  constexpr std::size_t kAlignment = 64;
  const std::size_t bytes = (split.workspace_bytes + kAlignment - 1) / kAlignment * kAlignment;
  const std::unique_ptr<std::byte, decltype(&std::free)> workspace(
      static_cast<std::byte*>(std::aligned_alloc(kAlignment, bytes)), &std::free);
  if (workspace == nullptr) return {};
  std::vector<std::int32_t> sums(static_cast<std::size_t>(problem.m * problem.n));
  run_integer_dot(kernels, alone, problem, split, {workspace.get(), bytes}, {}, [&](const IntegerTile& tile) {
    for (std::int64_t i = 0; i < tile.rows; ++i) {
      std::copy_n(tile.data + i * tile.stride, tile.columns, sums.data() + (tile.m0 + i) * problem.n + tile.n0);
    }
  });
  return sums;
}

}  // namespace

bool same_sums(const IntegerDotKernels& one, const IntegerDotKernels& other) {
  // Read where they lie, and copied; blocks of rows of both heights.
  constexpr std::int64_t kRows = 107;
  constexpr std::int64_t kColumns = 45;
  std::mt19937 random(1);
  for (const std::int64_t depth : {192, 131}) {
    std::vector<std::uint8_t> a(static_cast<std::size_t>(kRows * depth));
    std::vector<std::uint8_t> b(static_cast<std::size_t>(kColumns * depth));
    for (std::uint8_t& number : a) number = static_cast<std::uint8_t>(random());
    for (std::uint8_t& number : b) number = static_cast<std::uint8_t>(random());
    for (const bool is_unsigned : {false, true}) {
      const auto stride = static_cast<std::ptrdiff_t>(depth);
      const IntegerDotProblem problem{{a.data(), {}, single_factor(kRows, stride), single_factor(depth, 1)},
                                      {b.data(), {}, single_factor(kColumns, stride), single_factor(depth, 1)},
                                      is_unsigned,
                                      1,
                                      kRows,
                                      kColumns,
                                      depth};
      const std::vector<std::int32_t> sums = sums_of(one, problem);
      if (sums.empty() || sums != sums_of(other, problem)) return false;
    }
  }
  return true;
}

}  // namespace starling::exact
