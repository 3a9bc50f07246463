#include "exact/autodiff.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <random>

#include "double_evaluator.h"
#include "exact/engine.h"

namespace starling::exact {
namespace {

using Value = Builder::Value;
using Numbers = std::vector<double>;
using Named = std::map<std::string, Numbers>;

// Numbers that f32 holds exactly, so that the f32 and the binary64 run see the same inputs.
Numbers random_numbers(std::mt19937& random, std::int64_t count, double low, double high) {
  std::uniform_real_distribution<double> distribution(low, high);
  Numbers out(static_cast<std::size_t>(count));
  for (double& value : out) value = static_cast<double>(static_cast<float>(distribution(random)));
  return out;
}

std::vector<Tensor> as_tensors(const Graph& graph, const Named& inputs) {
  std::vector<Tensor> out;
  for (const GraphInput& input : graph.inputs()) {
    const Numbers& numbers = inputs.at(input.name);
    if (input.type == Type::kI32) {
      out.push_back(Tensor::from_i32(input.shape, std::vector<std::int32_t>(numbers.begin(), numbers.end())));
    } else {
      out.push_back(Tensor::from_f32(input.shape, std::vector<float>(numbers.begin(), numbers.end())));
    }
  }
  return out;
}

double largest(const Numbers& numbers) {
  double most = 0;
  for (const double value : numbers) most = std::max(most, std::abs(value));
  return most;
}

// Gradients are graphs of a kind that nobody writes by hand: the engine must run them as the definitions do.
void expect_engine_agrees(const Graph& graph, const std::vector<Tensor>& inputs, const std::vector<Tensor>& expected) {
  static auto engine = Engine::create({"", 2});
  ASSERT_TRUE(engine.ok()) << engine.error().message;
  const auto plan = Plan::make(graph);
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  const auto found = engine->run(*plan, inputs);
  ASSERT_TRUE(found.ok()) << found.error().message;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_TRUE(std::ranges::equal((*found)[i].bytes(), expected[i].bytes())) << graph.outputs()[i].name;
  }
}

// Compares, for every f32 input, the gradient graph in binary64 with central differences in binary64 (steps of 1e-5:
// truncation and rounding are each about 1e-10 of the values; constants of the graph are f32, 6e-8), and then the
// gradient graph in f32 with the same in binary64 (half an ulp of values about 1 for each of some hundred operations).
void check_gradients(const Graph& graph, const Named& inputs, double f32_tolerance = 5e-6) {
  std::vector<std::string> names;
  for (const GraphInput& input : graph.inputs()) {
    if (input.type == Type::kF32 && input.name != "weights") names.push_back(input.name);
  }
  const auto gradient = differentiate(graph, "loss", names);
  ASSERT_TRUE(gradient.ok()) << gradient.error().message;
  const Named exact = evaluate_in_double(*gradient, inputs);
  const auto rounded = run_reference(*gradient, as_tensors(*gradient, inputs));
  ASSERT_TRUE(rounded.ok()) << rounded.error().message;
  expect_engine_agrees(*gradient, as_tensors(*gradient, inputs), *rounded);
  for (const std::string& name : names) {
    const Numbers& found = exact.at("d." + name);
    const int output = gradient->find_output("d." + name);
    const Tensor& in_f32 = (*rounded)[static_cast<std::size_t>(output)];
    ASSERT_EQ(in_f32.shape(), graph.inputs()[static_cast<std::size_t>(graph.find_input(name))].shape) << name;
    Numbers expected;
    Named moved = inputs;
    for (double& x : moved.at(name)) {
      const double kept = x;
      constexpr double kStep = 1e-5;
      x = kept + kStep;
      const double above = evaluate_in_double(graph, moved).at("loss")[0];
      x = kept - kStep;
      const double below = evaluate_in_double(graph, moved).at("loss")[0];
      x = kept;
      expected.push_back((above - below) / (2 * kStep));
    }
    const double scale = 1e-3 + largest(expected);
    for (std::size_t i = 0; i < expected.size(); ++i) {
      EXPECT_NEAR(found[i], expected[i], 1e-6 * scale) << "d." << name << " at " << i;
      EXPECT_NEAR(static_cast<double>(in_f32.f32()[i]), found[i], f32_tolerance * (1 + scale))
          << "d." << name << " at " << i;
    }
  }
}

void add_weights(const Graph& graph, Named& inputs) {
  std::mt19937 random(11);
  const int weights = graph.find_input("weights");
  inputs["weights"] = random_numbers(random, graph.shape(static_cast<ValueId>(weights)).elements(), -1, 1);
}

// A test of one formula: inputs of given shapes, and a value made from them. The loss weighs every element of the value
// differently, so that no two elements' gradients can be exchanged unseen.
struct Formula {
  const char* name;
  std::vector<Shape> shapes;
  std::function<Value(Builder&, const std::vector<Value>&)> make;
  double low = -2;
  double high = 2;
};

Value weighted_sum(Builder& b, Value value) {
  const Value flat = b.reshape(value, {-1});
  return b.sum(b.mul(flat, b.input("weights", Type::kF32, b.shape(flat))), 0);
}

void check(const Formula& formula) {
  SCOPED_TRACE(formula.name);
  std::mt19937 random(7);
  Builder b;
  std::vector<Value> values;
  Named inputs;
  for (std::size_t i = 0; i < formula.shapes.size(); ++i) {
    std::string name(1, 'x');
    name += std::to_string(i);
    values.push_back(b.input(name, Type::kF32, formula.shapes[i]));
    inputs[name] = random_numbers(random, formula.shapes[i].elements(), formula.low, formula.high);
  }
  b.output("loss", weighted_sum(b, formula.make(b, values)));
  const auto graph = b.finish();
  ASSERT_TRUE(graph.ok()) << graph.error().message;
  add_weights(*graph, inputs);
  check_gradients(*graph, inputs);
}

using Values = std::vector<Value>;

TEST(Autodiff, ElementwiseOperators) {
  const Shape s{2, 3};
  const std::vector<Formula> formulas = {
      {"add", {s, s}, [](Builder& b, const Values& x) { return b.add(x[0], x[1]); }},
      {"sub", {s, s}, [](Builder& b, const Values& x) { return b.sub(x[0], x[1]); }},
      {"mul", {s, s}, [](Builder& b, const Values& x) { return b.mul(x[0], x[1]); }},
      {"square", {s}, [](Builder& b, const Values& x) { return b.mul(x[0], x[0]); }},
      {"div", {s, s}, [](Builder& b, const Values& x) { return b.div(x[0], x[1]); }, 0.5, 2},
      {"maximum", {s, s}, [](Builder& b, const Values& x) { return b.maximum(x[0], x[1]); }},
      {"minimum", {s, s}, [](Builder& b, const Values& x) { return b.minimum(x[0], x[1]); }},
      {"fma", {s, s, s}, [](Builder& b, const Values& x) { return b.fma(x[0], x[1], x[2]); }},
      {"fma of one", {s}, [](Builder& b, const Values& x) { return b.fma(x[0], x[0], x[0]); }},
      {"select", {s, s, s}, [](Builder& b, const Values& x) { return b.select(b.less(x[0], x[1]), x[1], x[2]); }},
      {"neg", {s}, [](Builder& b, const Values& x) { return b.neg(x[0]); }},
      {"abs", {s}, [](Builder& b, const Values& x) { return b.abs(x[0]); }},
      {"sqrt", {s}, [](Builder& b, const Values& x) { return b.sqrt(x[0]); }, 0.5, 2},
      {"exp", {s}, [](Builder& b, const Values& x) { return b.exp(x[0]); }},
      {"log", {s}, [](Builder& b, const Values& x) { return b.log(x[0]); }, 0.5, 2},
      {"sin", {s}, [](Builder& b, const Values& x) { return b.sin(x[0]); }},
      {"cos", {s}, [](Builder& b, const Values& x) { return b.cos(x[0]); }},
      {"tanh", {s}, [](Builder& b, const Values& x) { return b.tanh(x[0]); }},
      {"erf", {s}, [](Builder& b, const Values& x) { return b.erf(x[0]); }},
      {"by constants", {s}, [](Builder& b, const Values& x) { return b.div(b.mul(x[0], 3.0F), b.fill(-1.0F)); }},
  };
  for (const Formula& formula : formulas) check(formula);
}

TEST(Autodiff, BroadcastsOverEveryAxis) {
  const Shape full{2, 3, 4};
  for (int mask = 0; mask < 8; ++mask) {
    Shape small = full;
    for (int axis = 0; axis < 3; ++axis) {
      if ((mask >> axis & 1) != 0) small.set(axis, 1);
    }
    check({"mul", {full, small}, [](Builder& b, const Values& x) { return b.mul(x[0], x[1]); }});
    check({"sub", {small, full}, [](Builder& b, const Values& x) { return b.sub(x[0], x[1]); }});
    check({"expand", {small}, [&](Builder& b, const Values& x) { return b.expand(x[0], full); }});
    // The operands' axes are repeated against each other, and the adjoint is compact where the sum made it so.
    check({"compact", {small, full}, [](Builder& b, const Values& x) {
             return b.sum(b.sum(b.mul(b.add(x[0], x[1]), b.add(x[0], x[1])), 1), 0);
           }});
    check({"compact alone", {small, full}, [](Builder& b, const Values& x) { return b.sum(b.add(x[0], x[1]), 2); }});
  }
  check({"scalar", {full, {}}, [](Builder& b, const Values& x) { return b.div(x[1], b.exp(x[0])); }});
  check({"scalars", {{}, {}}, [](Builder& b, const Values& x) { return b.mul(x[0], x[1]); }});
  check({"crossed", {{3, 1}, {1, 4}}, [](Builder& b, const Values& x) { return b.tanh(b.mul(x[0], x[1])); }});
}

TEST(Autodiff, Movement) {
  const Shape s{2, 3, 4};
  const std::vector<Formula> formulas = {
      {"reshape",
       {s},
       [](Builder& b, const Values& x) {
         return b.reshape(x[0], {4, 6});
       }},
      {"permute",
       {s},
       [](Builder& b, const Values& x) {
         return b.permute(x[0], {2, 0, 1});
       }},
      {"permute of a sum",
       {s},
       [](Builder& b, const Values& x) {
         return b.sum(b.permute(x[0], {2, 0, 1}), 1);
       }},
      {"slice", {s}, [](Builder& b, const Values& x) { return b.slice(x[0], 1, 1, 2); }},
      {"slice backwards", {s}, [](Builder& b, const Values& x) { return b.slice(x[0], 2, 3, 4, -1); }},
      {"slice backwards by 2", {s}, [](Builder& b, const Values& x) { return b.slice(x[0], 2, 3, 2, -2); }},
      {"every third", {{2, 8, 2}}, [](Builder& b, const Values& x) { return b.slice(x[0], 1, 1, 3, 3); }},
      {"one element of a stride", {s}, [](Builder& b, const Values& x) { return b.slice(x[0], 1, 1, 1, 2); }},
      {"even and odd",
       {s},
       [](Builder& b, const Values& x) { return b.mul(b.slice(x[0], 2, 0, 2, 2), b.exp(b.slice(x[0], 2, 1, 2, 2))); }},
      {"three parts",
       {{2, 6}},
       [](Builder& b, const Values& x) {
         return b.fma(b.slice(x[0], 1, 0, 2), b.slice(x[0], 1, 2, 2), b.slice(x[0], 1, 4, 2));
       }},
      {"overlapping parts with a gap",
       {{2, 7}},
       [](Builder& b, const Values& x) {
         const Value pairs = b.mul(b.slice(x[0], 1, 0, 3), b.slice(x[0], 1, 1, 3));
         return b.mul(b.mul(pairs, b.slice(x[0], 1, 4, 3)), b.slice(x[0], 1, 1, 1));
       }},
      {"parts and the whole",
       {{2, 6}},
       [](Builder& b, const Values& x) { return b.mul(b.exp(x[0]), b.slice(b.mul(x[0], x[0]), 1, 3, 1)); }},
      {"parts of two axes",
       {{4, 4}},
       [](Builder& b, const Values& x) { return b.dot(b.slice(x[0], 0, 1, 2), b.transpose(b.slice(x[0], 1, 2, 2))); }},
      {"pad", {s}, [](Builder& b, const Values& x) { return b.exp(b.pad(x[0], 1, 2, 1)); }},
      {"pad under a sum", {s}, [](Builder& b, const Values& x) { return b.sum(b.pad(x[0], 1, 2, 1), 1); }},
      {"concat",
       {s, {2, 1, 4}},
       [](Builder& b, const Values& x) {
         return b.exp(b.concat({x[0], x[1], x[0]}, 1));
       }},
      {"concat under a sum",
       {s, {2, 1, 4}},
       [](Builder& b, const Values& x) {
         return b.sum(b.concat({x[0], x[1]}, 1), 1);
       }},
      {"sums", {s}, [](Builder& b, const Values& x) { return b.exp(b.sum(b.sum(x[0], 0), 2)); }},
      {"dot", {{2, 3}, {4, 3}}, [](Builder& b, const Values& x) { return b.dot(x[0], x[1]); }},
      {"dot in batches", {{2, 2, 3, 4}, {2, 2, 5, 4}}, [](Builder& b, const Values& x) { return b.dot(x[0], x[1]); }},
      {"dot under a sum", {{3, 4}, {5, 4}}, [](Builder& b, const Values& x) { return b.sum(b.dot(x[0], x[1]), 0); }},
      {"dot with itself", {{3, 4}}, [](Builder& b, const Values& x) { return b.dot(x[0], x[0]); }},
      {"windows",
       {{1, 3, 5, 4, 2}},
       [](Builder& b, const Values& x) {
         return b.patches(x[0], {2, 3, 1}, {1, 2, 2});
       }},
      {"tiles",
       {{2, 2, 5, 4, 2}},
       [](Builder& b, const Values& x) {
         return b.patches(x[0], {1, 2, 2}, {1, 2, 2});
       }},
  };
  for (const Formula& formula : formulas) check(formula);
}

TEST(Autodiff, TablesAndIndices) {
  Builder b;
  const Value table = b.input("table", Type::kF32, {4, 3});
  const Value index = b.input("index", Type::kI32, {2, 3});
  const Value rows = b.gather(table, index);
  const Value back = b.scatter_add(b.reshape(b.mul(rows, rows), {6, 3}), b.reshape(index, {6}), 5);
  b.output("loss", weighted_sum(b, b.concat({b.reshape(rows, {6, 3}), back}, 0)));
  const auto graph = b.finish();
  ASSERT_TRUE(graph.ok());
  std::mt19937 random(3);
  // Repeated, and outside on both sides.
  Named inputs{{"table", random_numbers(random, 12, -2, 2)}, {"index", {1, 3, 1, 9, -2, 0}}};
  add_weights(*graph, inputs);
  check_gradients(*graph, inputs);
}

TEST(Autodiff, ConvolutionsOfEveryKind) {
  struct Case {
    Shape x;
    std::array<std::int64_t, 3> kernel, stride;
    std::array<std::array<std::int64_t, 2>, 3> pad;
  };
  const std::vector<Case> cases = {
      {{1, 3, 4, 3, 2}, {3, 3, 3}, {1, 1, 1}, {{{2, 0}, {1, 1}, {1, 1}}}},  // causal
      {{2, 1, 6, 5, 2}, {1, 3, 3}, {1, 2, 2}, {{{0, 0}, {0, 1}, {0, 1}}}},  // asymmetric, with a remainder
      {{1, 5, 2, 2, 2}, {3, 1, 1}, {2, 1, 1}, {{{0, 0}, {0, 0}, {0, 0}}}},
      {{1, 2, 7, 5, 1}, {2, 4, 2}, {1, 3, 2}, {{{1, 0}, {0, 2}, {0, 0}}}},
      {{1, 2, 5, 5, 2}, {1, 1, 1}, {1, 2, 3}, {{{0, 0}, {0, 0}, {0, 0}}}},  // strides beyond the kernel
      {{1, 1, 7, 4, 2}, {1, 2, 1}, {1, 3, 1}, {{{0, 0}, {0, 0}, {0, 0}}}},
      {{1, 1, 1, 2, 2}, {1, 5, 2}, {1, 4, 1}, {{{0, 0}, {4, 0}, {1, 1}}}},  // one tap meets x
      {{1, 2, 4, 4, 2}, {1, 2, 2}, {1, 2, 2}, {{{0, 0}, {0, 0}, {0, 0}}}},  // tiles
      {{1, 2, 2, 3, 3}, {1, 1, 1}, {1, 1, 1}, {{{0, 0}, {0, 0}, {0, 0}}}},  // pointwise
  };
  for (const Case& c : cases) {
    const Shape weight{3, c.x[4], c.kernel[0], c.kernel[1], c.kernel[2]};
    check({"convolution", {c.x, weight, {3}}, [&](Builder& b, const Values& x) {
             return b.conv3d(b.sin(x[0]), x[1], x[2], {c.kernel, c.stride, c.pad});
           }});
  }
}

// What a convolution costs backwards: two products of the forward one's size, and no windows' adjoint.
TEST(Autodiff, ConvolutionCostsTwiceAsMuchBackwards) {
  for (const std::int64_t stride : {1, 2}) {
    Builder b;
    const Value x = b.input("x", Type::kF32, {1, 1, 16, 16, 8});
    const Value weight = b.input("w", Type::kF32, {8, 8, 1, 3, 3});
    const Value bias = b.input("b", Type::kF32, {8});
    const Builder::Convolution form{{1, 3, 3}, {1, stride, stride}, {{{0, 0}, {1, 1}, {1, 1}}}};
    b.output("loss", weighted_sum(b, b.conv3d(x, weight, bias, form)));
    const auto graph = b.finish();
    ASSERT_TRUE(graph.ok());
    const auto gradient = differentiate(*graph, "loss", {"x", "w", "b"});
    ASSERT_TRUE(gradient.ok());
    const std::uint64_t forward = graph->work().f32_multiply_adds;
    EXPECT_LE(gradient->work().f32_multiply_adds, 3 * forward + forward / 3) << stride;
    for (const Node& node : gradient->nodes()) {
      if (node.op == Operator::kPad || node.op == Operator::kConcat) {
        EXPECT_LE(node.shape.elements(), 18 * 18 * 8);
      }
    }
  }
}

TEST(Autodiff, LayersOfTransformers) {
  const std::vector<Formula> formulas = {
      {"softmax", {{2, 5}}, [](Builder& b, const Values& x) { return b.softmax(x[0]); }},
      {"layer norm", {{2, 3, 6}}, [](Builder& b, const Values& x) { return b.layer_norm(x[0], 1e-5F); }},
      {"rms norm",
       {{2, 3, 6}, {6}},
       [](Builder& b, const Values& x) { return b.mul(b.rms_norm(x[0], 1e-5F), b.broadcast_last(x[1], 3)); }},
      {"gelu tanh", {{2, 3}}, [](Builder& b, const Values& x) { return b.gelu_tanh(x[0]); }},
      {"silu and sigmoid", {{2, 3}}, [](Builder& b, const Values& x) { return b.mul(b.silu(x[0]), b.sigmoid(x[0])); }},
      {"linear", {{2, 3, 4}, {5, 4}, {5}}, [](Builder& b, const Values& x) { return b.linear(x[0], x[1], x[2]); }},
      {"attention",
       {{2, 3, 8}, {24, 8}, {24}},
       [](Builder& b, const Values& x) {
         const Value qkv = b.linear(x[0], x[1], x[2]);
         const auto heads = [&](int part) {
           return b.permute(b.reshape(b.slice(qkv, 2, part * 8, 8), {2, 3, 2, 4}), {0, 2, 1, 3});
         };
         const Value p = b.softmax(b.mul(b.dot(heads(0), heads(1)), 0.5F));
         return b.permute(b.dot(p, b.transpose(heads(2))), {0, 2, 1, 3});
       },
       -1,
       1},
      {"rotary positions",
       {{2, 3, 4}},
       [](Builder& b, const Values& x) {
         const Value angle = b.mul(b.iota({1, 3, 1}, 1), 0.3F);
         const Value pairs = b.reshape(x[0], {6, 2, 2});
         const Value even = b.reshape(b.slice(pairs, 2, 0, 1), {2, 3, 2});
         const Value odd = b.reshape(b.slice(pairs, 2, 1, 1), {2, 3, 2});
         return b.concat({b.sub(b.mul(even, b.cos(angle)), b.mul(odd, b.sin(angle))),
                          b.add(b.mul(even, b.sin(angle)), b.mul(odd, b.cos(angle)))},
                         2);
       }},
      {"modulation",
       {{2, 3, 4}, {2, 1, 12}},
       [](Builder& b, const Values& x) {
         const auto part = [&](int i) { return b.slice(x[1], 2, i * 4, 4); };
         const Value inner = b.fma(b.layer_norm(x[0], 1e-6F), b.add(part(0), 1.0F), part(1));
         return b.fma(b.silu(inner), part(2), x[0]);
       }},
  };
  for (const Formula& formula : formulas) check(formula);
}

// ((i · factor) mod 64 - 32) / divisor, exact in f32.
Numbers ramp(std::int64_t count, int factor, double divisor) {
  Numbers out;
  for (std::int64_t i = 0; i < count; ++i) out.push_back(static_cast<double>(i * factor % 64 - 32) / divisor);
  return out;
}

// A convolution, a norm and attention against PyTorch 2 in binary64: loss, and of each gradient the first element, that
// a third of the way, the last, and the sum of magnitudes. The graph's own constants are rounded to f32, 6e-8.
TEST(Autodiff, AgreesWithPyTorch) {
  Builder b;
  const Value x = b.input("x", Type::kF32, {1, 2, 4, 4, 3});
  const Value w = b.input("w", Type::kF32, {4, 3, 2, 3, 3});
  const Value bias = b.input("bias", Type::kF32, {4});
  const Value q = b.input("q", Type::kF32, {12, 4});
  const Value convolved = b.conv3d(x, w, bias, {{2, 3, 3}, {1, 2, 2}, {{{1, 0}, {0, 1}, {0, 1}}}});
  const auto gelu = [&](Value a) {
    const Value half = b.mul(a, 0.5F);
    return b.fma(half, b.erf(b.mul(a, 0.70710678118654752F)), half);
  };
  const Value h = gelu(b.layer_norm(b.reshape(convolved, {8, 4}), 1e-5F));
  const Value qkv = b.linear(h, q);
  const Value p = b.softmax(b.mul(b.dot(b.slice(qkv, 1, 0, 4), b.slice(qkv, 1, 4, 4)), 0.5F));
  const Value out = b.silu(b.add(b.dot(p, b.transpose(b.slice(qkv, 1, 8, 4))), h));
  b.output("loss", b.mean(b.reshape(b.mul(out, out), {-1}), 0));
  const auto graph = b.finish();
  ASSERT_TRUE(graph.ok()) << graph.error().message;
  const Named inputs{
      {"x", ramp(96, 37, 32)}, {"w", ramp(216, 29, 128)}, {"bias", ramp(4, 23, 32)}, {"q", ramp(48, 19, 64)}};
  const auto gradient = differentiate(*graph, "loss", {"x", "w", "bias", "q"});
  ASSERT_TRUE(gradient.ok()) << gradient.error().message;
  const Named found = evaluate_in_double(*gradient, inputs);
  EXPECT_NEAR(found.at("loss")[0], 0.23309224753380206, 1e-7);
  const Named expected{{"d.x", {0.00431052456, -0.0267998405, -0.00248296009, 0.642635479}},
                       {"d.w", {0.0107863542, -0.0279168843, -0.0027736448, 2.19407915}},
                       {"d.bias", {-0.00601304429, -0.150468879, 0.0430423281, 0.312963846}},
                       {"d.q", {-0.000168829735, 6.8988195e-05, -0.00186959681, 0.887374168}}};
  for (const auto& [name, values] : expected) {
    const Numbers& numbers = found.at(name);
    double magnitudes = 0;
    for (const double value : numbers) magnitudes += std::abs(value);
    EXPECT_NEAR(numbers.front(), values[0], 1e-7) << name;
    EXPECT_NEAR(numbers[numbers.size() / 3], values[1], 1e-7) << name;
    EXPECT_NEAR(numbers.back(), values[2], 1e-7) << name;
    EXPECT_NEAR(magnitudes, values[3], 1e-6) << name;
  }
}

// Graphs of 12 operators drawn at random over [3, 4] values.
TEST(Autodiff, RandomGraphs) {
  for (unsigned seed = 0; seed < 40; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    const auto draw = [&](std::size_t count) {
      return std::uniform_int_distribution<std::size_t>(0, count - 1)(random);
    };
    check({"random graph", {{3, 4}, {1, 4}, {3, 1}}, [&](Builder& b, const Values& x) {
             Values pool{x[0], b.expand(x[1], {3, 4}), b.mul(x[0], x[2])};
             for (int i = 0; i < 12; ++i) {
               const Value u = pool[draw(pool.size())];
               const Value v = pool[draw(pool.size())];
               switch (draw(12)) {
                 case 0:
                   pool.push_back(b.add(u, x[1]));
                   break;
                 case 1:
                   pool.push_back(b.mul(b.tanh(u), v));
                   break;
                 case 2:
                   pool.push_back(b.sub(u, b.mean(v, 1)));
                   break;
                 case 3:
                   pool.push_back(b.softmax(u));
                   break;
                 case 4:
                   pool.push_back(b.dot(b.sin(u), b.softmax(b.dot(b.transpose(b.cos(v)), b.transpose(b.cos(u))))));
                   break;
                 case 5:
                   pool.push_back(b.div(u, b.add(b.exp(b.tanh(v)), b.abs(v))));
                   break;
                 case 6:
                   pool.push_back(b.select(b.less(u, v), b.cos(u), v));
                   break;
                 case 7:
                   pool.push_back(b.concat({b.slice(u, 0, 1, 2), b.slice(v, 0, 2, 1)}, 0));
                   break;
                 case 8:
                   pool.push_back(b.slice(b.pad(u, 1, 1, 2), 1, 4, 4, -1));
                   break;
                 case 9:
                   pool.push_back(b.reshape(b.transpose(u), {3, 4}));
                   break;
                 case 10:
                   pool.push_back(b.layer_norm(b.add(u, b.sin(v)), 0.1F));
                   break;
                 default:
                   pool.push_back(b.fma(b.sin(u), b.sum(b.cos(v), 0), u));
                   break;
               }
             }
             return b.tanh(b.add(pool.back(), pool[pool.size() - 2]));
           }});
  }
}

std::vector<float> derivative(const std::function<Value(Builder&, Value)>& make, const std::vector<float>& at) {
  Builder b;
  const Value x = b.input("x", Type::kF32, {static_cast<std::int64_t>(at.size())});
  b.output("loss", b.sum(make(b, x), 0));
  const auto graph = b.finish();
  EXPECT_TRUE(graph.ok());
  const auto gradient = differentiate(*graph, "loss", {"x"});
  EXPECT_TRUE(gradient.ok());
  const auto out =
      run_reference(*gradient, std::vector<Tensor>{Tensor::from_f32({static_cast<std::int64_t>(at.size())}, at)});
  EXPECT_TRUE(out.ok());
  return {(*out)[1].f32().begin(), (*out)[1].f32().end()};
}

TEST(Autodiff, TiesGoToTheFirstOperand) {
  const std::vector<float> zero{0.0F};
  EXPECT_EQ(derivative([](Builder& b, Value x) { return b.maximum(x, b.fill(0.0F)); }, zero)[0], 1.0F);
  EXPECT_EQ(derivative([](Builder& b, Value x) { return b.maximum(b.fill(0.0F), x); }, zero)[0], 0.0F);
  EXPECT_EQ(derivative([](Builder& b, Value x) { return b.minimum(x, b.fill(0.0F)); }, zero)[0], 1.0F);
  EXPECT_EQ(derivative([](Builder& b, Value x) { return b.minimum(b.fill(0.0F), x); }, zero)[0], 0.0F);
  EXPECT_EQ(derivative([](Builder& b, Value x) { return b.abs(x); }, zero)[0], 0.0F);
}

TEST(Autodiff, NothingFlowsWhereThereIsNoDerivative) {
  const std::vector<float> at{0.5F, -1.5F};
  const std::vector<float> zeros{0.0F, 0.0F};
  EXPECT_EQ(derivative([](Builder& b, Value x) { return b.less(x, b.fill(0.0F)); }, at), zeros);
  EXPECT_EQ(derivative([](Builder& b, Value x) { return b.max(x, 0); }, at), zeros);
  EXPECT_EQ(derivative([](Builder& b, Value x) { return b.to_f32(b.to_i32(x)); }, at), zeros);
  EXPECT_EQ(derivative([](Builder& b, Value x) { return b.select(x, b.fill(1.0F), b.fill(2.0F)); }, at), zeros);
  EXPECT_EQ(derivative([](Builder& b, Value) { return b.fill(1.0F, {2}); }, at), zeros);
}

TEST(Autodiff, KeepsInputsAndOutputsAndAddsGradientsInOrder) {
  Builder b;
  const Value x = b.input("x", Type::kF32, {2});
  const Value y = b.input("y", Type::kF32, {2});
  const Value product = b.mul(x, y);
  b.output("product", product);
  b.output("loss", b.sum(product, 0));
  const auto graph = b.finish();
  const auto gradient = differentiate(*graph, "loss", {"y", "x"});
  ASSERT_TRUE(gradient.ok());
  ASSERT_EQ(gradient->outputs().size(), 4U);
  EXPECT_EQ(gradient->inputs().size(), 2U);
  EXPECT_EQ(gradient->outputs()[0].name, "product");
  EXPECT_EQ(gradient->outputs()[2].name, "d.y");
  EXPECT_EQ(gradient->outputs()[3].name, "d.x");
  // The gradient by y is x with every element once: no product with the ones that the sum's rule starts from.
  EXPECT_EQ(gradient->outputs()[2].value, 0U);
}

TEST(Autodiff, RefusesWhatItCannotDo) {
  Builder b;
  const Value x = b.input("x", Type::kF32, {2});
  b.input("i", Type::kI32, {2});
  b.output("y", b.exp(x));
  b.output("loss", b.sum(x, 0));
  const auto graph = b.finish();
  const auto message = [&](const char* of, const char* by) { return differentiate(*graph, of, {by}).error().message; };
  EXPECT_EQ(message("z", "x"), "differentiate: the graph has no output 'z'");
  EXPECT_EQ(message("y", "x"), "differentiate: output 'y' is f32 [2], not one f32 number");
  EXPECT_EQ(message("loss", "w"), "differentiate: the graph has no input 'w'");
  EXPECT_EQ(message("loss", "i"), "differentiate: input 'i' is not of type f32");
  EXPECT_FALSE(differentiate(*graph, "loss", {"x", "x"}).ok());
}

}  // namespace
}  // namespace starling::exact
