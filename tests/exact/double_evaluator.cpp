#include "double_evaluator.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace starling::exact {
namespace {

using Numbers = std::vector<double>;
using Place = std::vector<std::int64_t>;

// Calls visit(place) for every element of a shape in row-major order.
template <typename Visit>
void for_each(const Shape& shape, Visit visit) {
  Place at(static_cast<std::size_t>(shape.rank()), 0);
  for (std::int64_t i = 0; i < shape.elements(); ++i) {
    visit(at);
    for (int axis = shape.rank(); axis-- > 0;) {
      if (++at[static_cast<std::size_t>(axis)] < shape[axis]) break;
      at[static_cast<std::size_t>(axis)] = 0;
    }
  }
}

// The element at a place, where a shape of rank 0 or an axis of size 1 is repeated.
double element(const Numbers& numbers, const Shape& shape, const Place& at) {
  std::int64_t index = 0;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    index = index * shape[axis] + (shape[axis] == 1 ? 0 : at[static_cast<std::size_t>(axis)]);
  }
  return numbers[static_cast<std::size_t>(index)];
}

using Scalar = double (*)(double, double, double);
const std::map<Operator, Scalar> kElementwise = {
    {Operator::kAdd, [](double a, double b, double) { return a + b; }},
    {Operator::kSub, [](double a, double b, double) { return a - b; }},
    {Operator::kMul, [](double a, double b, double) { return a * b; }},
    {Operator::kDiv, [](double a, double b, double) { return a / b; }},
    {Operator::kMaximum, [](double a, double b, double) { return std::max(a, b); }},
    {Operator::kMinimum, [](double a, double b, double) { return std::min(a, b); }},
    {Operator::kLess, [](double a, double b, double) { return a < b ? 1.0 : 0.0; }},
    {Operator::kFma, [](double a, double b, double c) { return a * b + c; }},
    {Operator::kSelect, [](double a, double b, double c) { return a != 0 ? b : c; }},
    {Operator::kNeg, [](double a, double, double) { return -a; }},
    {Operator::kAbs, [](double a, double, double) { return std::abs(a); }},
    {Operator::kSqrt, [](double a, double, double) { return std::sqrt(a); }},
    {Operator::kExp, [](double a, double, double) { return std::exp(a); }},
    {Operator::kLog, [](double a, double, double) { return std::log(a); }},
    {Operator::kSin, [](double a, double, double) { return std::sin(a); }},
    {Operator::kCos, [](double a, double, double) { return std::cos(a); }},
    {Operator::kTanh, [](double a, double, double) { return std::tanh(a); }},
    {Operator::kErf, [](double a, double, double) { return std::erf(a); }},
    {Operator::kToI32, [](double a, double, double) { return std::nearbyint(a); }},
    {Operator::kToF32, [](double a, double, double) { return a; }},
};

struct Evaluated {
  const Graph& graph;
  std::vector<Numbers> numbers;
  const Numbers& of(const Node& node, std::size_t i) const { return numbers[node.inputs[i]]; }
  const Shape& shape(const Node& node, std::size_t i) const { return graph.shape(node.inputs[i]); }
};

