#include "exact/kernels.h"

#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cmath>
#include <functional>
#include <limits>
#include <random>
#include <vector>

#include "base/thread_pool.h"
#include "exact/math.h"
#include "float_bits.h"

namespace starling::exact {
namespace {

constexpr float kUntouched = 12345.0F;

// Ordinary numbers with every kind of special one among them.
std::vector<float> numbers(std::mt19937& random, std::size_t count) {
  const float special[] = {
      0.0F,  -0.0F,  1e-40F, -1e-45F, kInfinity, -kInfinity, kNan, std::bit_cast<float>(0xffc12345U),
      3e38F, -3e38F, 88.5F,  -103.5F, 3e5F,      -1e30F,     1.0F, 0.5F};
  std::normal_distribution<float> normal;
  std::vector<float> result(count);
  for (float& value : result) {
    const std::uint32_t kind = random() % 16;
    value = kind == 0   ? special[random() % std::size(special)]
            : kind == 1 ? std::bit_cast<float>(static_cast<std::uint32_t>(random()))
                        : normal(random);
  }
  return result;
}

// Memory that holds rows × columns elements at any stride and step, and nothing more.
class Operand {
 public:
  Operand(std::mt19937& random, std::ptrdiff_t row_stride, std::ptrdiff_t step, std::size_t rows, std::size_t columns) {
    std::ptrdiff_t low = 0;
    std::ptrdiff_t high = 0;
    for (const std::ptrdiff_t r : {std::ptrdiff_t{0}, static_cast<std::ptrdiff_t>(rows) - 1}) {
      for (const std::ptrdiff_t i : {std::ptrdiff_t{0}, static_cast<std::ptrdiff_t>(columns) - 1}) {
        low = std::min(low, r * row_stride + i * step);
        high = std::max(high, r * row_stride + i * step);
      }
    }
    memory_ = numbers(random, static_cast<std::size_t>(high - low + 1));
    view_ = {memory_.data() - low, row_stride, step};
  }
  RowsF32 view() const { return view_; }
  float at(std::size_t r, std::size_t i) const {
    return view_.data[static_cast<std::ptrdiff_t>(r) * view_.row_stride + static_cast<std::ptrdiff_t>(i) * view_.step];
  }

