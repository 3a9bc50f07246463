// The engine against the definitions, bit for bit, over random graphs, backends and thread counts.
#include "exact/engine.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "backends.h"
#include "exact/autodiff.h"
#include "plan_steps.h"

namespace starling::exact {
namespace {

Tensor small_numbers(Type type, const Shape& shape, std::mt19937& random) {
  Tensor tensor(type, shape);
  if (type == Type::kI32) {
    for (std::int32_t& value : tensor.i32()) value = static_cast<std::int32_t>(random() % 7);
  } else {
    for (float& value : tensor.f32()) value = static_cast<float>(static_cast<int>(random() % 2001) - 1000) / 500.0F;
  }
  return tensor;
}

void expect_equal_everywhere(const Graph& graph, std::mt19937& random) {
  std::vector<Tensor> inputs;
  for (const GraphInput& input : graph.inputs()) inputs.push_back(small_numbers(input.type, input.shape, random));
  const auto expected = run_reference(graph, inputs);
  ASSERT_TRUE(expected.ok()) << expected.error().message;
  const auto plan = Plan::make(graph);
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  for (const std::string& backend : all_backends()) {
    for (const int threads : {1, 3}) {
      auto engine = Engine::create({backend, threads});
      ASSERT_TRUE(engine.ok()) << engine.error().message;
      const auto actual = engine->run(*plan, inputs);
      ASSERT_TRUE(actual.ok()) << actual.error().message << "\n" << steps_of(*plan);
      for (std::size_t i = 0; i < expected->size(); ++i) {
        ASSERT_EQ((*expected)[i].shape(), (*actual)[i].shape());
        const auto want = (*expected)[i].bytes();
        const auto got = (*actual)[i].bytes();
        ASSERT_EQ(std::memcmp(want.data(), got.data(), want.size()), 0)
            << backend << " threads " << threads << " output " << graph.outputs()[i].name << "\n"
            << steps_of(*plan);
      }
    }
  }
}

// A random graph over small shapes: every operator at odd sizes, with views of views and many outputs.
Graph random_graph(std::mt19937& random) {
  Builder b;
  std::vector<Builder::Value> values;
  const auto pick = [&](std::size_t count) { return static_cast<std::size_t>(random() % count); };
  const auto any = [&] { return values[pick(values.size())]; };
  const auto size = [&] { return static_cast<std::int64_t>(1 + random() % 6); };
  const int inputs = 2 + static_cast<int>(random() % 2);
  for (int i = 0; i < inputs; ++i) {
    Shape shape;
    const int rank = 1 + static_cast<int>(random() % 4);
    for (int axis = 0; axis < rank; ++axis) shape.append(size());
    if (random() % 4 == 0) shape.set(rank - 1, 37);
    values.push_back(b.input("x" + std::to_string(i), Type::kF32, shape));
  }
  const auto index = b.input("index", Type::kI32, {5});
  const auto seed = b.input("seed", Type::kI32, {2});
  const auto bounded = [&](Builder::Value v) { return b.tanh(v); };
  for (int step = 0; step < 40; ++step) {
    const auto a = any();
    const Shape shape = b.shape(a);
    const int rank = shape.rank();
    const int axis = rank == 0 ? 0 : static_cast<int>(random() % static_cast<unsigned>(rank));
    switch (random() % 24) {
      case 0:
        values.push_back(b.add(a, a));
        break;
      case 1:
        values.push_back(b.mul(a, b.fill(0.5F)));
        break;
      case 2:
        values.push_back(bounded(a));
        break;
      case 3:
        values.push_back(b.exp(bounded(a)));
        break;
      case 4:
        if (rank > 0) values.push_back(b.sub(a, b.max(a, axis)));
        break;
      case 5:
        if (rank > 0) values.push_back(b.sum(bounded(a), axis));
        break;
      case 6:
        if (rank > 0) values.push_back(b.mul(a, b.sum(bounded(a), axis)));
        break;
      case 7:
        if (rank > 0) values.push_back(b.softmax(a));
        break;
      case 8:
        values.push_back(b.reshape(a, {-1}));
        break;
      case 9: {
        std::vector<int> axes;
        for (int i = 0; i < rank; ++i) axes.push_back(i);
        std::shuffle(axes.begin(), axes.end(), random);
        if (rank > 0) values.push_back(b.permute(a, axes));
        break;
      }
      case 10: {
        if (rank == 0) break;
        const std::int64_t start = static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(shape[axis]));
        if (random() % 2 == 0) {
          values.push_back(b.slice(a, axis, start, 1 + (shape[axis] - 1 - start) / 2, 2));
        } else {
          values.push_back(b.slice(a, axis, start, start + 1, -1));
        }
        break;
      }
      case 11:
        if (rank > 0) values.push_back(b.pad(a, axis, static_cast<std::int64_t>(random() % 3), 1));
        break;
      case 12:
        if (rank > 0) values.push_back(b.concat({a, b.neg(a), a}, axis));
        break;
      case 13: {
        if (rank < 2) break;
        values.push_back(b.dot(bounded(a), b.abs(bounded(a))));
        break;
      }
      case 14: {
        if (rank < 2) break;
        values.push_back(b.dot(b.transpose(bounded(a)), b.transpose(bounded(a))));
        break;
      }
      case 15:
        if (rank == 2) values.push_back(b.gather(a, index));
        break;
      case 16:
        if (rank == 2 && shape[0] == 5) values.push_back(b.scatter_add(bounded(a), index, 4));
        break;
      case 17:
        values.push_back(b.add(a, b.normal(seed, static_cast<std::uint32_t>(random() % 3), shape)));
        break;
      case 18:
        values.push_back(b.select(b.less(a, b.fill(0.1F)), a, b.uniform(seed, 1, shape)));
        break;
      case 19: {
        if (rank != 4) break;
        auto x = b.reshape(a, {1, shape[0], shape[1], shape[2], shape[3]});
        x = b.pad(b.pad(b.pad(x, 1, 2, 0), 2, 1, 1), 3, 1, 1);
        const auto windows = b.patches(bounded(x), {3, 3, 3}, {1, 1 + static_cast<std::int64_t>(random() % 2), 1});
        const std::int64_t depth = 27 * shape[3];
        const auto rows = b.reshape(windows, {-1, depth});
        const auto w = b.normal(seed, 9, {7, depth});
        values.push_back(b.dot(rows, w));
        values.push_back(b.dot(b.transpose(b.dot(rows, w)), b.transpose(rows)));
        break;
      }
      case 20:
        values.push_back(b.to_f32(b.to_i32(a)));
        break;
      case 21:
        if (rank > 0) values.push_back(b.mul(a, b.iota(shape, axis)));
        break;
      case 22: {
        if (rank == 0) break;
        Shape one = shape;
        one.set(axis, 1);
        values.push_back(b.mul(bounded(a), b.expand(b.slice(a, axis, 0, 1), shape)));
        break;
      }
      default:
        values.push_back(b.fma(a, bounded(a), b.fill(0.25F)));
        break;
    }
    // Keep numbers and sizes in hand.
    if (b.shape(values.back()).elements() > 4000) values.pop_back();
    if (values.empty()) values.push_back(bounded(a));
  }
  for (int i = 0; i < 4; ++i) b.output("y" + std::to_string(i), bounded(any()));
  b.output("raw", b.mul(any(), b.fill(0.001F)));
  b.output("view", b.reshape(any(), {-1}));
  auto graph = b.finish();
  EXPECT_TRUE(graph.ok()) << graph.error().message;
  return *graph;
}

TEST(Engine, GivesTheBitsOfTheDefinitionsOnRandomGraphs) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    std::mt19937 random(seed);
    const Graph graph = random_graph(random);
    SCOPED_TRACE(seed);
    expect_equal_everywhere(graph, random);
    if (HasFatalFailure()) return;
  }
}

