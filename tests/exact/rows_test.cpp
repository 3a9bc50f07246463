// What one kernel does to rows in place of many operators, against the definitions on every backend.
#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <limits>

#include "everywhere.h"
#include "exact/engine.h"
#include "exact/plan_body.h"

namespace starling::exact {
namespace {

using Value = Builder::Value;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
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
