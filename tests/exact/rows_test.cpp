// What one kernel does to rows in place of many operators, against the definitions on every backend.
#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <functional>
#include <limits>

#include "everywhere.h"
#include "exact/engine.h"
#include "exact/kernels.h"
#include "exact/plan_body.h"
#include "float_bits.h"

namespace starling::exact {
namespace {

using Value = Builder::Value;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

std::size_t row_kernels_of(const Graph& graph) {
  const auto plan = Plan::make(graph);
  std::size_t count = 0;
  for (const Step& step : plan->body().steps) count += step.group.row_kernels.size();
  return count;
}

// Numbers of all kinds, a few of which are wild.
std::vector<Tensor> rows_of(const Shape& shape, float wild, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<Tensor> inputs = {random_tensor(Type::kF32, shape, random)};
  std::span<float> values = inputs[0].f32();
  for (std::size_t i = 0; i < values.size(); i += 1 + random() % 97) values[i] = wild;
  for (float& value : values.last(static_cast<std::size_t>(shape.back()))) value = random() % 2 == 0 ? 0.0F : -0.0F;
  return inputs;
}

// Results that are finite whatever comes in: what is not counts as 7.
Value bounded(Builder& b, Value x) { return b.select(b.less(b.abs(x), b.fill(1e30F)), x, b.fill(7.0F)); }

void expect_kernels(const std::function<void(Builder&, Value)>& build, std::size_t kernels) {
  for (const std::int64_t columns : {1, 3, 16, 33, 192, 1537}) {
    for (const float wild : {0.5F, 1e25F, 3e38F, 1e-44F, kInfinity, kNan}) {
      const Shape shape{21, columns};
      Builder builder;
      build(builder, builder.input("x", Type::kF32, shape));
      Builder again;
      build(again, again.input("x", Type::kF32, shape));
      if (columns > 1) {
        EXPECT_EQ(row_kernels_of(*again.finish()), kernels);
      }
      expect_equal_everywhere(builder, rows_of(shape, wild, static_cast<unsigned>(columns)));
      ASSERT_FALSE(testing::Test::HasFailure()) << columns << " columns, " << wild;
    }
  }
}

TEST(Rows, QuantiseInOneGo) {
  expect_kernels(
      [](Builder& b, Value x) {
        const auto q = b.quantize_rows(x);
        b.output("values", q.values);
        b.output("scale", bounded(b, q.scale));
      },
      1);
}

// The next row is measured while one is rounded; past the caches the integers are the same.
TEST(Rows, QuantiseLongRows) {
  for (const std::int64_t columns : {4097, 4160, 4999}) {
    for (const float wild : {0.5F, 3e38F, 1e-44F, kInfinity, kNan}) {
      const std::vector<Tensor> inputs = rows_of({5, columns}, wild, 7);
      Builder b;
      const auto q = b.quantize_rows(b.input("x", Type::kF32, {5, columns}));
      b.output("values", q.values);
      b.output("scale", bounded(b, q.scale));
      const std::vector<Tensor> expected = expect_equal_everywhere(b, inputs);
      ASSERT_FALSE(HasFailure()) << columns << " columns, " << wild;
      for (const Kernels* kernels : available_kernels()) {
        for (const std::size_t begin : {0, 3}) {
          const auto count = static_cast<std::size_t>(columns);
          const auto stride = static_cast<std::ptrdiff_t>(columns);
          std::vector<std::uint8_t> memory(5 * count + 128);
          const std::size_t beyond = reinterpret_cast<std::uintptr_t>(memory.data()) % 64;
          std::uint8_t* const values = memory.data() + (64 - beyond) + begin;
          std::array<float, 5> greatest{};
          kernels->quantise({{inputs[0].f32().data(), stride, 1}, 127.0F, 0.0F, values, stride, greatest.data(), true},
                            5, count);
          kernels->settle();
          ASSERT_EQ(std::memcmp(values, expected[0].bytes().data(), 5 * count), 0) << kernels->name << ", " << columns;
        }
      }
    }
  }
}

TEST(Rows, QuantiseColumnsInOneGo) {
  expect_kernels(
      [](Builder& b, Value x) {
        const auto q = b.quantize_rows(b.transpose(x));
        b.output("values", q.values);
        b.output("scale", bounded(b, q.scale));
        const auto every_other = b.quantize_rows(b.slice(x, 0, 20, 10, -2));
        b.output("others", b.quantize_rows(b.slice(x, 1, 0, (b.size(x, 1) + 1) / 2, 2)).values);
        b.output("turned", every_other.values);
      },
      3);
}

TEST(Rows, QuantiseWithOtherNumbers) {
  for (const float numerator : {127.0F, 1000.0F, -50.0F, kInfinity, kNan}) {
    for (const float otherwise : {0.0F, 3.0F, kNan}) {
      expect_kernels(
          [&](Builder& b, Value x) {
            const Value greatest = b.max(b.abs(x), -1);
            const Value factor = b.select(greatest, b.div(b.fill(numerator), greatest), b.fill(otherwise));
            b.output("values", b.to_i8(b.mul(x, factor)));
          },
          1);
      ASSERT_FALSE(HasFailure()) << numerator << ", " << otherwise;
    }
  }
}

TEST(Rows, NormsInOneGo) {
  expect_kernels(
      [](Builder& b, Value x) {
        b.output("layer", bounded(b, b.layer_norm(x, 1e-6F)));
        b.output("mean square", bounded(b, b.rms_norm(x, 1e-5F)));
      },
      2);
}

// By numbers of their own for each column, or for each element, in either order.
TEST(Rows, ModulatedNormsInOneGo) {
  const auto modulated = [](Builder& b, Value x, bool by_element, auto take) {
    const Value column = b.iota({1, b.size(x, 1)}, 1);
    const Value scale = by_element ? x : b.cos(column);
    take("layer", b.fma(b.layer_norm(x, 1e-6F), scale, b.sin(column)));
    take("turned", b.fma(scale, b.layer_norm(b.mul(x, 2.0F), 1e-4F), b.sin(column)));
    take("mean square", b.mul(b.rms_norm(b.mul(x, 3.0F), 1e-5F), b.sin(column)));
    take("by itself", b.rms_norm(b.mul(x, 4.0F), 1e-3F));
  };
  for (const bool by_element : {false, true}) {
    expect_kernels(
        [&](Builder& b, Value x) {
          modulated(b, x, by_element, [&](const char* name, Value y) { b.output(name, bounded(b, y)); });
        },
        4);
    expect_kernels(
        [&](Builder& b, Value x) {
          modulated(b, x, by_element, [&](const std::string& name, Value y) {
            const auto q = b.quantize_rows(y);
            b.output(name, q.values);
            b.output("scale, " + name, bounded(b, q.scale));
          });
        },
        4);
  }
}

// Of a norm that is modulated and quantised nothing is left but the integers, unless somebody looks at it.
TEST(Rows, WhatNormsAreMadeInto) {
  const auto kernels_of = [](bool look_at_norm, bool look_at_result) {
    Builder b;
    const Value x = b.input("x", Type::kF32, {32, 48});
    const Value norm = b.layer_norm(x, 1e-6F);
    const Value result = b.fma(norm, b.input("scale", Type::kF32, {1, 48}), b.input("shift", Type::kF32, {1, 48}));
    b.output("values", b.quantize_rows(result).values);
    if (look_at_norm) b.output("norm", norm);
    if (look_at_result) b.output("result", result);
    const auto plan = Plan::make(*b.finish());
    EXPECT_EQ(plan->body().steps.size(), 1U);
    return plan->body().steps[0].group.row_kernels;
  };
  const auto all = kernels_of(false, false);
  ASSERT_EQ(all.size(), 1U);
  EXPECT_TRUE(all[0].scale.has_value() && all[0].shift.has_value() && all[0].integers.has_value());
  const auto modulated = kernels_of(false, true);
  ASSERT_EQ(modulated.size(), 2U);
  EXPECT_TRUE(modulated[0].shift.has_value() && !modulated[0].integers.has_value());
  const auto apart = kernels_of(true, false);
  ASSERT_EQ(apart.size(), 2U);
  EXPECT_FALSE(apart[0].scale.has_value());
}

// What is larger than the caches goes past them: the same bits as a part at a time.
TEST(Rows, LargeResultsAsSmallOnes) {
  constexpr std::int64_t kParts = 8;
  const auto build = [](Builder& b, std::int64_t rows) {
    const Shape shape{rows, 1040};
    const Value x = b.input("x", Type::kF32, shape);
    const Value column = b.iota({1, 1040}, 1);
    b.output("sum", b.add(x, x));
    b.output("gated", b.fma(x, b.cos(column), x));
    b.output("norm", b.fma(b.layer_norm(x, 1e-6F), b.cos(column), b.sin(column)));
    b.output("gelu", b.gelu_tanh(x));
    b.output("softmax", b.softmax(x));
  };
  constexpr std::int64_t kRows = 4160;  // 16 MiB and more
  Builder large;
  build(large, kRows);
  const auto whole = Plan::make(*large.finish());
  Builder small;
  build(small, kRows / kParts);
  const auto part = Plan::make(*small.finish());
  ASSERT_TRUE(whole.ok() && part.ok());
  EXPECT_EQ(whole->body().steps[0].group.store_past[0], true);
  EXPECT_EQ(part->body().steps[0].group.store_past[0], false);
  std::mt19937 random(5);
  const Tensor x = random_tensor(Type::kF32, {kRows, 1040}, random);
  for (const Kernels* kernels : available_kernels()) {
    auto engine = Engine::create({kernels->name, 2});
    ASSERT_TRUE(engine.ok());
    const auto results = engine->run(*whole, std::span(&x, 1));
    ASSERT_TRUE(results.ok());
    const std::size_t bytes = x.byte_size() / kParts;
    for (std::size_t i = 0; i < kParts; ++i) {
      Tensor rows(Type::kF32, {kRows / kParts, 1040});
      std::memcpy(rows.f32().data(), x.bytes().data() + i * bytes, bytes);
      const auto some = engine->run(*part, std::span(&rows, 1));
      ASSERT_TRUE(some.ok());
      for (std::size_t j = 0; j < results->size(); ++j) {
        EXPECT_EQ(std::memcmp((*results)[j].bytes().data() + i * bytes, (*some)[j].bytes().data(), bytes), 0)
            << kernels->name << ", output " << j << ", part " << i;
      }
    }
  }
}

TEST(Rows, SoftmaxInOneGo) {
  expect_kernels([](Builder& b, Value x) { b.output("y", bounded(b, b.softmax(b.mul(x, 3.0F)))); }, 1);
  expect_kernels([](Builder& b, Value x) { b.output("y", bounded(b, b.softmax(x))); }, 1);
}

TEST(Rows, GeluInOneGo) {
  expect_kernels([](Builder& b, Value x) { b.output("y", bounded(b, b.gelu_tanh(x))); }, 1);
}

// As graphs of programs have it, whose nodes are in another order.
TEST(Rows, CanonicalOrderIsKnownToo) {
  Builder b;
  const Value x = b.input("x", Type::kF32, {9, 40});
  const auto q = b.quantize_rows(b.gelu_tanh(b.layer_norm(b.rms_norm(x, 1e-5F), 1e-6F)));
  b.output("values", q.values);
  b.output("scale", q.scale);
  const auto graph = b.finish();
  ASSERT_TRUE(graph.ok());
  EXPECT_EQ(row_kernels_of(*graph), 4U);
  EXPECT_EQ(row_kernels_of(graph->in_canonical_order()), 4U);
}

// What is on the way is looked at, or a number is not one number, or an operand is another one.
TEST(Rows, WhatOnlyLooksAlikeIsNot) {
  const std::array<std::function<void(Builder&, Value)>, 8> others{
      [](Builder& b, Value x) {
        const Value magnitude = b.abs(x);
        const Value greatest = b.max(magnitude, -1);
        const Value scaled = b.mul(x, b.select(greatest, b.div(b.fill(127.0F), greatest), b.fill(0.0F)));
        b.output("values", b.to_i8(scaled));
        b.output("scaled", bounded(b, b.add(scaled, magnitude)));
      },
      [](Builder& b, Value x) {
        const Value greatest = b.max(b.abs(x), -1);
        const Value rounded = b.to_i8(b.mul(x, b.select(greatest, b.div(b.fill(127.0F), greatest), b.fill(0.0F))));
        b.output("values", rounded);
        b.output("difference", bounded(b, b.sub(b.to_f32(rounded), x)));
      },
      [](Builder& b, Value x) {
        const Value greatest = b.max(b.abs(x), -1);
        const Value numerator = b.iota({b.size(x, 0), 1}, 0);
        b.output("values", b.to_i8(b.mul(x, b.select(greatest, b.div(numerator, greatest), b.fill(0.0F)))));
      },
      [](Builder& b, Value x) {
        const Value greatest = b.max(b.abs(x), -1);
        const Value factor = b.select(greatest, b.div(b.fill(127.0F), greatest), b.fill(0.0F));
        b.output("values", b.to_i8(b.mul(b.neg(x), factor)));
      },
      [](Builder& b, Value x) {
        const Value centred = b.sub(x, b.mean(x, -1));
        const Value variance = b.mean(b.mul(centred, centred), -1);
        const Value y = b.mul(centred, b.div(b.fill(1.0F), b.sqrt(b.add(variance, b.fill(1e-6F)))));
        b.output("y", bounded(b, b.add(y, centred)));
      },
      [](Builder& b, Value x) {
        const Value centred = b.sub(x, b.mul(b.sum(x, -1), b.fill(0.25F)));
        const Value variance = b.mul(b.sum(b.mul(centred, centred), -1), b.fill(0.5F));
        b.output("y", bounded(b, b.mul(centred, b.div(b.fill(1.0F), b.sqrt(b.add(variance, b.fill(1e-6F)))))));
      },
      [](Builder& b, Value x) {
        const Value root = b.sqrt(b.add(b.mean(b.mul(x, x), -1), b.fill(1e-6F)));
        b.output("y", bounded(b, b.mul(b.abs(x), b.div(b.fill(1.0F), root))));
      },
      [](Builder& b, Value x) {
        const Value cubic = b.fma(b.mul(b.mul(x, x), b.fill(0.04F)), x, b.neg(x));
        const Value half = b.mul(x, b.fill(0.5F));
        b.output("y", bounded(b, b.fma(half, b.tanh(b.mul(cubic, b.fill(0.8F))), half)));
      }};
  for (std::size_t i = 0; i < others.size(); ++i) {
    // Two are no layer norms, but RMS norms of what is centred.
    expect_kernels(others[i], i == 4 || i == 5 ? 1 : 0);
    ASSERT_FALSE(HasFailure()) << i;
  }
}

// A pass after a product whose rows it takes whole, and one whose result is also wanted as it is.
TEST(Rows, WithinOtherPasses) {
  Builder b;
  const Value x = b.input("x", Type::kF32, {70, 48});
  const Builder::Quantised q = b.quantize_rows(b.add(x, b.layer_norm(x, 1e-6F)));
  const Value weight = b.input("weight", Type::kI8, {96, 48});
  const Value linear =
      b.quantised_linear(q, weight, b.input("scale", Type::kF32, {96}), b.input("bias", Type::kF32, {96}));
  const Value hidden = b.gelu_tanh(linear);
  const Builder::Quantised again = b.quantize_rows(hidden);
  b.output("hidden", hidden);
  b.output("values", again.values);
  b.output("scale", again.scale);
  b.output("normed", b.layer_norm(b.mul(hidden, 0.5F), 1e-5F));
  expect_equal_everywhere(b, {});
}

}  // namespace
}  // namespace starling::exact
