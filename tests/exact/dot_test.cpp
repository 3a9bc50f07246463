#include "exact/dot.h"

#include <gtest/gtest.h>

#include <bit>
#include <cstdlib>
#include <limits>
#include <memory>
#include <random>
#include <vector>

#include "exact/math.h"
#include "float_bits.h"

namespace starling::exact {
namespace {

class Workspaces {
 public:
  Workspaces(const Kernels& kernels, int threads)
      : bytes_(kernels.dot_workspace_bytes() * static_cast<std::size_t>(threads)),
        memory_(static_cast<std::byte*>(std::aligned_alloc(64, (bytes_ + 63) / 64 * 64)), &std::free) {
    std::fill_n(memory_.get(), bytes_, std::byte{0xff});
  }
  std::span<std::byte> span() const { return {memory_.get(), bytes_}; }

 private:
  std::size_t bytes_;
  std::unique_ptr<std::byte, decltype(&std::free)> memory_;
};

Axis axis(std::vector<std::pair<std::int64_t, std::ptrdiff_t>> factors) {
  Axis result;
  for (const auto& [size, stride] : factors) {
    result.size[result.factors] = size;
    result.stride[result.factors++] = stride;
  }
  return result;
}

// A problem together with its memory.
struct Example {
  std::vector<float> a;
  std::vector<float> b;
  std::vector<float> out;
  DotProblem problem;
};

std::ptrdiff_t reach(const Axis& axis) {
  std::ptrdiff_t sum = 0;
  for (int i = 0; i < axis.factors; ++i) sum += (axis.size[i] - 1) * axis.stride[i];
  return sum;
}

std::vector<float> numbers(std::mt19937& random, std::ptrdiff_t count, bool special) {
  const float specials[] = {0.0F,
                            -0.0F,
                            1e-40F,
                            -1e-42F,
                            1e-30F,
                            3e38F,
                            std::numeric_limits<float>::infinity(),
                            -std::numeric_limits<float>::infinity(),
                            kNan,
                            std::bit_cast<float>(0xffc12345U)};
  std::normal_distribution<float> normal;
  std::vector<float> result(static_cast<std::size_t>(count));
  for (float& value : result) value = special && random() % 64 == 0 ? specials[random() % 10] : normal(random);
  return result;
}

void fill(Example& example, std::mt19937& random, bool special) {
  DotProblem& p = example.problem;
  p.batch = p.a.batch.total();
  p.m = p.a.rows.total();
  p.n = p.b.rows.total();
  p.k = p.a.depth.total();
  ASSERT_EQ(p.k, p.b.depth.total());
  example.a = numbers(random, reach(p.a.batch) + reach(p.a.rows) + reach(p.a.depth) + 1, special);
  example.b = numbers(random, reach(p.b.batch) + reach(p.b.rows) + reach(p.b.depth) + 1, special);
  example.out.assign(static_cast<std::size_t>(reach(p.out.batch) + reach(p.out.rows) + p.n), 12345.0F);
  p.a.data = example.a.data();
  p.b.data = example.b.data();
  p.out.data = example.out.data();
}

void expect_chain(const Kernels& kernels, base::ThreadPool& pool, Example& example) {
  const DotProblem& p = example.problem;
  std::vector<float> expected = example.out;
  for (std::int64_t batch = 0; batch < p.batch; ++batch) {
    for (std::int64_t m = 0; m < p.m; ++m) {
      for (std::int64_t n = 0; n < p.n; ++n) {
        const float* a = p.a.data + p.a.batch.offset(batch) + p.a.rows.offset(m);
        const float* b = p.b.data + p.b.batch.offset(batch) + p.b.rows.offset(n);
        float sum = 0.0F;
        for (std::int64_t k = 0; k < p.k; ++k) sum = math::fma(a[p.a.depth.offset(k)], b[p.b.depth.offset(k)], sum);
        expected[static_cast<std::size_t>(p.out.batch.offset(batch) + p.out.rows.offset(m) + n)] = sum;
      }
    }
  }
  const Workspaces workspaces(kernels, pool.threads());
  run_dot(kernels, pool, p, workspaces.span());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    ASSERT_EQ(bits(example.out[i]), bits(expected[i]))
        << kernels.name << ' ' << p.batch << " x " << p.m << " x " << p.n << " x " << p.k << " at " << i << ": "
        << example.out[i] << " for " << expected[i];
  }
}

// Rows by depth, as they lie or turned, with some memory between.
void plain(DotOperand& operand, std::mt19937& random, std::int64_t batch, std::int64_t rows, std::int64_t depth) {
  const std::ptrdiff_t gap = random() % 3 == 0 ? static_cast<std::ptrdiff_t>(random() % 5) : 0;
  if (random() % 2 == 0) {
    operand.rows = axis({{rows, depth + gap}});
    operand.depth = axis({{depth, 1}});
  } else {
    operand.rows = axis({{rows, 1}});
    operand.depth = axis({{depth, rows + gap}});
  }
  const std::ptrdiff_t matrix = reach(operand.rows) + reach(operand.depth) + 1;
  operand.batch = axis({{batch, random() % 4 == 0 ? 0 : matrix}});
}

TEST(Dot, EqualsTheChainOnPlainMatrices) {
  base::ThreadPool pool(2);
  base::set_ieee_mode();
  for (const Kernels* kernels : available_kernels()) {
    std::mt19937 random(6);
    for (int round = 0; round < 120; ++round) {
      const std::int64_t batch = 1 + static_cast<std::int64_t>(random() % 4 == 0 ? random() % 9 : 0);
      const auto m = static_cast<std::int64_t>(1 + random() % (round % 3 == 0 ? 5 : 70));
      const auto n = static_cast<std::int64_t>(1 + random() % (round % 5 == 0 ? 5 : 110));
      const auto k = static_cast<std::int64_t>(1 + random() % (round % 4 == 0 ? 4 : 80));
      Example example{};
      plain(example.problem.a, random, batch, m, k);
      plain(example.problem.b, random, batch, n, k);
      const auto stride = static_cast<std::ptrdiff_t>(n + (random() % 2) * 3);
      example.problem.out.rows = axis({{m, stride}});
      example.problem.out.batch = axis({{batch, m * stride}});
      ASSERT_NO_FATAL_FAILURE(fill(example, random, round % 2 == 0));
      ASSERT_NO_FATAL_FAILURE(expect_chain(*kernels, pool, example));
    }
  }
}

// Sizes beyond every block of every backend, so that chains wait in the output and threads share the work.
TEST(Dot, EqualsTheChainAcrossBlocks) {
  base::ThreadPool pool(3);
  base::set_ieee_mode();
  const std::int64_t sizes[][3] = {{30, 35, 1700}, {19, 700, 70},  {500, 33, 40},
                                   {1, 40, 1100},  {37, 24, 1100}, {450, 9, 600}};
  for (const Kernels* kernels : available_kernels()) {
    std::mt19937 random(7);
    for (const auto& [m, n, k] : sizes) {
      Example example{};
      plain(example.problem.a, random, 1, m, k);
      plain(example.problem.b, random, 1, n, k);
      example.problem.out.rows = axis({{m, n}});
      ASSERT_NO_FATAL_FAILURE(fill(example, random, false));
      ASSERT_NO_FATAL_FAILURE(expect_chain(*kernels, pool, example));
    }
  }
}

// A convolution and the gradient of its weight: windows of x[N, H, W, C] along the rows or along the depth. Some rows
// of pixels are longer than a panel of the kernels, and some windows deeper than a block.
TEST(Dot, EqualsTheChainOnWindows) {
  base::ThreadPool pool(2);
  base::set_ieee_mode();
  for (const Kernels* kernels : available_kernels()) {
    std::mt19937 random(8);
    for (int round = 0; round < 24; ++round) {
      const std::int64_t images = 1 + static_cast<std::int64_t>(random() % 2);
      const std::int64_t kernel = 1 + static_cast<std::int64_t>(random() % 3);
      const std::int64_t step = 1 + static_cast<std::int64_t>(random() % 2);
      const std::int64_t height = kernel + static_cast<std::int64_t>(random() % 7);
      const bool large = round % 3 == 0;
      const std::int64_t width = kernel + static_cast<std::int64_t>(random() % (large ? 60 : 9));
      const auto channels = static_cast<std::int64_t>(1 + random() % (large ? 120 : 26));
      const std::int64_t out_height = (height - kernel) / step + 1;
      const std::int64_t out_width = (width - kernel) / step + 1;
      const Axis pixels = axis(
          {{images, height * width * channels}, {out_height, step * width * channels}, {out_width, step * channels}});
      const Axis window = axis({{kernel, width * channels}, {kernel, channels}, {channels, 1}});
      const auto others = static_cast<std::int64_t>(1 + random() % 40);
      Example forward{};
      forward.problem.a = {nullptr, {}, pixels, window};
      forward.problem.b = {nullptr, {}, axis({{others, window.total()}}), axis({{window.total(), 1}})};
      forward.problem.out.rows = axis({{pixels.total(), others}});
      ASSERT_NO_FATAL_FAILURE(fill(forward, random, round % 2 == 0));
      ASSERT_NO_FATAL_FAILURE(expect_chain(*kernels, pool, forward));
      Example gradient{};
      gradient.problem.a = {nullptr, {}, axis({{others, 1}}), axis({{pixels.total(), others}})};
      gradient.problem.b = {nullptr, {}, window, pixels};
      gradient.problem.out.rows = axis({{others, window.total()}});
      ASSERT_NO_FATAL_FAILURE(fill(gradient, random, round % 2 == 0));
      ASSERT_NO_FATAL_FAILURE(expect_chain(*kernels, pool, gradient));
    }
  }
}

// Heads of an attention, cut out of and written into [tokens, heads, size]; and strides that fit nothing.
TEST(Dot, EqualsTheChainOnAnyStrides) {
  base::ThreadPool pool(2);
  base::set_ieee_mode();
  for (const Kernels* kernels : available_kernels()) {
    std::mt19937 random(9);
    Example heads{};
    heads.problem.a = {nullptr, axis({{2, 80 * 96}, {3, 32}}), axis({{80, 96}}), axis({{32, 1}})};
    heads.problem.b = {nullptr, axis({{2, 80 * 96}, {3, 32}}), axis({{32, 1}}), axis({{32, 96}})};
    heads.problem.out = {nullptr, axis({{2, 80 * 96}, {3, 32}}), axis({{80, 96}})};
    ASSERT_NO_FATAL_FAILURE(fill(heads, random, false));
    ASSERT_NO_FATAL_FAILURE(expect_chain(*kernels, pool, heads));
    for (int round = 0; round < 20; ++round) {
      Example odd{};
      const auto any = [&](std::int64_t low, std::int64_t high) {
        return low + static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(high - low + 1));
      };
      const std::int64_t depth0 = any(1, 5);
      const std::int64_t depth1 = any(1, 9);
      odd.problem.a = {nullptr,
                       {},
                       axis({{any(1, 3), any(0, 50)}, {any(1, 9), any(0, 7)}}),
                       axis({{depth0, any(0, 9)}, {depth1, any(0, 3)}})};
      odd.problem.b = {
          nullptr, {}, axis({{any(1, 5), any(0, 50)}, {any(1, 9), any(0, 7)}}), axis({{depth0 * depth1, any(0, 3)}})};
      const std::int64_t n = odd.problem.b.rows.total();
      const Axis& rows = odd.problem.a.rows;
      odd.problem.out.rows = axis({{rows.size[0], n * rows.size[1] + 7}, {rows.size[1], n}});
      ASSERT_NO_FATAL_FAILURE(fill(odd, random, true));
      ASSERT_NO_FATAL_FAILURE(expect_chain(*kernels, pool, odd));
    }
  }
}

TEST(Dot, EmptyDepthGivesZeros) {
  base::ThreadPool pool(1);
  for (const Kernels* kernels : available_kernels()) {
    std::vector<float> out(6, 1.0F);
    DotProblem problem{};
    problem.out = {out.data(), {}, axis({{2, 3}})};
    problem.a.rows = axis({{2, 0}});
    problem.b.rows = axis({{3, 0}});
    problem.batch = 1;
    problem.m = 2;
    problem.n = 3;
    const Workspaces workspaces(*kernels, 1);
    run_dot(*kernels, pool, problem, workspaces.span());
    EXPECT_EQ(out, std::vector<float>(6, 0.0F));
  }
}

}  // namespace
}  // namespace starling::exact