TEST(Engine, GivesTheBitsOfTheDefinitionsOnATransformerBlock) {
  std::mt19937 random(7);
  Builder b;
  const std::int64_t batch = 2, tokens = 19, heads = 3, width = 48, depth = width / heads;
  const auto x = b.input("x", Type::kF32, {batch, tokens, width});
  const auto shift = b.input("shift", Type::kF32, {batch, 1, width});
  const auto normed = b.add(b.layer_norm(x, 1e-6F), shift);
  const auto split = [&](const char* name) {
    const auto w = b.input(std::string(name) + ".weight", Type::kF32, {width, width});
    const auto bias = b.input(std::string(name) + ".bias", Type::kF32, {width});
    const auto rows = b.rms_norm(b.linear(normed, w, bias), 1e-6F);
    const auto pairs = b.reshape(rows, {batch, tokens, heads, depth / 2, 2});
    const auto even = b.reshape(b.slice(pairs, 4, 0, 1), {batch, tokens, heads, depth / 2});
    const auto odd = b.reshape(b.slice(pairs, 4, 1, 1), {batch, tokens, heads, depth / 2});
    return b.permute(b.concat({b.sub(even, odd), b.add(even, odd)}, 3), {0, 2, 1, 3});
  };
  const auto q = split("q");
  const auto k = split("k");
  const auto v = split("v");
  const auto p = b.softmax(b.mul(b.dot(q, k), 0.25F));
  const auto mixed = b.permute(b.dot(p, b.transpose(v)), {0, 2, 1, 3});
  const auto w = b.input("o.weight", Type::kF32, {width, width});
  const auto out = b.add(x, b.linear(b.reshape(mixed, {batch, tokens, width}), w));
  b.output("y", b.gelu_tanh(out));
  b.output("z", b.silu(b.erf(out)));
  const auto graph = b.finish();
  ASSERT_TRUE(graph.ok()) << graph.error().message;
  expect_equal_everywhere(*graph, random);
}

