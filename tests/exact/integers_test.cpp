// The integer profile: graphs of i8, u8 and i32 on every backend against the definitions, bit for bit.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "backends.h"
#include "everywhere.h"
#include "exact/autodiff.h"
#include "exact/engine.h"
#include "plan_steps.h"

namespace starling::exact {
namespace {

TEST(Integers, RoundToNearestEvenWithinTheType) {
  const float infinity = std::numeric_limits<float>::infinity();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> numbers = {0.5F,  1.5F,    -0.5F,   -1.5F,   126.5F, 127.4F,   127.5F,
                                      1e30F, -127.5F, -128.5F, -129.0F, -1e30F, infinity, -infinity,
                                      nan,   254.5F,  255.5F,  -0.0F,   2.5F};
  const std::vector<int> i8 = {0, 2, 0, -2, 126, 127, 127, 127, -128, -128, -128, -128, 127, -128, 0, 127, 127, 0, 2};
  const std::vector<int> u8 = {0, 2, 0, 0, 126, 127, 128, 255, 0, 0, 0, 0, 255, 0, 0, 254, 255, 0, 2};
  const Shape shape{static_cast<std::int64_t>(numbers.size())};
  Builder b;
  const auto x = b.input("x", Type::kF32, shape);
  b.output("i8", b.to_i8(x));
  b.output("u8", b.to_u8(x));
  b.output("back", b.to_f32(b.to_i8(x)));
  const auto out = expect_equal_everywhere(b, {Tensor::from_f32(shape, numbers)});
  ASSERT_EQ(out.size(), 3U);
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    EXPECT_EQ(out[0].i8()[i], i8[i]) << numbers[i];
    EXPECT_EQ(out[1].u8()[i], u8[i]) << numbers[i];
    EXPECT_EQ(out[2].f32()[i], static_cast<float>(i8[i]));
  }
}

TEST(Integers, QuantiseRows) {
  Builder b;
  const auto x = b.input("x", Type::kF32, {4, 3});
  const auto q = b.quantize_rows(x);
  b.output("values", q.values);
  b.output("scale", q.scale);
  std::string steps;
  const auto out = expect_equal_everywhere(
      b, {Tensor::from_f32({4, 3}, std::vector<float>{1, -2, 0.5F, 0, 0, -0.0F, 127, 63.5F, -126.5F, 0, 1e-42F, 0})},
      &steps);
  ASSERT_EQ(out.size(), 2U);
  const std::vector<int> values = {64, -127, 32, 0, 0, 0, 127, 64, -126, 0, 127, 0};
  for (std::size_t i = 0; i < values.size(); ++i) EXPECT_EQ(out[0].i8()[i], values[i]) << i;
  EXPECT_EQ(out[1].f32()[0], 2.0F / 127.0F);
  EXPECT_EQ(out[1].f32()[1], 0.0F);
  EXPECT_EQ(out[1].f32()[2], 1.0F);
  EXPECT_EQ(std::ranges::count(steps, '\n'), 1) << "one pass over memory:\n" << steps;
}

TEST(Integers, ProductsOfBothKindsAtOddSizes) {
  for (const Type type : {Type::kI8, Type::kU8}) {
    for (const auto& [batch, m, n, k] : {std::array<std::int64_t, 4>{1, 1, 1, 1},
                                         {1, 17, 33, 65},
                                         {3, 15, 31, 130},
                                         {2, 29, 70, 7},
                                         {1, 130, 3, 64}}) {
      Builder b;
      const auto x = b.input("x", type, {batch, m, k});
      const auto y = b.input("y", Type::kI8, {batch, n, k});
      b.output("sums", b.dot(x, y));
      b.output("turned", b.dot(b.transpose(b.reshape(x, {batch, k, m})), b.transpose(b.reshape(y, {batch, k, n}))));
      expect_equal_everywhere(b, {});
    }
  }
}

TEST(Integers, AQuantisedLinearNeverStoresItsSums) {
  std::mt19937 random(5);
  Builder b;
  const auto x = b.input("x", Type::kF32, {2, 119, 150});
  const auto weight = b.input("weight", Type::kI8, {301, 150});
  const auto scale = b.input("scale", Type::kF32, {301});
  const auto bias = b.input("bias", Type::kF32, {301});
  const auto linear = b.quantised_linear(b.quantize_rows(x), weight, scale, bias);
  const auto again = b.quantize_rows(b.gelu_tanh(linear));
  b.output("linear", linear);
  b.output("values", again.values);
  b.output("scale", again.scale);
  std::vector<Tensor> inputs;
  inputs.push_back(random_tensor(Type::kF32, {2, 119, 150}, random));
  inputs.push_back(random_tensor(Type::kI8, {301, 150}, random));
  inputs.push_back(random_tensor(Type::kF32, {301}, random));
  inputs.push_back(random_tensor(Type::kF32, {301}, random));
  std::string steps;
  expect_equal_everywhere(b, inputs, &steps);
  EXPECT_EQ(std::ranges::count(steps, '\n'), 2) << "quantise, and a product with all that follows:\n" << steps;
}

// What one kernel may run in place of four operators, and what only looks like it.
TEST(Integers, DequantisesInEveryOrder) {
  for (int kind = 0; kind < 10; ++kind) {
    Builder b;
    const auto sums = b.to_f32(b.dot(b.input("x", Type::kI8, {257, 5}), b.input("w", Type::kI8, {259, 5})));
    const auto rows = b.input("rows", Type::kF32, {257, 1});
    const auto columns = b.input("columns", Type::kF32, {1, 259});
    const auto bias = b.input("bias", Type::kF32, {1, 259});
    const auto scale = kind % 2 == 0 ? b.mul(rows, columns) : b.mul(columns, rows);
    const auto scaled = kind % 3 == 0 ? b.mul(scale, sums) : b.mul(sums, scale);
    switch (kind) {
      case 0:
      case 1:
        b.output("y", scaled);
        break;
      case 2:
        b.output("y", b.add(bias, scaled));
        break;
      case 3:
        b.output("y", b.tanh(b.add(scaled, bias)));
        break;
      case 4:
        b.output("y", b.add(scaled, rows));
        break;
      case 5:
        b.output("y", b.add(scaled, scaled));
        break;
      case 6:
        b.output("y", b.sub(b.add(scaled, bias), sums));
        break;
      case 7:
        b.output("y", b.mul(b.add(scaled, bias), scale));
        break;
      case 8:
        b.output("y", b.tanh(b.add(b.mul(sums, b.mul(rows, rows)), bias)));
        break;
      default:
        b.output("y", b.quantize_rows(b.add(b.mul(sums, b.mul(columns, b.fill(0.01F))), bias)).values);
    }
    expect_equal_everywhere(b, {});
    ASSERT_FALSE(HasFailure()) << "kind " << kind;
  }
}

// Whole panels of columns, of every backend's width, are dequantised without a tile of sums; others, and what only
// looks alike, are not.
TEST(Integers, DequantisesWhereSumsAreMade) {
  for (const auto& [batch, m, n, k] : {std::array<std::int64_t, 4>{1, 50, 192, 68},
                                       {1, 7, 64, 3200},
                                       {1, 13, 640, 700},
                                       {3, 20, 128, 12},
                                       {2, 9, 100, 30}}) {
    for (int kind = 0; kind < 5; ++kind) {
      Builder b;
      const auto x = b.input("x", Type::kI8, {batch, m, k});
      const auto sums = b.to_f32(b.dot(x, b.input("w", Type::kI8, {batch, n, k})));
      const bool one_row = kind == 2;
      const auto rows = b.input("rows", Type::kF32, {one_row ? 1 : batch, one_row ? 1 : m, 1});
      const auto columns = b.input("columns", Type::kF32, {kind == 3 ? batch : 1, 1, n});
      const auto bias = b.input("bias", Type::kF32, {kind == 4 ? batch : 1, 1, n});
      const auto scaled = b.mul(sums, b.mul(rows, columns));
      b.output("y", kind == 0 ? scaled : b.add(scaled, bias));
      expect_equal_everywhere(b, {});
      ASSERT_FALSE(HasFailure()) << "kind " << kind << ", " << batch << " of " << m << " x " << n << " x " << k;
    }
  }
}

TEST(Integers, ProductsThatOthersReadAreStored) {
  Builder b;
  const auto x = b.input("x", Type::kI8, {21, 40});
  const auto y = b.input("y", Type::kI8, {35, 40});
  const auto sums = b.dot(x, y);
  const auto real = b.to_f32(sums);
  b.output("sums", sums);
  b.output("scaled", b.mul(real, 0.25F));
  const auto others = b.to_f32(b.dot(y, x));
  b.output("turned", b.add(real, b.transpose(others)));
  b.output("rows", b.sum(others, -1));
  b.output("columns", b.sum(b.mul(others, 1e-3F), 0));
  expect_equal_everywhere(b, {});
}

// Every order of rounding, products, sums, movement and floating point, with values read once, often or never.
TEST(Integers, RandomGraphs) {
  for (unsigned round = 0; round < 60; ++round) {
    std::mt19937 random(round);
    Builder b;
    std::vector<Builder::Value> real;   // f32 [rows, columns]
    std::vector<Builder::Value> bytes;  // i8 or u8, likewise
    const std::int64_t sizes[] = {1 + static_cast<std::int64_t>(random() % 40), 3, 17};
    const auto size = [&] { return sizes[random() % 3]; };
    const auto any = [&](const std::vector<Builder::Value>& values) { return values[random() % values.size()]; };
    for (int i = 0; i < 3; ++i) {
      real.push_back(b.input("x" + std::to_string(i), Type::kF32, {size(), size()}));
      bytes.push_back(b.input("i" + std::to_string(i), i == 0 ? Type::kU8 : Type::kI8, {size(), size()}));
    }
    for (int step = 0; step < 25; ++step) {
      const auto x = any(real);
      const auto y = any(bytes);
      switch (random() % 12) {
        case 0:
          bytes.push_back(b.to_i8(b.mul(x, 40.0F)));
          break;
        case 1:
          bytes.push_back(b.to_u8(b.mul(b.abs(x), 40.0F)));
          break;
        case 2: {
          const auto q = b.quantize_rows(x);
          bytes.push_back(q.values);
          real.push_back(b.add(b.tanh(x), q.scale));
          break;
        }
        case 3:
          real.push_back(b.tanh(b.mul(b.to_f32(y), 0.01F)));
          break;
        case 4:
          bytes.push_back(b.transpose(y));
          break;
        case 5:
          bytes.push_back(b.concat({y, y}, static_cast<int>(random() % 2)));
          break;
        case 6: {
          const int axis = static_cast<int>(random() % 2);
          const auto total = b.mul(b.to_f32(b.sum(y, axis)), 1e-3F);
          real.push_back(random() % 2 == 0 ? total : b.add(total, b.mul(b.to_f32(y), 0.01F)));
          break;
        }
        case 7:
          real.push_back(b.softmax(b.transpose(x)));
          break;
        default: {
          const auto z = any(bytes);
          if (b.type(z) != Type::kI8 || b.size(y, 1) != b.size(z, 1)) break;
          const auto sums = b.to_f32(b.dot(y, z));
          const auto rows = b.input("r" + std::to_string(step), Type::kF32, {b.size(y, 0), 1});
          const auto columns = b.input("c" + std::to_string(step), Type::kF32, {1, b.size(z, 0)});
          const auto scaled = b.mul(sums, random() % 2 == 0 ? b.mul(rows, columns) : b.mul(columns, rows));
          const auto moved = random() % 2 == 0 ? b.add(scaled, columns) : b.add(columns, b.mul(scaled, 0.5F));
          real.push_back(random() % 2 == 0 ? b.tanh(moved) : b.tanh(b.add(moved, scaled)));
          if (random() % 3 == 0) real.push_back(b.softmax(b.mul(real.back(), sums)));
          if (random() % 3 == 0) bytes.push_back(b.to_u8(b.mul(b.softmax(real.back()), 255.0F)));
        }
      }
    }
    for (std::size_t i = 0; i < 4; ++i) {
      b.output("real " + std::to_string(i), b.tanh(real[real.size() - 1 - i % real.size()]));
      b.output("bytes " + std::to_string(i), bytes[bytes.size() - 1 - i % bytes.size()]);
    }
    expect_equal_everywhere(b, {});
    ASSERT_FALSE(HasFailure()) << "round " << round;
  }
}

double relative_error(std::span<const float> found, std::span<const float> wanted) {
  double error = 0;
  double size = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    error += std::pow(static_cast<double>(found[i]) - static_cast<double>(wanted[i]), 2);
    size += std::pow(static_cast<double>(wanted[i]), 2);
  }
  return std::sqrt(error / size);
}

