// Every kind of integer product that this CPU can run, and AMX's over emulated tiles, against sums in 64 bits.
#include "exact/integer_dot.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <random>
#include <vector>

#include "emulated_tiles.h"
#include "exact/same_sums.h"

namespace starling::exact {
namespace {

Axis factored(const std::vector<std::pair<std::int64_t, std::ptrdiff_t>>& factors) {
  Axis result;
  for (const auto& [size, stride] : factors) {
    if (size == 1) continue;
    result.size[result.factors] = size;
    result.stride[result.factors++] = stride;
  }
  return result;
}

std::ptrdiff_t integer_reach(const Axis& axis) {
  std::ptrdiff_t sum = 0;
  for (int i = 0; i < axis.factors; ++i) sum += (axis.size[i] - 1) * axis.stride[i];
  return sum;
}

struct Integers {
  std::vector<std::uint8_t> a;
  std::vector<std::uint8_t> b;
  IntegerDotProblem problem;
};

enum class Range : std::uint8_t { kAny, kLeast, kExtremes };

// Memory that holds the operand and nothing more, so that a sanitizer sees reads beyond it.
std::vector<std::uint8_t> memory_of(std::mt19937& random, const IntegerOperand& operand, Range kind, bool is_signed) {
  std::vector<std::uint8_t> result(static_cast<std::size_t>(integer_reach(operand.batch) + integer_reach(operand.rows) +
                                                            integer_reach(operand.depth) + 1));
  const std::uint8_t extremes[] = {static_cast<std::uint8_t>(is_signed ? 128 : 255),
                                   static_cast<std::uint8_t>(is_signed ? 127 : 254), 0};
  for (std::uint8_t& number : result) {
    number = kind == Range::kAny     ? static_cast<std::uint8_t>(random())
             : kind == Range::kLeast ? extremes[0]
                                     : extremes[random() % 3];
  }
  return result;
}

void fill(Integers& example, std::mt19937& random, Range kind) {
  IntegerDotProblem& p = example.problem;
  example.a = memory_of(random, p.a, kind, !p.a_is_unsigned);
  example.b = memory_of(random, p.b, kind, true);
  p.a.data = example.a.data();
  p.b.data = example.b.data();
}

std::int64_t element(const IntegerOperand& operand, bool is_unsigned, std::int64_t batch, std::int64_t row,
                     std::int64_t k) {
  const std::uint8_t number =
      operand.data[operand.batch.offset(batch) + operand.rows.offset(row) + operand.depth.offset(k)];
  return is_unsigned ? number : static_cast<std::int8_t>(number);
}

void expect_sums(const IntegerDotKernels& kernels, base::ThreadPool& pool, const Integers& example, bool whole_rows) {
  const IntegerDotProblem& p = example.problem;
  const IntegerSplit split = split_integer_dot(kernels, p.batch, p.m, p.n, p.k, whole_rows, pool.threads());
  const std::size_t bytes = split.workspace_bytes * static_cast<std::size_t>(pool.threads());
  const std::unique_ptr<std::byte, decltype(&std::free)> workspace(
      static_cast<std::byte*>(std::aligned_alloc(64, bytes)), &std::free);
  std::fill_n(workspace.get(), bytes, std::byte{0xa5});
  const auto count = static_cast<std::size_t>(p.batch * p.m * p.n);
  std::vector<std::int32_t> out(count, 12345);
  std::vector<std::uint8_t> written(count, 0);
  run_integer_dot(kernels, pool, p, split, {workspace.get(), bytes}, {}, [&](const IntegerTile& tile) {
    if (whole_rows && tile.columns != p.n) return;  // found by what is not written
    for (std::int64_t i = 0; i < tile.rows; ++i) {
      for (std::int64_t j = 0; j < tile.columns; ++j) {
        const auto at = static_cast<std::size_t>((tile.batch * p.m + tile.m0 + i) * p.n + tile.n0 + j);
        out[at] = tile.data[i * tile.stride + j];
        ++written[at];
      }
    }
  });
  for (std::int64_t batch = 0; batch < p.batch; ++batch) {
    for (std::int64_t m = 0; m < p.m; ++m) {
      for (std::int64_t n = 0; n < p.n; ++n) {
        std::int64_t sum = 0;
        for (std::int64_t k = 0; k < p.k; ++k) {
          sum += element(p.a, p.a_is_unsigned, batch, m, k) * element(p.b, false, batch, n, k);
        }
        const auto at = static_cast<std::size_t>((batch * p.m + m) * p.n + n);
        ASSERT_EQ(out[at], sum) << kernels.name << (p.a_is_unsigned ? " u8 " : " i8 ") << p.batch << " x " << p.m
                                << " x " << p.n << " x " << p.k << " at " << m << ", " << n;
        ASSERT_EQ(written[at], 1) << kernels.name;
      }
    }
  }
}

// Rows by depth, as they lie or turned, with some memory between.
void plain(IntegerOperand& operand, std::mt19937& random, std::int64_t batch, std::int64_t rows, std::int64_t depth) {
  const std::ptrdiff_t gap = random() % 3 == 0 ? static_cast<std::ptrdiff_t>(random() % 5) : 0;
  const bool turned = random() % 3 == 0;
  operand.rows = factored({{rows, turned ? 1 : depth + gap}});
  operand.depth = factored({{depth, turned ? rows + gap : 1}});
  operand.batch = factored({{batch, integer_reach(operand.rows) + integer_reach(operand.depth) + 1}});
}

Integers plain_example(std::mt19937& random, std::int64_t batch, std::int64_t m, std::int64_t n, std::int64_t k) {
  Integers example{};
  example.problem.a_is_unsigned = random() % 2 == 0;
  example.problem.batch = batch;
  example.problem.m = m;
  example.problem.n = n;
  example.problem.k = k;
  plain(example.problem.a, random, batch, m, k);
  plain(example.problem.b, random, batch, n, k);
  return example;
}

TEST(IntegerDot, EqualsTheSumsOnPlainMatrices) {
  for (const int threads : {1, 2, 7}) {
    base::ThreadPool pool(threads);
    for (const IntegerDotKernels* kernels : every_integer_dot()) {
      std::mt19937 random(7);
      for (int round = 0; round < 60; ++round) {
        const std::int64_t batch = random() % 4 == 0 ? 1 + static_cast<std::int64_t>(random() % 5) : 1;
        const auto m = static_cast<std::int64_t>(1 + random() % (round % 3 == 0 ? 5 : 45));
        const auto n = static_cast<std::int64_t>(1 + random() % (round % 5 == 0 ? 5 : 80));
        const auto k = static_cast<std::int64_t>(1 + random() % (round % 4 == 0 ? 6 : 150));
        Integers example = plain_example(random, batch, m, n, round % 2 == 0 ? k : (k + 3) / 4 * 4);
        fill(example, random, round % 3 == 0 ? Range::kExtremes : Range::kAny);
        ASSERT_NO_FATAL_FAILURE(expect_sums(*kernels, pool, example, round % 2 == 0));
      }
    }
  }
}

// Windows of a convolution, and rows that are repeated.
TEST(IntegerDot, EqualsTheSumsOnViews) {
  base::ThreadPool pool(2);
  for (const IntegerDotKernels* kernels : every_integer_dot()) {
    std::mt19937 random(8);
    Integers example = plain_example(random, 1, 1, 37, 3 * 3 * 5);
    example.problem.a.rows = factored({{7, 9 * 5}, {6, 5}});
    example.problem.a.depth = factored({{3, 9 * 5}, {3, 5}, {5, 1}});
    example.problem.m = 42;
    fill(example, random, Range::kAny);
    ASSERT_NO_FATAL_FAILURE(expect_sums(*kernels, pool, example, false));
    example = plain_example(random, 3, 20, 40, 64);
    example.problem.b.batch = factored({{3, 0}});
    example.problem.a.rows = factored({{20, 0}});
    fill(example, random, Range::kAny);
    ASSERT_NO_FATAL_FAILURE(expect_sums(*kernels, pool, example, true));
  }
}

// More rows, columns and depth than one block or piece has.
TEST(IntegerDot, EqualsTheSumsAcrossBlocks) {
  base::ThreadPool pool(3);
  for (const IntegerDotKernels* kernels : every_integer_dot()) {
    std::mt19937 random(9);
    Integers example = plain_example(random, 1, 1100, 9, 33);
    fill(example, random, Range::kAny);
    ASSERT_NO_FATAL_FAILURE(expect_sums(*kernels, pool, example, false));
    example = plain_example(random, 1, 5, 1153, 130);
    fill(example, random, Range::kAny);
    ASSERT_NO_FATAL_FAILURE(expect_sums(*kernels, pool, example, false));
    example = plain_example(random, 1, 33, 70, 4096);
    fill(example, random, Range::kExtremes);
    ASSERT_NO_FATAL_FAILURE(expect_sums(*kernels, pool, example, false));
  }
}

// -128 · -128 and 255 · -128 as often as fits: saturating instructions and sums that wrap show here.
TEST(IntegerDot, HoldsTheGreatestDepth) {
  base::ThreadPool pool(1);
  for (const IntegerDotKernels* kernels : every_integer_dot()) {
    for (const bool is_unsigned : {false, true}) {
      std::mt19937 random(10);
      Integers example = plain_example(random, 1, 3, 5, is_unsigned ? 65793 : 131071);
      example.problem.a_is_unsigned = is_unsigned;
      fill(example, random, Range::kLeast);
      ASSERT_NO_FATAL_FAILURE(expect_sums(*kernels, pool, example, false));
    }
  }
}

// Rows on both sides of a tile, of two and of a call; the depth on both sides of a tile's.
TEST(IntegerDot, EqualsTheSumsWhereTilesEnd) {
  base::ThreadPool pool(1);
  for (const IntegerDotKernels* kernels : every_integer_dot()) {
    std::mt19937 random(11);
    for (const std::int64_t m : {1, 15, 16, 17, 32, 33, 63, 65, 97}) {
      for (const std::int64_t k : {60, 64, 68}) {
        Integers example = plain_example(random, 1, m, 16 + m, k);
        fill(example, random, Range::kExtremes);
        ASSERT_NO_FATAL_FAILURE(expect_sums(*kernels, pool, example, false)) << kernels->name;
      }
    }
  }
}

// What amx is believed by: kinds that differ are told apart.
TEST(IntegerDot, KnowsKindsThatDiffer) {
  IntegerDotKernels wrong = emulated_tile_products();
  EXPECT_TRUE(same_sums(emulated_tile_products(), *available_integer_dots().back()));
  wrong.multiply = [](const PreparedRows& prepared, std::int64_t row, std::int64_t rows, const std::uint8_t* packed,
                      std::int64_t panels, std::int32_t* out, std::ptrdiff_t stride, WrittenNext next) {
    emulated_tile_products().multiply(prepared, row, rows, packed, panels, out, stride, next);
    if (rows % 16 != 0) ++out[(rows - 1) * stride];
  };
  EXPECT_FALSE(same_sums(wrong, *available_integer_dots().back()));
}

// The backend's own instructions: the tests above run them where they are.
TEST(IntegerDot, RunsOnTilesOfTheCpu) {
  if (!choose_kernels("amx").ok()) GTEST_SKIP() << "this CPU, or its system, has no AMX: its tiles were only emulated";
  EXPECT_STREQ(available_integer_dots().front()->name, "amx");
  EXPECT_TRUE(same_sums(*available_integer_dots().front(), emulated_tile_products()));
}

}  // namespace
}  // namespace starling::exact