// Large enough that passes make values of other passes again.
TEST(Engine, GivesTheBitsOfTheDefinitionsWhereValuesAreMadeAgain) {
  std::mt19937 random(8);
  Builder b;
  const std::int64_t rows = 257, narrow = 8, width = 256;
  const auto x = b.input("x", Type::kF32, {rows, narrow});
  const auto widen = b.linear(x, b.input("widen", Type::kF32, {width, narrow}), b.input("bias", Type::kF32, {width}));
  const auto hidden = b.gelu_tanh(b.layer_norm(widen, 1e-6F));
  const auto out = b.linear(hidden, b.input("narrow", Type::kF32, {narrow, width}));
  b.output("loss", b.reshape(b.sum(b.reshape(b.mul(out, out), {rows * narrow}), 0), Shape{}));
  const auto loss = b.finish();
  ASSERT_TRUE(loss.ok()) << loss.error().message;
  const auto graph = differentiate(*loss, "loss", {"x", "widen", "bias", "narrow"});
  ASSERT_TRUE(graph.ok()) << graph.error().message;
  const auto plan = Plan::make(*graph);
  ASSERT_TRUE(plan.ok());
  // The bias is added in the forward pass and in the backward one.
  const std::string steps = steps_of(*plan);
  const std::size_t first = steps.find("pass 257x256: add");
  ASSERT_NE(first, std::string::npos);
  EXPECT_NE(steps.find("pass 257x256: add", first + 1), std::string::npos) << steps;
  expect_equal_everywhere(*graph, random);
}

TEST(Engine, PutsPartsAmongZerosAtOnce) {
  for (const bool is_read : {false, true}) {
    std::mt19937 random(9);
    Builder b;
    const auto all =
        b.concat({b.input("cache", Type::kF32, {1, 2, 5, 6, 20}), b.input("x", Type::kF32, {1, 3, 5, 6, 20})}, 1);
    const auto last = b.slice(all, 1, 3, 2);
    b.output("kept", last);
    if (is_read) b.output("read", b.neg(last));
    const auto padded = b.pad(b.pad(all, 2, 1, 1), 3, 0, 2);
    const auto rows = b.reshape(b.patches(padded, {3, 3, 3}, {1, 1, 1}), {-1, 27 * 20});
    b.output("sums", b.dot(rows, b.input("weight", Type::kF32, {9, 27 * 20})));
    b.output("first", b.add(b.slice(all, 1, 0, 1), 1.0F));
    const auto graph = b.finish();
    ASSERT_TRUE(graph.ok()) << graph.error().message;
    const auto plan = Plan::make(*graph);
    ASSERT_TRUE(plan.ok());
    const std::string steps = steps_of(*plan);
    EXPECT_EQ(steps.find("concat") == std::string::npos, !is_read) << steps;
    EXPECT_EQ(steps.find("pad"), steps.rfind("pad")) << steps;
    expect_equal_everywhere(*graph, random);
  }
}