TEST(Integers, AttentionIsNearWhatItStandsFor) {
  std::mt19937 random(6);
  const std::vector<Tensor> inputs = {random_tensor(Type::kF32, {2, 30, 32}, random),
                                      random_tensor(Type::kF32, {2, 700, 32}, random),
                                      random_tensor(Type::kF32, {2, 700, 24}, random)};
  const auto run = [&](int planes) {
    Builder b;
    const auto q = b.input("q", Type::kF32, {2, 30, 32});
    const auto k = b.input("k", Type::kF32, {2, 700, 32});
    const auto v = b.input("v", Type::kF32, {2, 700, 24});
    if (planes == 0) {
      b.output("out", b.dot(b.softmax(b.mul(b.dot(q, k), 0.18F)), b.transpose(v)));
    } else {
      b.output("out", b.quantised_attention(q, k, v, 0.18F, planes));
    }
    return expect_equal_everywhere(b, inputs);
  };
  const auto exact = run(0);
  const auto one = run(1);
  const auto two = run(2);
  ASSERT_TRUE(exact.size() == 1 && one.size() == 1 && two.size() == 1);
  const double error_of_one = relative_error(one[0].f32(), exact[0].f32());
  const double error_of_two = relative_error(two[0].f32(), exact[0].f32());
  EXPECT_LT(error_of_one, 0.05);
  EXPECT_LT(error_of_two, 0.02);
  EXPECT_LT(error_of_two, error_of_one);
}

