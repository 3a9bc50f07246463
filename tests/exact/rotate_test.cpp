// Pairs that are turned by angles in one step, against the definitions on every backend.
#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "everywhere.h"
#include "exact/engine.h"
#include "exact/plan_body.h"

namespace starling::exact {
namespace {

using Value = Builder::Value;

struct Sizes {
  std::int64_t batch, tokens, heads, half;
  Shape rows() const { return {batch, tokens, heads * 2 * half}; }
};

struct Turned {
  bool swapped = false;  // sines where cosines belong
  bool shared = true;    // angles do not depend on the head
  int axis = 3;          // of the concat
};

Value rotate(Builder& b, Value x, const Sizes& s, const Turned& how = {}) {
  const Value pairs = b.reshape(x, {s.batch, s.tokens, s.heads, s.half, 2});
  const Shape halves{s.batch, s.tokens, s.heads, s.half};
  const Value even = b.reshape(b.slice(pairs, 4, 0, 1), halves);
  const Value odd = b.reshape(b.slice(pairs, 4, 1, 1), halves);
  const Shape angles{1, s.tokens, how.shared ? 1 : s.heads, s.half};
  const Value cosine = b.input("cosine", Type::kF32, angles);
  const Value sine = b.input("sine", Type::kF32, angles);
  const Value left = b.sub(b.mul(even, cosine), b.mul(odd, sine));
  const Value right = b.add(b.mul(even, how.swapped ? cosine : sine), b.mul(odd, how.swapped ? sine : cosine));
  return b.concat({left, right}, how.axis);
}

std::size_t turns_of(Builder& builder, std::size_t* steps = nullptr) {
  const auto graph = builder.finish();
  const auto plan = Plan::make(*graph);
  std::size_t count = 0;
  for (const Step& step : plan->body().steps) count += step.group.half != 0 ? 1 : 0;
  if (steps != nullptr) *steps = plan->body().steps.size();
  return count;
}

// Builds twice, once for the plan: it has that many steps that turn pairs, of so many steps in all if that is not 0.
void expect_turns(const std::function<void(Builder&)>& build, std::size_t turns, std::size_t all = 0) {
  Builder planned;
  build(planned);
  std::size_t steps = 0;
  EXPECT_EQ(turns_of(planned, &steps), turns);
  if (all != 0) {
    EXPECT_EQ(steps, all);
  }
  Builder builder;
  build(builder);
  expect_equal_everywhere(builder, {});
}

TEST(Rotate, EndsThePassThatMakesThePairs) {
  for (const Sizes& s : {Sizes{1, 21, 3, 16}, Sizes{2, 9, 2, 5}, Sizes{2, 5, 2, 33}, Sizes{1, 70, 12, 64}}) {
    expect_turns(
        [&](Builder& b) {
          const Value x = b.input("x", Type::kF32, s.rows());
          const Value weight = b.input("weight", Type::kF32, {1, 1, s.rows().back()});
          b.output("y", b.permute(rotate(b, b.mul(b.rms_norm(x, 1e-6F), weight), s), {0, 2, 1, 3}));
        },
        1, 1);
  }
}

TEST(Rotate, IsAStepOfItsOwn) {
  const Sizes s{2, 7, 4, 8};
  // Of what is given, and of what others look at.
  expect_turns([&](Builder& b) { b.output("y", rotate(b, b.input("x", Type::kF32, s.rows()), s)); }, 1, 1);
  expect_turns(
      [&](Builder& b) {
        const Value normed = b.layer_norm(b.input("x", Type::kF32, s.rows()), 1e-6F);
        b.output("y", rotate(b, normed, s));
        b.output("normed", b.reshape(normed, {2 * 7 * 64}));
      },
      1, 2);
  // Of a pass without rows of its own, cut anywhere: heads must not be.
  for (const std::int64_t half : {64, 24}) {
    const Sizes wide{1, 3, 2304 / half, half};
    expect_turns(
        [&](Builder& b) { b.output("y", rotate(b, b.add(b.input("x", Type::kF32, wide.rows()), b.fill(1.0F)), wide)); },
        half == 64 ? 1 : 0);
  }
}

TEST(Rotate, AfterAProductOfIntegersAndBeforeQuantising) {
  const Sizes s{2, 20, 2, 16};
  expect_turns(
      [&](Builder& b) {
        const Builder::Quantised x{b.input("x", Type::kI8, {2, 20, 48}), b.input("x scale", Type::kF32, {2, 20, 1})};
        const Value linear =
            b.quantised_linear(x, b.input("weight", Type::kI8, {64, 48}), b.input("weight scale", Type::kF32, {64}),
                               b.input("bias", Type::kF32, {64}));
        const Value turned = b.permute(rotate(b, b.rms_norm(linear, 1e-6F), s), {0, 2, 1, 3});
        const Builder::Quantised again = b.quantize_rows(turned);
        b.output("values", again.values);
        b.output("scale", again.scale);
      },
      1);
}

// How heads that are turned are quantised, in one step or not.
struct Quantised {
  std::vector<int> order{0, 2, 1, 3};  // of what is quantised: by head and then by token
  bool normed = true;
  float factor = 1.0F;  // 1: they are not multiplied
  bool shown = false;   // the heads are looked at, too
  bool wild = false;    // scales may be no numbers
};

void quantise_heads(Builder& b, const Sizes& s, const Quantised& how) {
  Value x = b.input("x", Type::kF32, s.rows());
  if (how.normed) x = b.mul(b.rms_norm(x, 1e-6F), b.input("weight", Type::kF32, {1, 1, s.rows().back()}));
  Value turned = b.permute(rotate(b, x, s), how.order);
  if (how.shown) b.output("turned", turned);
  if (how.factor != 1.0F) turned = b.mul(turned, b.fill(how.factor));
  const Builder::Quantised integers = b.quantize_rows(turned);
  b.output("values", integers.values);
  if (!how.wild) return b.output("scale", integers.scale);
  const Value scales = b.concat({integers.scale, integers.scale}, 0);  // apart from the pass that makes them
  b.output("scale", b.select(b.less(scales, b.fill(1e30F)), scales, b.fill(7.0F)));
}

// Steps that turn heads into integers, of all there are.
std::pair<std::size_t, std::size_t> steps_for(const Graph& graph) {
  const auto plan = Plan::make(graph);
  std::size_t count = 0;
  for (const Step& step : plan->body().steps) count += step.group.head_integers.has_value() ? 1 : 0;
  return {count, plan->body().steps.size()};
}

TEST(Rotate, HeadsBecomeIntegersWhereTheyAreTurned) {
  for (const Sizes& s :
       {Sizes{1, 21, 3, 16}, Sizes{2, 9, 2, 5}, Sizes{2, 5, 2, 33}, Sizes{1, 70, 12, 64}, Sizes{1, 3, 40, 16}}) {
    for (const bool normed : {true, false}) {
      for (const float factor : {1.0F, 0.3F}) {
        for (const auto& order : {std::vector<int>{0, 2, 1, 3}, std::vector<int>{0, 1, 2, 3}}) {
          const Quantised how{order, normed, factor};
          Builder planned;
          quantise_heads(planned, s, how);
          const Graph graph = *planned.finish();
          EXPECT_EQ(steps_for(graph), std::pair(std::size_t{1}, std::size_t{1}));
          EXPECT_EQ(steps_for(graph.in_canonical_order()).first, 1U);
          Builder builder;
          quantise_heads(builder, s, how);
          expect_equal_everywhere(builder, {});
          ASSERT_FALSE(HasFailure()) << s.batch << 'x' << s.tokens << 'x' << s.heads << 'x' << s.half;
        }
      }
    }
  }
}

TEST(Rotate, HeadsThatAreLookedAtOrLieOtherwiseAreQuantisedApart) {
  const Sizes s{2, 9, 3, 16};
  for (const Quantised& how : {Quantised{.shown = true}, Quantised{.order = {1, 2, 0, 3}}}) {
    Builder planned;
    quantise_heads(planned, s, how);
    EXPECT_EQ(steps_for(*planned.finish()).first, 0U);
    Builder builder;
    quantise_heads(builder, s, how);
    expect_equal_everywhere(builder, {});
  }
}

TEST(Rotate, HeadsOfNumbersOfAllKindsBecomeIntegers) {
  std::mt19937 random(7);
  for (const Sizes& s : {Sizes{1, 40, 3, 16}, Sizes{1, 40, 2, 17}}) {
    for (const bool normed : {true, false}) {
      Builder b;
      quantise_heads(b, s, {.normed = normed, .factor = 1.5F, .wild = true});
      std::vector<Tensor> inputs{random_tensor(Type::kF32, s.rows(), random)};
      if (normed) inputs.push_back(random_tensor(Type::kF32, {1, 1, s.rows().back()}, random));
      for (int i = 0; i < 2; ++i) inputs.push_back(random_tensor(Type::kF32, {1, s.tokens, 1, s.half}, random));
      const float wild[] = {
          0.0F, -0.0F, 1e-44F, 3e38F, std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()};
      // Of every third row.
      const auto columns = static_cast<std::size_t>(s.rows().back());
      const std::span<float> x = inputs[0].f32();
      for (std::size_t i = 0; i < x.size(); ++i) {
        if (i / columns % 3 == 0 && random() % 9 == 0) x[i] = wild[random() % 6];
        if (i / columns % 7 == 1) x[i] = 0.0F;
      }
      expect_equal_everywhere(b, std::move(inputs));
    }
  }
}

TEST(Rotate, WhatOnlyLooksAlikeIsNot) {
  const Sizes s{1, 6, 2, 8};
  for (const Turned& how : {Turned{.swapped = true}, Turned{.shared = false}, Turned{.axis = 2}}) {
    expect_turns([&](Builder& b) { b.output("y", rotate(b, b.input("x", Type::kF32, s.rows()), s, how)); }, 0);
  }
}

TEST(Rotate, NumbersOfAllKinds) {
  const Sizes s{1, 40, 2, 17};
  Builder b;
  const Value x = b.input("x", Type::kF32, s.rows());
  const Value y = rotate(b, x, s);
  b.output("y", b.select(b.less(b.abs(y), b.fill(1e30F)), y, b.fill(7.0F)));
  std::mt19937 random(5);
  std::vector<Tensor> inputs;
  for (const Shape& shape : {s.rows(), Shape{1, s.tokens, 1, s.half}, Shape{1, s.tokens, 1, s.half}}) {
    inputs.push_back(random_tensor(Type::kF32, shape, random));
    const float wild[] = {
        0.0F, -0.0F, 1e-44F, 3e38F, std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()};
    for (float& value : inputs.back().f32()) value = random() % 5 == 0 ? wild[random() % 6] : value;
  }
  expect_equal_everywhere(b, std::move(inputs));
}

}  // namespace
}  // namespace starling::exact