// Longer than what a thread takes at once, in one run and in several.
TEST(Engine, CopiesLongRunsAndZeros) {
  constexpr std::int64_t kLong = 40'009;
  std::mt19937 random(10);
  Builder b;
  const auto x = b.input("x", Type::kF32, {2, kLong});
  const auto y = b.input("y", Type::kF32, {1, kLong});
  b.output("joined", b.concat({x, y}, 0));
  b.output("among zeros", b.pad(b.pad(x, 0, 2, 1), 1, 3, kLong));
  b.output("turned", b.concat({b.permute(x, {1, 0}), b.permute(y, {1, 0})}, 1));
  b.output("bytes", b.to_f32(b.pad(b.to_i8(b.concat({x, y}, 0)), 1, kLong, 1)));
  const auto graph = b.finish();
  ASSERT_TRUE(graph.ok()) << graph.error().message;
  expect_equal_everywhere(*graph, random);
}

TEST(Engine, ReportsOutputsThatAreNotFinite) {
  Builder b;
  const auto x = b.input("x", Type::kF32, {3});
  b.output("y", b.div(x, b.fill(0.0F)));
  const auto plan = Plan::make(*b.finish());
  ASSERT_TRUE(plan.ok());
  for (const char* backend : {"generic", "cuda-emulated", "reference"}) {
    auto engine = Engine::create({backend, 1});
    ASSERT_TRUE(engine.ok());
    const Tensor input = Tensor::from_f32({3}, std::array{1.0F, 2.0F, 0.0F});
    const auto result = engine->run(*plan, std::array{input});
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().code, base::ErrorCode::kNonFinite);
    EXPECT_EQ(result.error().message, "output 'y' holds 3 values that are NaN or infinite");
  }
}

TEST(Engine, RefusesInputsOfOtherShapesAndUnknownBackends) {
  Builder b;
  b.output("y", b.neg(b.input("x", Type::kF32, {3})));
  const auto plan = Plan::make(*b.finish());
  ASSERT_TRUE(plan.ok());
  auto engine = Engine::create({"generic", 1});
  ASSERT_TRUE(engine.ok());
  EXPECT_FALSE(engine->run(*plan, {}).ok());
  EXPECT_FALSE(engine->run(*plan, std::array{Tensor(Type::kF32, {4})}).ok());
  EXPECT_FALSE(engine->run(*plan, std::array{Tensor(Type::kI32, {3})}).ok());
  EXPECT_TRUE(engine->run(*plan, std::array{Tensor(Type::kBf16, {3})}).ok());
  EXPECT_FALSE(Engine::create({"abacus", 1}).ok());
  EXPECT_FALSE(Engine::create({"generic", -1}).ok());
}

TEST(Engine, UsesRecycledMemoryOnlyWhenNobodyElseHoldsIt) {
  Builder b;
  b.output("y", b.neg(b.input("x", Type::kF32, {3})));
  const auto plan = Plan::make(*b.finish());
  auto engine = Engine::create({"generic", 1});
  const Tensor input = Tensor::from_f32({3}, std::array{1.0F, 2.0F, 0.0F});
  auto first = *engine->run(*plan, std::array{input});
  const void* memory = first[0].bytes().data();
  const auto second = *engine->run(*plan, std::array{input}, &first);
  EXPECT_EQ(second[0].bytes().data(), memory);
  std::vector<Tensor> shared = second;
  const auto third = *engine->run(*plan, std::array{input}, &shared);
  EXPECT_NE(third[0].bytes().data(), memory);
}

}  // namespace
}  // namespace starling::exact