// Attention whose scores are made by rows, at sizes beside those of blocks, with heads that lie between each other.
TEST(Integers, AttentionStreams) {
  for (const auto& [heads, queries, keys, depth, columns] : {std::array<std::int64_t, 5>{1, 1, 2, 1, 1},
                                                             {3, 49, 17, 20, 9},
                                                             {2, 130, 300, 33, 40},
                                                             {2, 97, 1025, 8, 3},
                                                             {1, 5, 64, 16, 130}}) {
    for (const int planes : {0, 1, 2}) {
      Builder b;
      const auto q = b.input("q", Type::kF32, {2, queries, heads, depth});
      const auto k = b.input("k", Type::kF32, {2, keys, heads, depth});
      const auto v = b.input("v", Type::kF32, {2, keys, heads, columns});
      const auto heads_first = [&](Builder::Value x) { return b.permute(x, {0, 2, 1, 3}); };
      Builder::Value mixed;
      if (planes == 0) {
        const auto bias = b.input("bias", Type::kF32, {1, heads, queries, keys});
        const auto scores = b.add(b.dot(b.mul(heads_first(q), 0.3F), heads_first(k)), bias);
        mixed = b.dot(b.softmax(scores), b.permute(v, {0, 2, 3, 1}));
      } else {
        mixed = b.quantised_attention(heads_first(q), heads_first(k), heads_first(v), 0.3F, planes);
      }
      b.output("joined", b.reshape(heads_first(mixed), {2, queries, heads * columns}));
      std::string steps;
      expect_equal_everywhere(b, {}, &steps);
      ASSERT_FALSE(HasFailure()) << queries << " queries, " << keys << " keys, " << planes << " planes\n" << steps;
      if (planes == 1 && columns > 1) {
        EXPECT_NE(steps.find(" of softmax"), std::string::npos) << steps;
      } else if (planes == 0) {
        EXPECT_NE(steps.find(" of add max"), std::string::npos) << steps;
      }
    }
  }
}