// One element of the output of an operator that is not elementwise.
double moved(const Evaluated& values, const Node& node, Place at) {
  const Numbers& a = values.of(node, 0);
  const Shape& in = values.shape(node, 0);
  const std::size_t axis = node.attributes.empty() ? 0 : static_cast<std::size_t>(node.attributes[0]);
  switch (node.op) {
    case Operator::kSum:
    case Operator::kMax: {
      double result = node.op == Operator::kSum ? 0.0 : -INFINITY;
      for (at[axis] = 0; at[axis] < in[static_cast<int>(axis)]; ++at[axis]) {
        const double x = element(a, in, at);
        result = node.op == Operator::kSum ? result + x : std::max(result, x);
      }
      return result;
    }
    case Operator::kDot: {
      Place right = at;
      const std::size_t last = at.size() - 1;
      right[last - 1] = at[last];
      double sum = 0;
      for (std::int64_t k = 0; k < in.back(); ++k) {
        at[last] = right[last] = k;
        sum += element(a, in, at) * element(values.of(node, 1), values.shape(node, 1), right);
      }
      return sum;
    }
    case Operator::kPermute: {
      Place from(at.size());
      for (std::size_t i = 0; i < at.size(); ++i) from[static_cast<std::size_t>(node.attributes[i])] = at[i];
      return element(a, in, from);
    }
    case Operator::kSlice:
      at[axis] = node.attributes[1] + at[axis] * node.attributes[3];
      return element(a, in, at);
    case Operator::kPad:
      at[axis] -= node.attributes[1];
      return at[axis] < 0 || at[axis] >= in[static_cast<int>(axis)] ? 0.0 : element(a, in, at);
    case Operator::kConcat: {
      std::size_t part = 0;
      for (; at[axis] >= values.shape(node, part)[static_cast<int>(axis)]; ++part) {
        at[axis] -= values.shape(node, part)[static_cast<int>(axis)];
      }
      return element(values.of(node, part), values.shape(node, part), at);
    }
    case Operator::kGather: {
      const std::int64_t column = at.back();
      at.pop_back();
      const auto row = static_cast<std::int64_t>(element(values.of(node, 1), values.shape(node, 1), at));
      return a[static_cast<std::size_t>(std::clamp<std::int64_t>(row, 0, in[0] - 1) * in[1] + column)];
    }
    case Operator::kScatterAdd: {
      double sum = 0;
      for (std::int64_t row = 0; row < in[0]; ++row) {
        const auto to = static_cast<std::int64_t>(values.of(node, 1)[static_cast<std::size_t>(row)]);
        if (std::clamp<std::int64_t>(to, 0, node.shape[0] - 1) == at[0]) sum += element(a, in, {row, at[1]});
      }
      return sum;
    }
    case Operator::kPatches:
      return element(a, in,
                     {at[0], at[1] * node.attributes[3] + at[4], at[2] * node.attributes[4] + at[5],
                      at[3] * node.attributes[5] + at[6], at[7]});
    case Operator::kExpand:
      return element(a, in, at);
    default:
      ADD_FAILURE() << "no such operator here: " << find_operator(node.op)->name;
      return 0;
  }
}

Numbers evaluate(const Evaluated& values, const Node& node) {
  Numbers out;
  const auto scalar = kElementwise.find(node.op);
  if (node.op == Operator::kReshape) return values.of(node, 0);
  for_each(node.shape, [&](const Place& at) {
    if (scalar != kElementwise.end()) {
      std::array<double, 3> x{};
      for (std::size_t i = 0; i < node.inputs.size(); ++i)
        x[i] = element(values.of(node, i), values.shape(node, i), at);
      out.push_back(scalar->second(x[0], x[1], x[2]));
    } else if (node.op == Operator::kFill) {
      out.push_back(static_cast<double>(node.scalar));
    } else if (node.op == Operator::kIota) {
      out.push_back(static_cast<double>(at[static_cast<std::size_t>(node.attributes[0])]));
    } else {
      out.push_back(moved(values, node, at));
    }
  });
  return out;
}

}  // namespace

std::map<std::string, Numbers> evaluate_in_double(const Graph& graph, const std::map<std::string, Numbers>& inputs) {
  Evaluated values{graph, {}};
  for (const GraphInput& input : graph.inputs()) values.numbers.push_back(inputs.at(input.name));
  for (const Node& node : graph.nodes()) values.numbers.push_back(evaluate(values, node));
  std::map<std::string, Numbers> outputs;
  for (const GraphOutput& output : graph.outputs()) outputs[output.name] = values.numbers[output.value];
  return outputs;
}

}  // namespace starling::exact