 private:
  std::vector<float> memory_;
  RowsF32 view_{};
};

struct Layout {
  std::ptrdiff_t row_stride;
  std::ptrdiff_t step;
};

Layout any_layout(std::mt19937& random, std::size_t rows, std::size_t columns) {
  const auto width = static_cast<std::ptrdiff_t>(columns);
  switch (random() % 10) {
    case 0:
      return {0, 0};
    case 1:
      return {1, 0};
    case 2:
      return {0, 1};
    case 3:
      return {2 * width, 2};
    case 4:
      return {width, -1};
    case 5:
      return {2 * width + 1, -2};
    case 6:
      return {1, static_cast<std::ptrdiff_t>(rows)};
    case 7:
      return {width * 3, 3};
    case 8:
      return {width + 5, 1};
    default:
      return {width, 1};
  }
}

using Definition = std::function<float(float, float, float)>;
using KernelCall = std::function<void(const Kernels&, float*, std::ptrdiff_t, const std::array<RowsF32, 3>&,
                                      std::size_t, std::size_t)>;

struct Case {
  const char* name;
  Definition definition;
  KernelCall call;
};

Case unary(const char* name, UnaryKernel Kernels::*kernel, float (*definition)(float)) {
  return {name, [=](float a, float, float) { return definition(a); },
          [=](const Kernels& k, float* out, std::ptrdiff_t stride, const std::array<RowsF32, 3>& in, std::size_t rows,
              std::size_t columns) { (k.*kernel)(out, stride, in[0], rows, columns); }};
}
Case binary(const char* name, BinaryKernel Kernels::*kernel, float (*definition)(float, float)) {
  return {name, [=](float a, float b, float) { return definition(a, b); },
          [=](const Kernels& k, float* out, std::ptrdiff_t stride, const std::array<RowsF32, 3>& in, std::size_t rows,
              std::size_t columns) { (k.*kernel)(out, stride, in[0], in[1], rows, columns); }};
}
Case ternary(const char* name, TernaryKernel Kernels::*kernel, float (*definition)(float, float, float)) {
  return {name, definition,
          [=](const Kernels& k, float* out, std::ptrdiff_t stride, const std::array<RowsF32, 3>& in, std::size_t rows,
              std::size_t columns) { (k.*kernel)(out, stride, in[0], in[1], in[2], rows, columns); }};
}

std::vector<Case> cases() {
  return {
      unary("copy", &Kernels::copy, [](float a) { return a; }),
      unary("neg", &Kernels::neg, math::neg),
      unary("abs", &Kernels::abs, math::abs),
      unary("sqrt", &Kernels::sqrt, math::sqrt),
      unary("exp", &Kernels::exp, math::exp),
      unary("log", &Kernels::log, math::log),
      unary("sin", &Kernels::sin, math::sin),
      unary("cos", &Kernels::cos, math::cos),
      unary("tanh", &Kernels::tanh, math::tanh),
      unary("erf", &Kernels::erf, math::erf),
      binary("add", &Kernels::add, math::add),
      binary("sub", &Kernels::sub, math::sub),
      binary("mul", &Kernels::mul, math::mul),
      binary("div", &Kernels::div, math::div),
      binary("maximum", &Kernels::maximum, math::maximum),
      binary("minimum", &Kernels::minimum, math::minimum),
      binary("less", &Kernels::less, math::less),
      ternary("fma", &Kernels::fma, math::fma),
      ternary("select", &Kernels::select, math::select),
  };
}

TEST(Kernels, ElementwiseEqualsTheDefinitionAtAnyLayout) {
  base::set_ieee_mode();
  for (const Kernels* kernels : available_kernels()) {
    for (const Case& test : cases()) {
      std::mt19937 random(3);
      for (int round = 0; round < 60; ++round) {
        const std::size_t rows = random() % 40;
        const std::size_t columns = random() % 70;
        const std::size_t stride = columns + (random() % 2) * 3;
        std::vector<Operand> operands;
        std::array<RowsF32, 3> views{};
        for (std::size_t i = 0; i < 3; ++i) {
          const Layout layout = any_layout(random, rows, columns);
          operands.emplace_back(random, layout.row_stride, layout.step, rows, columns);
          views[i] = operands.back().view();
        }
        std::vector<float> out(rows * stride + 1, kUntouched);
        test.call(*kernels, out.data(), static_cast<std::ptrdiff_t>(stride), views, rows, columns);
        for (std::size_t r = 0; r < rows; ++r) {
          for (std::size_t i = 0; i < stride; ++i) {
            const float expected =
                i < columns ? test.definition(operands[0].at(r, i), operands[1].at(r, i), operands[2].at(r, i))
                            : kUntouched;
            ASSERT_EQ(bits(out[r * stride + i]), bits(expected))
                << kernels->name << ' ' << test.name << " of " << operands[0].at(r, i) << ", " << operands[1].at(r, i)
                << ", " << operands[2].at(r, i) << " at " << r << ", " << i << " of " << rows << " x " << columns;
          }
        }
        ASSERT_EQ(out.back(), kUntouched);
      }
    }
  }
}

// Sums that lie halfway between two numbers but for digits far below: what rounding twice gets wrong.
TEST(Kernels, FmaIsRoundedOnce) {
  base::set_ieee_mode();
  constexpr std::size_t kCount = 4096;
  for (const Kernels* kernels : available_kernels()) {
    std::mt19937 random(10);
    std::vector<float> a(kCount);
    std::vector<float> b(kCount);
    std::vector<float> c(kCount);
    std::vector<float> out(kCount);
    for (std::size_t i = 0; i < kCount; ++i) {
      const auto near_one = [&](std::uint32_t mask) {
        return std::bit_cast<float>(
            static_cast<std::uint32_t>(0x3f000000U + ((random() & 0x00ffffffU) | (random() << 31))) & mask);
      };
      a[i] = near_one(0xfffff000U);
      b[i] = near_one(0xffffe000U);  // so that the product has 25 digits or fewer
      c[i] = std::ldexp(near_one(~0U), -30 - static_cast<int>(random() % 60));
      if (i % 2 == 0) a[i] = std::ldexp(a[i], -130);
    }
    kernels->fma(out.data(), 0, {a.data(), 0, 1}, {b.data(), 0, 1}, {c.data(), 0, 1}, 1, kCount);
    for (std::size_t i = 0; i < kCount; ++i) {
      ASSERT_EQ(bits(out[i]), bits(math::fma(a[i], b[i], c[i])))
          << kernels->name << std::hexfloat << ' ' << a[i] << ' ' << b[i] << ' ' << c[i];
    }
  }
}

TEST(Kernels, OutputMayBeAnOperand) {
  for (const Kernels* kernels : available_kernels()) {
    std::mt19937 random(4);
    std::vector<float> values = numbers(random, 5 * 37);
    const std::vector<float> before = values;
    const RowsF32 view{values.data(), 37, 1};
    kernels->mul(values.data(), 37, view, view, 5, 37);
    for (std::size_t i = 0; i < values.size(); ++i) {
      ASSERT_EQ(bits(values[i]), bits(math::mul(before[i], before[i]))) << kernels->name;
    }
  }
}

float sum_of(const std::vector<float>& values) {
  std::array<float, 16> lanes{};
  for (std::size_t i = 0; i < values.size(); ++i) lanes[i % 16] = math::add(lanes[i % 16], values[i]);
  for (std::size_t half = 8; half > 0; half /= 2) {
    for (std::size_t i = 0; i < half; ++i) lanes[i] = math::add(lanes[i], lanes[i + half]);
  }
  return lanes[0];
}

float max_of(const std::vector<float>& values) {
  float result = -kInfinity;
  for (const float value : values) result = math::maximum(result, value);
  return result;
}

TEST(Kernels, ReductionsEqualTheDefinitionAtAnyLayout) {
  base::set_ieee_mode();
  for (const Kernels* kernels : available_kernels()) {
    std::mt19937 random(5);
    for (int round = 0; round < 150; ++round) {
      const std::size_t rows = 1 + random() % 50;
      const std::size_t columns = 1 + random() % (round % 8 == 0 ? 300 : 70);
      const Layout layout = any_layout(random, rows, columns);
      const Operand operand(random, layout.row_stride, layout.step, rows, columns);
      std::vector<float> row_sum(rows + 1, kUntouched);
      std::vector<float> row_max(rows + 1, kUntouched);
      kernels->row_sum(row_sum.data(), operand.view(), rows, columns);
      kernels->row_max(row_max.data(), operand.view(), rows, columns);
      for (std::size_t r = 0; r < rows; ++r) {
        std::vector<float> row(columns);
        for (std::size_t i = 0; i < columns; ++i) row[i] = operand.at(r, i);
        ASSERT_EQ(bits(row_sum[r]), bits(sum_of(row))) << kernels->name << " row sum " << rows << " x " << columns;
        ASSERT_EQ(bits(row_max[r]), bits(max_of(row))) << kernels->name << " row max " << rows << " x " << columns;
      }
      std::vector<float> column_sum(columns + 1, kUntouched);
      std::vector<float> column_max(columns + 1, kUntouched);
      kernels->column_sum(column_sum.data(), operand.view(), rows, columns);
      kernels->column_max(column_max.data(), operand.view(), rows, columns);
      for (std::size_t i = 0; i < columns; ++i) {
        std::vector<float> column(rows);
        for (std::size_t r = 0; r < rows; ++r) column[r] = operand.at(r, i);
        ASSERT_EQ(bits(column_sum[i]), bits(sum_of(column))) << kernels->name << " column sum";
        ASSERT_EQ(bits(column_max[i]), bits(max_of(column))) << kernels->name << " column max";
      }
      ASSERT_EQ(row_sum[rows], kUntouched);
      ASSERT_EQ(row_max[rows], kUntouched);
      ASSERT_EQ(column_sum[columns], kUntouched);
      ASSERT_EQ(column_max[columns], kUntouched);
    }
  }
}

TEST(Kernels, BackendsAreChosenByNameOrBestFirst) {
  const auto available = available_kernels();
  EXPECT_STREQ(available.back()->name, "generic");
  EXPECT_EQ(*choose_kernels(""), available.front());
  for (const Kernels* kernels : available) EXPECT_EQ(*choose_kernels(kernels->name), kernels);
  const auto unknown = choose_kernels("cray");
  ASSERT_FALSE(unknown.ok());
  EXPECT_NE(unknown.error().message.find("generic, reference"), std::string::npos) << unknown.error().message;
}

// What goes past the caches is the same, wherever it begins and ends.
TEST(Kernels, PastTheCaches) {
  std::mt19937 random(11);
  constexpr std::size_t kRows = 3;
  for (const Kernels* k : available_kernels()) {
    for (const std::size_t columns : {1, 5, 16, 17, 47, 64, 100}) {
      for (std::size_t begin = 0; begin < 17; ++begin) {
        const auto stride = static_cast<std::ptrdiff_t>(columns + begin % 5);
        const auto numbers_of = [&] { return numbers(random, static_cast<std::size_t>(stride) * kRows); };
        const std::vector<float> a = numbers_of();
        const std::vector<float> b = numbers_of();
        const std::vector<float> c = numbers_of();
        const auto rows = [&](const std::vector<float>& of) { return RowsF32{of.data(), stride, 1}; };
        const auto expect_same = [&](const std::function<void(const WrittenRows&)>& run) {
          alignas(64) std::array<float, 400> near;
          alignas(64) std::array<float, 400> past;
          near.fill(kUntouched);
          past.fill(kUntouched);
          run({near.data() + begin, stride, false});
          run({past.data() + begin, stride, true});
          k->settle();
          for (std::size_t i = 0; i < near.size(); ++i) {
            ASSERT_EQ(bits(near[i]), bits(past[i])) << k->name << ", " << columns << " columns from " << begin;
          }
        };
        const auto binary = [&](BinaryKernel near, BinaryKernel past) {
          expect_same([&](const WrittenRows& out) {
            (out.past_caches ? past : near)(out.data, out.stride, rows(a), rows(b), kRows, columns);
          });
        };
        expect_same([&](const WrittenRows& out) {
          (out.past_caches ? k->copy_past : k->copy)(out.data, out.stride, rows(a), kRows, columns);
        });
        binary(k->add, k->add_past);
        binary(k->sub, k->sub_past);
        binary(k->mul, k->mul_past);
        expect_same([&](const WrittenRows& out) {
          (out.past_caches ? k->fma_past : k->fma)(out.data, out.stride, rows(a), rows(b), rows(c), kRows, columns);
        });
        expect_same([&](const WrittenRows& out) {
          k->layer_norm({rows(a), 0.1F, 1e-6F, 1.0F, rows(b), rows(c), out}, kRows, columns);
        });
        expect_same([&](const WrittenRows& out) { k->gelu({rows(a), 0.04F, 0.5F, 0.8F, out}, kRows, columns); });
        expect_same([&](const WrittenRows& out) { k->shares({rows(a), out}, kRows, columns); });
        if (columns % 2 != 0) continue;
        expect_same([&](const WrittenRows& out) {
          k->rotate({rows(a), b.data(), c.data(), stride, stride, columns / 2, out}, kRows, columns);
        });
        expect_same([&](const WrittenRows& out) {
          std::array<float, 400> room;
          const NormedRows norm{rows(a), 0.1F, 1e-6F, 1.0F, rows(b), {nullptr, 0, 1}, {room.data(), stride}};
          k->rms_norm_rotate({norm, {{}, b.data(), c.data(), stride, stride, columns / 2, out}}, kRows, columns);
        });
        if (HasFatalFailure()) return;
      }
    }
  }
}

}  // namespace
}  // namespace starling::exact