// More keys than a pass over memory would take; what is in memory grows with queries + keys.
TEST(Integers, AttentionOverManyKeys) {
  for (const int planes : {0, 1}) {
    Builder b;
    const std::int64_t queries = 70;
    const std::int64_t keys = 17001;
    const auto q = b.input("q", Type::kF32, {1, queries, 4});
    const auto k = b.input("k", Type::kF32, {1, keys, 4});
    const auto v = b.input("v", Type::kF32, {1, keys, 4});
    b.output("y", planes == 0 ? b.dot(b.softmax(b.dot(q, k)), b.transpose(v))
                              : b.quantised_attention(q, k, v, 0.5F, planes));
    const auto graph = b.finish();
    ASSERT_TRUE(graph.ok());
    const auto plan = Plan::make(*graph);
    ASSERT_TRUE(plan.ok());
    EXPECT_LT(plan->scratch_bytes(), static_cast<std::size_t>(queries * keys)) << steps_of(*plan);
    std::mt19937 random(4);
    std::vector<Tensor> inputs;
    for (const GraphInput& input : graph->inputs()) inputs.push_back(random_tensor(input.type, input.shape, random));
    const auto expected = run_reference(*graph, inputs);
    ASSERT_TRUE(expected.ok());
    for (const std::string& backend : all_backends()) {
      auto engine = Engine::create({backend, 2});
      const auto actual = engine->run(*plan, inputs);
      ASSERT_TRUE(actual.ok()) << actual.error().message;
      const auto want = (*expected)[0].bytes();
      EXPECT_EQ(std::memcmp((*actual)[0].bytes().data(), want.data(), want.size()), 0) << backend;
    }
  }
  Builder b;
  const auto q = b.input("q", Type::kF32, {1, 2, 4});
  const auto k = b.input("k", Type::kF32, {1, 65794, 4});
  b.output("y", b.quantised_attention(q, k, k, 0.5F, 1));
  const auto graph = b.finish();
  ASSERT_FALSE(graph.ok());
  EXPECT_NE(graph.error().message.find("65793"), std::string::npos) << graph.error().message;
}

