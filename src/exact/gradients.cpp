// The gradient rules, one for each operator, in the operators' order.
#include <algorithm>
#include <array>

#include "exact/adjoints.h"

namespace starling::exact {
namespace {

using Value = Builder::Value;

Value operand(const Node& node, std::size_t index) { return {node.inputs[index]}; }

// Gives a·b's adjoint to both operands, which are node's first two.
void add_product(Adjoints& to, const Node& node, Value adjoint) {
  const Value a = operand(node, 0);
  const Value b = operand(node, 1);
  if (a.id == b.id) {
    to.add_broadcast(a.id, to.mul(to.mul(adjoint, to.constant(2.0F)), a), node.shape);
    return;
  }
  if (to.wanted(a.id)) to.add_broadcast(a.id, to.mul(adjoint, b), node.shape);
  if (to.wanted(b.id)) to.add_broadcast(b.id, to.mul(adjoint, a), node.shape);
}

// Gives the adjoint to operand `second` where condition holds, to `first` elsewhere.
void add_choice(Adjoints& to, const Node& node, Value adjoint, Value condition, std::size_t first, std::size_t second) {
  const Value zero = to.constant(0.0F);
  const ValueId a = node.inputs[first];
  const ValueId b = node.inputs[second];
  if (to.wanted(a)) to.add_broadcast(a, to.builder().select(condition, zero, adjoint), node.shape);
  if (to.wanted(b)) to.add_broadcast(b, to.builder().select(condition, adjoint, zero), node.shape);
}

void add(Adjoints& to, const Node& node, Value, Value adjoint) {
  to.add_broadcast(node.inputs[0], adjoint, node.shape);
  to.add_broadcast(node.inputs[1], adjoint, node.shape);
}

void sub(Adjoints& to, const Node& node, Value, Value adjoint) {
  to.add_broadcast(node.inputs[0], adjoint, node.shape);
  if (to.wanted(node.inputs[1])) to.add_broadcast(node.inputs[1], to.neg(adjoint), node.shape);
}

void mul(Adjoints& to, const Node& node, Value, Value adjoint) { add_product(to, node, adjoint); }

void div(Adjoints& to, const Node& node, Value output, Value adjoint) {
  const Value by_dividend = to.div(adjoint, operand(node, 1));
  to.add_broadcast(node.inputs[0], by_dividend, node.shape);
  if (to.wanted(node.inputs[1])) {
    to.add_broadcast(node.inputs[1], to.neg(to.mul(by_dividend, output)), node.shape);
  }
}

void maximum(Adjoints& to, const Node& node, Value, Value adjoint) {
  add_choice(to, node, adjoint, to.builder().less(operand(node, 0), operand(node, 1)), 0, 1);
}

void minimum(Adjoints& to, const Node& node, Value, Value adjoint) {
  add_choice(to, node, adjoint, to.builder().less(operand(node, 1), operand(node, 0)), 0, 1);
}

void fma(Adjoints& to, const Node& node, Value, Value adjoint) {
  add_product(to, node, adjoint);
  to.add_broadcast(node.inputs[2], adjoint, node.shape);
}

void select(Adjoints& to, const Node& node, Value, Value adjoint) {
  add_choice(to, node, adjoint, operand(node, 0), 2, 1);
}

void neg(Adjoints& to, const Node& node, Value, Value adjoint) { to.add(node.inputs[0], to.neg(adjoint)); }

void abs(Adjoints& to, const Node& node, Value, Value adjoint) {
  Builder& b = to.builder();
  const Value zero = to.constant(0.0F);
  const Value sign = b.sub(b.less(zero, operand(node, 0)), b.less(operand(node, 0), zero));
  to.add(node.inputs[0], to.mul(adjoint, sign));
}

void sqrt(Adjoints& to, const Node& node, Value output, Value adjoint) {
  to.add(node.inputs[0], to.div(to.mul(adjoint, to.constant(0.5F)), output));
}

void exp(Adjoints& to, const Node& node, Value output, Value adjoint) {
  to.add(node.inputs[0], to.mul(adjoint, output));
}

void log(Adjoints& to, const Node& node, Value, Value adjoint) {
  to.add(node.inputs[0], to.div(adjoint, operand(node, 0)));
}

void sin(Adjoints& to, const Node& node, Value, Value adjoint) {
  to.add(node.inputs[0], to.mul(adjoint, to.builder().cos(operand(node, 0))));
}

void cos(Adjoints& to, const Node& node, Value, Value adjoint) {
  to.add(node.inputs[0], to.neg(to.mul(adjoint, to.builder().sin(operand(node, 0)))));
}

void tanh(Adjoints& to, const Node& node, Value output, Value adjoint) {
  Builder& b = to.builder();
  to.add(node.inputs[0], to.mul(adjoint, b.fma(b.neg(output), output, to.constant(1.0F))));
}

void erf(Adjoints& to, const Node& node, Value, Value adjoint) {
  constexpr float kTwoOverSqrtPi = 1.12837916709551257F;
  Builder& b = to.builder();
  const Value a = operand(node, 0);
  to.add(node.inputs[0], to.mul(to.mul(adjoint, to.constant(kTwoOverSqrtPi)), b.exp(b.neg(b.mul(a, a)))));
}

// The output has size 1 along the axis, so its adjoint is a compact adjoint of the operand.
void sum(Adjoints& to, const Node& node, Value, Value adjoint) { to.add(node.inputs[0], adjoint); }

void dot(Adjoints& to, const Node& node, Value, Value adjoint) {
  Builder& b = to.builder();
  adjoint = to.full(adjoint, node.shape);
  if (to.wanted(node.inputs[0])) {
    if (const Node* windows = windows_of(to.graph(), node)) {
      add_convolution_adjoint(to, node, *windows, adjoint);
    } else {
      to.add(node.inputs[0], b.dot(adjoint, b.transpose(operand(node, 1))));
    }
  }
  if (to.wanted(node.inputs[1])) {
    to.add(node.inputs[1], b.dot(b.transpose(adjoint), b.transpose(operand(node, 0))));
  }
}

void reshape(Adjoints& to, const Node& node, Value, Value adjoint) {
  if (to.builder().shape(adjoint).rank() != 0) {
    adjoint = to.builder().reshape(to.full(adjoint, node.shape), to.graph().shape(node.inputs[0]));
  }
  to.add(node.inputs[0], adjoint);
}

void permute(Adjoints& to, const Node& node, Value, Value adjoint) {
  if (to.builder().shape(adjoint).rank() != 0) {
    std::vector<int> inverse(node.attributes.size());
    for (std::size_t i = 0; i < inverse.size(); ++i) {
      inverse[static_cast<std::size_t>(node.attributes[i])] = static_cast<int>(i);
    }
    adjoint = to.builder().permute(adjoint, inverse);
  }
  to.add(node.inputs[0], adjoint);
}

void slice(Adjoints& to, const Node& node, Value, Value adjoint) {
  to.add_slice(node.inputs[0], adjoint, static_cast<int>(node.attributes[0]), node.attributes[1], node.attributes[2],
               node.attributes[3]);
}

void expand(Adjoints& to, const Node& node, Value, Value adjoint) {
  to.add_broadcast(node.inputs[0], adjoint, node.shape);
}

// The part of a compact or full adjoint of shape `from` that lies at [start, start + count) of an axis.
Value part_of(Adjoints& to, Value adjoint, const Shape& from, int axis, std::int64_t start, std::int64_t count) {
  const Shape& have = to.builder().shape(adjoint);
  if (have.rank() == 0 || have[axis] != from[axis]) return adjoint;
  return to.builder().slice(adjoint, axis, start, count);
}

void pad(Adjoints& to, const Node& node, Value, Value adjoint) {
  const int axis = static_cast<int>(node.attributes[0]);
  const std::int64_t count = to.graph().shape(node.inputs[0])[axis];
  to.add(node.inputs[0], part_of(to, adjoint, node.shape, axis, node.attributes[1], count));
}

void concat(Adjoints& to, const Node& node, Value, Value adjoint) {
  const int axis = static_cast<int>(node.attributes[0]);
  std::int64_t start = 0;
  for (const ValueId input : node.inputs) {
    const std::int64_t count = to.graph().shape(input)[axis];
    if (to.wanted(input)) to.add(input, part_of(to, adjoint, node.shape, axis, start, count));
    start += count;
  }
}

void gather(Adjoints& to, const Node& node, Value, Value adjoint) {
  Builder& b = to.builder();
  const Shape& table = to.graph().shape(node.inputs[0]);
  const Value index = b.reshape(operand(node, 1), {-1});
  const Value rows = b.reshape(to.full(adjoint, node.shape), {-1, table[1]});
  to.add(node.inputs[0], b.scatter_add(rows, index, table[0]));
}

void scatter_add(Adjoints& to, const Node& node, Value, Value adjoint) {
  to.add(node.inputs[0], to.builder().gather(to.full(adjoint, node.shape), operand(node, 1)));
}

struct GradientRow {
  Operator op;
  GradientRule rule;  // nullptr: no gradient
};

constexpr std::array kRules = {
    GradientRow{Operator::kFill, nullptr},
    GradientRow{Operator::kIota, nullptr},
    GradientRow{Operator::kNormal, nullptr},
    GradientRow{Operator::kUniform, nullptr},
    GradientRow{Operator::kAdd, add},
    GradientRow{Operator::kSub, sub},
    GradientRow{Operator::kMul, mul},
    GradientRow{Operator::kDiv, div},
    GradientRow{Operator::kMaximum, maximum},
    GradientRow{Operator::kMinimum, minimum},
    GradientRow{Operator::kLess, nullptr},
    GradientRow{Operator::kFma, fma},
    GradientRow{Operator::kSelect, select},
    GradientRow{Operator::kNeg, neg},
    GradientRow{Operator::kAbs, abs},
    GradientRow{Operator::kSqrt, sqrt},
    GradientRow{Operator::kExp, exp},
    GradientRow{Operator::kLog, log},
    GradientRow{Operator::kSin, sin},
    GradientRow{Operator::kCos, cos},
    GradientRow{Operator::kTanh, tanh},
    GradientRow{Operator::kErf, erf},
    GradientRow{Operator::kToI32, nullptr},
    GradientRow{Operator::kToF32, nullptr},
    GradientRow{Operator::kToI8, nullptr},
    GradientRow{Operator::kToU8, nullptr},
    GradientRow{Operator::kSum, sum},
    GradientRow{Operator::kMax, nullptr},
    GradientRow{Operator::kDot, dot},
    GradientRow{Operator::kReshape, reshape},
    GradientRow{Operator::kPermute, permute},
    GradientRow{Operator::kSlice, slice},
    GradientRow{Operator::kExpand, expand},
    GradientRow{Operator::kPad, pad},
    GradientRow{Operator::kConcat, concat},
    GradientRow{Operator::kGather, gather},
    GradientRow{Operator::kScatterAdd, scatter_add},
    GradientRow{Operator::kPatches, add_patches_adjoint},
};

constexpr bool rules_ascend() {
  for (std::size_t i = 1; i < kRules.size(); ++i) {
    if (kRules[i - 1].op >= kRules[i].op) return false;
  }
  return true;
}
static_assert(rules_ascend(), "the rules are in the order of the operators' numbers, each once");

}  // namespace

GradientRule gradient_rule(Operator op) {
  const auto row = std::ranges::lower_bound(kRules, op, {}, &GradientRow::op);
  return row != kRules.end() && row->op == op ? row->rule : nullptr;
}

}  // namespace starling::exact
