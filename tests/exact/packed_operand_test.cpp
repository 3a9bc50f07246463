// Weights that are packed before: the same bits as where they lie.
#include "exact/packed_operand.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <memory>
#include <random>

#include "backends.h"
#include "everywhere.h"
#include "exact/engine.h"
#include "exact/program.h"

namespace starling::exact {
namespace {

struct Panels {
  PackedOperand operand;
  std::unique_ptr<std::uint8_t, decltype(&std::free)> memory{nullptr, &std::free};
};

// The weight as the packer gives it, in pieces of `piece` columns. What nobody should read is 0xff.
Tensor packed(const Packer& packer, const Tensor& weight, std::int64_t piece, bool intact = true) {
  const std::int64_t columns = weight.shape()[0];
  const std::int64_t depth = weight.shape()[1];
  const std::size_t size = packer.bytes(weight.type(), columns, depth);
  if (weight.type() == Type::kI8) {
    EXPECT_EQ(size % 64, 0U) << packer.name();
  }
  auto panels = std::make_shared<Panels>();
  panels->memory.reset(static_cast<std::uint8_t*>(std::aligned_alloc(64, (size + 63) / 64 * 64)));
  std::fill_n(panels->memory.get(), size, std::uint8_t{0xff});
  const std::int64_t step = piece * packer.panel_columns(weight.type());
  for (std::int64_t first = 0; first < columns; first += step) {
    const std::int64_t count = std::min(step, columns - first);
    packer.pack(
        weight, first, count,
        {panels->memory.get() + packer.bytes(weight.type(), first, depth), packer.bytes(weight.type(), count, depth)});
  }
  panels->operand = {
      packer.layout(), weight.type(), columns, depth, {panels->memory.get(), size}, [intact](base::ThreadPool&) {
        return intact;
      }};
  return weight.with_packed({panels, &panels->operand});
}

// Random bits that are numbers of a moderate size, some of them subnormal, infinite or NaNs.
Tensor stored(Type type, const Shape& shape, std::mt19937& random, bool special) {
  Tensor tensor = random_tensor(Type::kF32, shape, random);
  if (type == Type::kI8) return random_tensor(type, shape, random);
  if (type != Type::kF32) tensor = *tensor.rounded(type);
  if (!special || type == Type::kF32) return tensor;
  auto* bits = reinterpret_cast<std::uint16_t*>(tensor.mutable_bytes().data());
  for (std::int64_t i = 0; i < tensor.elements(); ++i) {
    if (random() % 97 == 0) bits[i] = static_cast<std::uint16_t>(random());
  }
  return tensor;
}

void expect_same(const std::vector<Tensor>& made, const std::vector<Tensor>& expected, const std::string& where) {
  ASSERT_EQ(made.size(), expected.size());
  for (std::size_t i = 0; i < made.size(); ++i) {
    ASSERT_TRUE(std::ranges::equal(made[i].bytes(), expected[i].bytes())) << where << ", output " << i;
  }
}

TEST(PackedOperand, ProductsReadEveryType) {
  std::mt19937 random(3);
  struct Size {
    std::int64_t m, n, k;
  };
  for (const auto& [m, n, k] : {Size{1, 33, 5}, Size{70, 100, 800}, Size{3, 32, 769}, Size{260, 321, 33},
                                Size{15, 700, 64}, Size{129, 47, 1537}}) {
    for (const Type type : {Type::kF32, Type::kBf16, Type::kF16, Type::kI8}) {
      const Type element = type == Type::kI8 ? Type::kI8 : Type::kF32;
      Builder b;
      const auto x = b.input("x", element, {m, k});
      const auto weight = b.input("weight", element, {n, k});
      // The sums, which may be infinite where the weight is, as bits.
      const auto product = b.dot(x, weight);
      b.output("out", type == Type::kI8 ? product : b.to_i32(b.mul(product, b.fill(1024.0F))));
      const auto plan = Plan::make(*b.finish());
      ASSERT_TRUE(plan.ok());
      const std::vector<Tensor> inputs{random_tensor(element, {m, k}, random), stored(type, {n, k}, random, true)};
      const auto expected = run_reference(plan->graph(), inputs);
      ASSERT_TRUE(expected.ok());
      for (const std::string& backend : all_backends()) {
        for (const int threads : {1, 3}) {
          auto engine = Engine::create({backend, threads});
          ASSERT_TRUE(engine.ok());
          if (engine->packer() == nullptr) continue;
          const Tensor with = packed(*engine->packer(), inputs[1], 1 + static_cast<std::int64_t>(random() % 3));
          ASSERT_TRUE(engine->reads_packed(*plan, 1, with));
          EXPECT_FALSE(engine->reads_packed(*plan, 1, inputs[1]));
          EXPECT_FALSE(engine->reads_packed(*plan, 0, with));
          const auto made = engine->run(*plan, std::array{inputs[0], with});
          ASSERT_TRUE(made.ok()) << made.error().message;
          const std::string where = backend + " " + type_name(type) + " " + std::to_string(m) + " x " +
                                    std::to_string(n) + " x " + std::to_string(k);
          ASSERT_NO_FATAL_FAILURE(expect_same(*made, *expected, where));
        }
      }
    }
  }
}

// Every number of 16 bits, times one.
TEST(PackedOperand, HalvesAreWidenedExactly) {
  for (const Type type : {Type::kBf16, Type::kF16}) {
    Tensor weight(type, {32768, 2});
    auto* halves = reinterpret_cast<std::uint16_t*>(weight.mutable_bytes().data());
    for (std::uint32_t i = 0; i < 65536; ++i) halves[i] = static_cast<std::uint16_t>(i);
    const auto widened = weight.widened();
    ASSERT_TRUE(widened.ok());
    Builder b;
    const auto x = b.input("x", Type::kF32, {2, 2});
    const auto y = b.dot(x, b.input("weight", Type::kF32, {32768, 2}));
    // 1 where it is what was stored; an infinity or a NaN next to it makes a NaN of both.
    b.output("same", b.less(b.abs(b.sub(y, b.input("expected", Type::kF32, {2, 32768}))), b.fill(1e-45F)));
    const auto plan = Plan::make(*b.finish());
    ASSERT_TRUE(plan.ok());
    std::vector<float> expected(65536);
    std::size_t finite = 0;
    for (std::size_t i = 0; i < 65536; ++i) expected[i % 2 * 32768 + i / 2] = widened->f32()[i];
    for (std::size_t i = 0; i < 32768; ++i) finite += std::isfinite(expected[i] * 0.0F + expected[32768 + i] * 0.0F);
    for (const std::string& backend : all_backends()) {
      auto engine = Engine::create({backend, 1});
      ASSERT_TRUE(engine.ok());
      if (engine->packer() == nullptr) continue;
      const std::vector<float> ones{1.0F, 0.0F, 0.0F, 1.0F};
      const auto made =
          engine->run(*plan, std::array{Tensor::from_f32({2, 2}, ones), packed(*engine->packer(), weight, 8),
                                        Tensor::from_f32({2, 32768}, expected)});
      ASSERT_TRUE(made.ok()) << made.error().message;
      std::size_t same = 0;
      for (const float value : made->at(0).f32()) same += value == 1.0F;
      EXPECT_EQ(same, 2 * finite) << backend << ' ' << type_name(type);
      EXPECT_GT(finite, 30000U);
    }
  }
}

TEST(PackedOperand, WhatIsReadOtherwiseIsReadInMemory) {
  std::mt19937 random(4);
  const Tensor weight = stored(Type::kBf16, {40, 24}, random, false);
  const Tensor x = random_tensor(Type::kF32, {7, 24}, random);
  const auto expect_read = [&](Builder& b, bool is_packed, const char* what) {
    const auto plan = Plan::make(*b.finish());
    ASSERT_TRUE(plan.ok());
    auto engine = Engine::create({"", 2});
    ASSERT_TRUE(engine.ok());
    const Tensor with = packed(*engine->packer(), weight, 1);
    EXPECT_EQ(engine->reads_packed(*plan, 1, with), is_packed) << what;
    const auto made = engine->run(*plan, std::array{x, with});
    const auto expected = run_reference(plan->graph(), std::array{x, weight});
    ASSERT_TRUE(made.ok() && expected.ok());
    ASSERT_NO_FATAL_FAILURE(expect_same(*made, *expected, what));
  };
  const auto inputs = [](Builder& b) {
    return std::pair{b.input("a", Type::kF32, {7, 24}), b.input("weight", Type::kF32, {40, 24})};
  };
  {
    Builder b;
    const auto [a, w] = inputs(b);
    b.output("out", b.gelu_tanh(b.linear(b.reshape(a, {1, 7, 24}), w)));
    b.output("again", b.dot(b.mul(a, b.fill(2.0F)), b.reshape(b.reshape(w, {2, 20, 24}), {40, 24})));
    expect_read(b, true, "two products");
  }
  {
    Builder b;
    const auto [a, w] = inputs(b);
    b.output("out", b.dot(a, w));
    b.output("other", b.add(w, b.fill(1.0F)));
    expect_read(b, false, "also a sum");
  }
  {
    Builder b;
    const auto [a, w] = inputs(b);
    b.output("out", b.dot(a, w));
    b.output("weight", w);
    expect_read(b, false, "also an output");
  }
  {
    Builder b;
    const auto [a, w] = inputs(b);
    b.output("out", b.dot(w, a));
    expect_read(b, false, "the first operand");
  }
  {
    Builder b;
    const auto [a, w] = inputs(b);
    b.output("out", b.dot(a, b.slice(w, 0, 3, 8, 1)));
    expect_read(b, false, "a part");
  }
  {
    Builder b;
    const auto [a, w] = inputs(b);
    b.output("out", b.dot(b.slice(a, 1, 0, 20, 1), b.reshape(w, {48, 20})));
    expect_read(b, false, "another shape");
  }
  {
    Builder b;
    const auto [a, w] = inputs(b);
    b.output("out", b.dot(a, b.reshape(b.transpose(b.reshape(w, {24, 40})), {40, 24})));
    expect_read(b, false, "turned");
  }
}

// Two linear layers, of which the second takes the rows of the first as they are made.
TEST(PackedOperand, StreamedProductsReadThem) {
  std::mt19937 random(7);
  for (const bool quantised : {false, true}) {
    Builder b;
    const auto x = b.input("x", Type::kF32, {300, 40});
    const Type type = quantised ? Type::kI8 : Type::kF32;
    const auto up = b.input("up", type, {96, 40});
    const auto down = b.input("down", type, {72, 96});
    if (quantised) {
      const auto scale = b.input("scale", Type::kF32, {96});
      const auto middle = b.gelu_tanh(b.quantised_linear(b.quantize_rows(x), up, scale));
      b.output("out", b.quantised_linear(b.quantize_rows(middle), down, b.slice(scale, 0, 0, 72, 1)));
    } else {
      b.output("out", b.linear(b.gelu_tanh(b.linear(x, up)), down));
    }
    const auto plan = Plan::make(*b.finish());
    ASSERT_TRUE(plan.ok());
    const Type stored_type = quantised ? Type::kI8 : Type::kF16;
    std::vector<Tensor> inputs{random_tensor(Type::kF32, {300, 40}, random),
                               stored(stored_type, {96, 40}, random, false),
                               stored(stored_type, {72, 96}, random, false)};
    if (quantised) inputs.push_back(random_tensor(Type::kF32, {96}, random));
    const auto expected = run_reference(plan->graph(), inputs);
    ASSERT_TRUE(expected.ok()) << expected.error().message;
    for (const std::string& backend : all_backends()) {
      for (const int threads : {1, 3}) {
        auto engine = Engine::create({backend, threads});
        ASSERT_TRUE(engine.ok());
        if (engine->packer() == nullptr) continue;
        for (const std::vector<std::size_t>& which : {std::vector<std::size_t>{1, 2}, {1}, {2}}) {
          std::vector<Tensor> given = inputs;
          for (const std::size_t input : which) {
            given[input] = packed(*engine->packer(), inputs[input], 1);
            ASSERT_TRUE(engine->reads_packed(*plan, input, given[input])) << backend << ", input " << input;
          }
          const auto made = engine->run(*plan, given);
          ASSERT_TRUE(made.ok()) << made.error().message;
          ASSERT_NO_FATAL_FAILURE(expect_same(*made, *expected, backend));
        }
      }
    }
  }
}

TEST(PackedOperand, PanelsThatAreNotIntactOrOfAnotherKindAreNotRead) {
  std::mt19937 random(5);
  const Tensor weight = stored(Type::kF16, {64, 48}, random, false);
  Builder b;
  const auto a = b.input("a", Type::kF32, {5, 48});
  b.output("out", b.dot(a, b.input("weight", Type::kF32, {64, 48})));
  const auto plan = Plan::make(*b.finish());
  ASSERT_TRUE(plan.ok());
  auto engine = Engine::create({"", 1});
  ASSERT_TRUE(engine.ok());
  const Packer& packer = *engine->packer();
  EXPECT_TRUE(engine->reads_packed(*plan, 1, packed(packer, weight, 1)));
  EXPECT_FALSE(engine->reads_packed(*plan, 1, packed(packer, weight, 1, false)));
  const auto changed = [&](const auto& change) {
    const Tensor with = packed(packer, weight, 1);
    auto operand = std::make_shared<PackedOperand>(*with.packed());
    change(*operand);
    return engine->reads_packed(*plan, 1, with.with_packed(operand));
  };
  EXPECT_TRUE(changed([](PackedOperand&) {}));
  EXPECT_FALSE(changed([](PackedOperand& o) { o.layout.bytes[7] ^= 1; }));
  EXPECT_FALSE(changed([](PackedOperand& o) { std::swap(o.columns, o.depth); }));
  EXPECT_FALSE(changed([](PackedOperand& o) { o.type = Type::kI8; }));
  EXPECT_FALSE(changed([](PackedOperand& o) { o.panels = o.panels.first(o.panels.size() - 64); }));
  for (const std::string& backend : all_backends()) {
    auto other = Engine::create({backend, 1});
    ASSERT_TRUE(other.ok());
    const bool same = other->packer() != nullptr && other->packer()->layout() == packer.layout();
    EXPECT_EQ(other->reads_packed(*plan, 1, packed(packer, weight, 1)), same) << backend;
  }
}

// A program's weights are not widened where products read them packed, and are where they do not.
TEST(PackedOperand, ProgramsReadWeightsPacked) {
  std::mt19937 random(6);
  const Tensor weight = stored(Type::kBf16, {96, 96}, random, false);
  ProgramBuilder program;
  Builder b;
  const auto x = b.input("x", Type::kF32, {9, 96});
  b.output("x", b.tanh(b.dot(x, b.input("part/weight", Type::kF32, {96, 96}))));
  Builder c;
  const auto y = c.input("x", Type::kF32, {9, 96});
  c.output("x", c.dot(c.mul(y, y), c.transpose(c.input("part/weight", Type::kF32, {96, 96}))));
  const std::uint32_t first = program.graph(*b.finish());
  Binding value = program.input("x", Type::kF32, {9, 96});
  value = program.result(program.call(first, {{"x", value}}), "x");
  value = program.result(program.call(program.graph(*c.finish()), {{"x", value}}), "x");
  value = program.result(program.call(first, {{"x", value}}), "x");
  program.output("x", value);
  const auto prepared = PreparedProgram::make(*program.finish());
  ASSERT_TRUE(prepared.ok());
  const std::vector<Tensor> inputs{random_tensor(Type::kF32, {9, 96}, random)};
  for (const std::string& backend : all_backends()) {
    auto engine = Engine::create({backend, 2});
    ASSERT_TRUE(engine.ok());
    if (engine->packer() == nullptr) continue;
    const auto expected = prepared->run(*engine, inputs, {weight});
    const auto made = prepared->run(*engine, inputs, {packed(*engine->packer(), weight, 2)});
    ASSERT_TRUE(expected.ok() && made.ok());
    ASSERT_NO_FATAL_FAILURE(expect_same(*made, *expected, backend));
  }
}

}  // namespace
}  // namespace starling::exact