// Scores that overflow or are NaN, factors beyond u8's range: the kernel's plain way is not taken.
TEST(Integers, AttentionOfWildNumbers) {
  const float infinity = std::numeric_limits<float>::infinity();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const float factor : {255.0F, 1000.0F, -3.0F, 0.5F}) {
    for (const float wild : {1e19F, 3e38F, infinity, nan, 1e-30F, 0.0F}) {
      Builder b;
      const std::int64_t queries = 50;
      const std::int64_t keys = 75;
      const auto q = b.quantize_rows(b.input("q", Type::kF32, {2, queries, 8}));
      const auto k = b.quantize_rows(b.input("k", Type::kF32, {2, keys, 8}));
      const auto v = b.input("v", Type::kI8, {2, 5, keys});
      const auto logits = b.mul(b.to_f32(b.dot(q.values, k.values)), b.mul(q.scale, b.transpose(k.scale)));
      const auto plane = b.to_u8(b.mul(b.exp(b.sub(logits, b.max(logits, -1))), b.fill(factor)));
      b.output("sums", b.dot(plane, v));
      b.output("totals", b.to_f32(b.sum(plane, -1)));
      std::mt19937 random(6);
      std::vector<Tensor> inputs = {random_tensor(Type::kF32, {2, queries, 8}, random),
                                    random_tensor(Type::kF32, {2, keys, 8}, random),
                                    random_tensor(Type::kI8, {2, 5, keys}, random)};
      inputs[0].f32()[9] = wild;
      inputs[0].f32()[401] = 1e19F;
      inputs[1].f32()[77] = wild;
      inputs[1].f32()[1001] = -1e19F;
      std::string steps;
      expect_equal_everywhere(b, inputs, &steps);
      ASSERT_FALSE(HasFailure()) << "factor " << factor << ", " << wild;
      EXPECT_NE(steps.find(" of softmax"), std::string::npos) << steps;
    }
  }
}

// Probabilities that somebody else reads, and products that are not attention.
TEST(Integers, WhatOthersReadDoesNotStream) {
  for (int kind = 0; kind < 6; ++kind) {
    Builder b;
    const auto q = b.input("q", Type::kI8, {2, 50, 8});
    const auto k = b.input("k", Type::kI8, {2, 60, 8});
    const auto v = b.input("v", Type::kI8, {2, 7, 60});
    const auto scores = b.dot(q, k);
    const auto plane = b.to_u8(b.mul(b.exp(b.mul(b.to_f32(scores), 1e-5F)), 100.0F));
    switch (kind) {
      case 0:
        b.output("plane", plane);
        b.output("y", b.dot(plane, v));
        break;
      case 1:
        b.output("y", b.dot(plane, v));
        b.output("more", b.transpose(b.to_f32(plane)));
        break;
      case 2:
        b.output("scores", scores);
        b.output("y", b.dot(plane, v));
        break;
      case 3:
        b.output("y", b.dot(b.transpose(plane), b.input("w", Type::kI8, {2, 3, 50})));
        break;
      case 4:
        b.output("y", b.dot(b.reshape(plane, {4, 25, 60}), b.input("w", Type::kI8, {4, 3, 60})));
        break;
      default: {
        // The totals go into the second product's other operand.
        const auto totals = b.to_f32(b.sum(plane, -1));
        const auto w = b.to_i8(b.mul(b.expand(b.slice(totals, 1, 0, 7), {2, 7, 60}), 1e-3F));
        b.output("y", b.dot(plane, w));
      }
    }
    expect_equal_everywhere(b, {});
    ASSERT_FALSE(HasFailure()) << "kind " << kind;
  }
}

TEST(Integers, SumsAreExactAlongEveryAxis) {
  for (const Type type : {Type::kI8, Type::kU8}) {
    Builder b;
    const auto x = b.input("x", type, {5, 70, 33});
    const auto wide = b.input("wide", type, {3, 20000});
    for (int axis = 0; axis < 3; ++axis) b.output("sum " + std::to_string(axis), b.sum(x, axis));
    b.output("of a view", b.sum(b.transpose(x), 2));
    b.output("halves", b.mul(b.to_f32(b.sum(x, 2)), b.to_f32(x)));
    b.output("wide", b.sum(wide, 1));
    expect_equal_everywhere(b, {});
  }
}

TEST(Integers, MovementTakesEveryType) {
  for (const Type type : {Type::kI8, Type::kU8, Type::kI32}) {
    Builder b;
    const auto x = b.input("x", type, {2, 5, 6, 7, 3});
    const auto table = b.input("table", type, {9, 21});
    const auto index = b.input("index", Type::kI32, {2, 4});
    b.output("permuted", b.permute(x, {4, 2, 0, 3, 1}));
    b.output("reshaped", b.reshape(b.permute(x, {1, 0, 3, 2, 4}), {35, -1}));
    b.output("sliced", b.slice(x, 3, 6, 3, -2));
    b.output("padded", b.pad(b.pad(x, 1, 2, 1), 4, 0, 20));
    b.output("together", b.concat({b.slice(x, 2, 1, 2), x, b.slice(x, 2, 0, 5, 1)}, 2));
    b.output("expanded", b.expand(b.slice(x, 1, 3, 1), {2, 4, 6, 7, 3}));
    b.output("windows", b.patches(x, {2, 3, 1}, {1, 2, 3}));
    b.output("gathered", b.gather(table, index));
    b.output("real", b.mul(b.to_f32(b.transpose(b.patches(x, {2, 2, 2}, {1, 1, 1}))), 0.5F));
    b.output("as it is", x);
    expect_equal_everywhere(b, {});
  }
}

// A convolution of integers: the windows are read in place.
TEST(Integers, Convolutions) {
  Builder b;
  const auto x = b.quantize_rows(b.input("x", Type::kF32, {1, 3, 9, 8, 20}));
  const auto weight = b.input("weight", Type::kI8, {13, 3 * 3 * 3 * 20});
  const auto padded = b.pad(b.pad(b.pad(x.values, 1, 2, 0), 2, 1, 1), 3, 1, 1);
  const auto windows = b.reshape(b.patches(padded, {3, 3, 3}, {1, 1, 1}), {3 * 9 * 8, 3 * 3 * 3 * 20});
  b.output("sums", b.to_f32(b.dot(windows, weight)));
  b.output("scale", x.scale);
  expect_equal_everywhere(b, {});
}

std::string error_of(Builder& b) {
  b.output("y", b.fill(0.0F));
  const auto graph = b.finish();
  return graph.ok() ? "" : graph.error().message;
}

TEST(Integers, MistakesAreNamed) {
  const auto expect = [](const char* part, const auto& build) {
    Builder b;
    build(b);
    const std::string message = error_of(b);
    EXPECT_NE(message.find(part), std::string::npos) << message;
  };
  const auto product = [](Type a, Type b, std::int64_t k) {
    return [=](Builder& builder) { builder.dot(builder.input("a", a, {2, k}), builder.input("b", b, {3, k})); };
  };
  expect("depth 131072 of i8", product(Type::kI8, Type::kI8, 131072));
  expect("depth 65794 of u8", product(Type::kU8, Type::kI8, 65794));
  expect("i8 with u8", product(Type::kI8, Type::kU8, 4));
  expect("f32 with i8", product(Type::kF32, Type::kI8, 4));
  expect("i8 with f32", product(Type::kI8, Type::kF32, 4));
  expect("i32 with i32", product(Type::kI32, Type::kI32, 4));
  expect("8421505 u8", [](Builder& b) { b.sum(b.input("x", Type::kU8, {8421505}), 0); });
  expect("16777216 i8", [](Builder& b) { b.sum(b.input("x", Type::kI8, {16777216}), 0); });
  expect("not i32", [](Builder& b) { b.sum(b.input("x", Type::kI32, {4}), 0); });
  expect("takes f32, not i8", [](Builder& b) { b.max(b.input("x", Type::kI8, {4}), 0); });
  expect("takes f32, not i8", [](Builder& b) { b.neg(b.input("x", Type::kI8, {4})); });
  expect("takes f32, not u8", [](Builder& b) { b.to_i8(b.input("x", Type::kU8, {4})); });
  expect("not f32", [](Builder& b) { b.to_f32(b.input("x", Type::kF32, {4})); });
  expect("bf16", [](Builder& b) { b.input("x", Type::kBf16, {4}); });
  Builder fits;
  product(Type::kI8, Type::kI8, 131071)(fits);
  EXPECT_EQ(error_of(fits), "");
}

TEST(Integers, WorkIsCountedApart) {
  Builder b;
  b.output("y", b.dot(b.input("a", Type::kU8, {2, 3, 50}), b.input("b", Type::kI8, {2, 7, 50})));
  const Work work = b.finish()->work();
  EXPECT_EQ(work.i8_multiply_adds, 2U * 3 * 7 * 50);
  EXPECT_EQ(work.f32_multiply_adds, 0U);
  EXPECT_EQ(work.elements, 0U);
}

TEST(Integers, AreNotDifferentiated) {
  Builder b;
  const auto x = b.input("x", Type::kF32, {4, 8});
  const auto w = b.input("w", Type::kI8, {3, 8});
  const auto bias = b.input("bias", Type::kF32, {3});
  const auto y = b.quantised_linear(b.quantize_rows(x), w, b.fill(1.0F, {3}), bias);
  b.output("loss", b.sum(b.sum(b.mul(y, y), 1), 0));
  const auto graph = b.finish();
  ASSERT_TRUE(graph.ok()) << graph.error().message;
  const auto through = differentiate(*graph, "loss", {"x"});
  ASSERT_FALSE(through.ok());
  EXPECT_NE(through.error().message.find("(to_i8) rounds to integers"), std::string::npos) << through.error().message;
  const auto of_weight = differentiate(*graph, "loss", {"w"});
  ASSERT_FALSE(of_weight.ok());
  EXPECT_NE(of_weight.error().message.find("not of type f32"), std::string::npos);
  EXPECT_TRUE(differentiate(*graph, "loss", {"bias"}).ok());
}

}  // namespace
}  // namespace starling::exact
