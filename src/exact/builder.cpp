#include <algorithm>
#include <array>
#include <bit>

#include "exact/graph_encoding.h"

namespace starling::exact {
namespace {

using Value = Builder::Value;

std::vector<std::int64_t> sizes_of(const Shape& shape) { return {shape.sizes().begin(), shape.sizes().end()}; }

std::vector<std::int64_t> with_front(std::int64_t first, const Shape& shape) {
  std::vector<std::int64_t> out = sizes_of(shape);
  out.insert(out.begin(), first);
  return out;
}

// Equal keys, equal nodes.
std::string node_key(const Node& node) {
  base::Encoder encoder;
  encoder.u8(static_cast<std::uint8_t>(node.op));
  for (const ValueId input : node.inputs) encoder.u32(input);
  encoder.u8(0xFF);
  for (const std::int64_t attribute : node.attributes) encoder.i64(attribute);
  encoder.f32(node.scalar);
  return {encoder.data().begin(), encoder.data().end()};
}

}  // namespace

Builder::Scope::Scope(Builder& builder, std::string_view name) : builder_(builder), length_(builder.scope_.size()) {
  std::string& scope = builder.scope_;
  // What the name and the scope around it have in common is said once.
  for (std::size_t dot = name.rfind('.'); dot != std::string_view::npos && dot != 0; dot = name.rfind('.', dot - 1)) {
    const std::string_view outer = name.substr(0, dot);
    if (scope == outer || scope.ends_with("." + std::string(outer))) {
      name.remove_prefix(dot + 1);
      break;
    }
  }
  if (length_ != 0) scope += '.';
  scope += name;
}

Builder::Scope::~Scope() { builder_.scope_.resize(length_); }

void Builder::fail(std::string message) {
  if (!error_.empty()) return;
  error_ = scope_.empty() ? std::move(message) : scope_ + ": " + message;
  // Later calls get a value to name: a scalar, so that their own checks have something to look at.
  if (values_.empty()) values_.push_back({Operator::kFill, {}, {}, 0.0F, Type::kF32, Shape{}});
}

Value Builder::input(std::string_view name, Type type, const Shape& shape) {
  if (!ok()) return {};
  const std::string quoted = "input '" + std::string(name) + "'";
  if (!shape.is_possible()) {
    fail(quoted + " has the impossible shape " + shape.text());
    return {};
  }
  if (type != Type::kF32 && !is_integer(type)) {
    fail(quoted + " is " + type_name(type) + ", but operators take f32, i32, i8 and u8");
    return {};
  }
  const auto id = static_cast<ValueId>(values_.size());
  if (name.empty() || name.size() > kMaxNameBytes) {
    fail("an input's name has 1 to 256 bytes");
  } else if (!input_names_.try_emplace(std::string(name), id).second) {
    fail(quoted + " is there already");
  } else {
    values_.push_back({Operator::kFill, {}, {}, 0.0F, type, shape});
    inputs_.emplace_back(name, id);
    return {id};
  }
  return {};
}

void Builder::output(std::string_view name, Value value) {
  if (!ok()) return;
  if (name.empty() || name.size() > kMaxNameBytes) return fail("an output's name has 1 to 256 bytes");
  if (std::ranges::find(outputs_, name, &GraphOutput::name) != outputs_.end()) {
    return fail("output '" + std::string(name) + "' is there already");
  }
  if (value.id >= values_.size()) return fail("output '" + std::string(name) + "' names no value");
  outputs_.push_back({std::string(name), value.id});
}

const Shape& Builder::shape(Value value) const { return values_[value.id].shape; }
Type Builder::type(Value value) const { return values_[value.id].type; }

std::int64_t Builder::size(Value value, int axis) const {
  const Shape& s = shape(value);
  if (axis < 0) axis += s.rank();
  return axis >= 0 && axis < s.rank() ? s[axis] : 1;
}

Value Builder::add_node(Operator op, std::span<const ValueId> inputs, std::span<const std::int64_t> attributes,
                        float scalar) {
  if (!ok()) return {};
  const OperatorRow* row = find_operator(op);
  if (row == nullptr) {
    fail("no such operator");
    return {};
  }
  const auto wrong = [&](const std::string& message) {
    fail(std::string(row->name) + ": " + message);
    return Value{};
  };
  if (row->arity >= 0 ? inputs.size() != static_cast<std::size_t>(row->arity) : inputs.empty()) {
    return wrong("takes " + std::to_string(row->arity) + " operands, not " + std::to_string(inputs.size()));
  }
  if (op != Operator::kFill && std::bit_cast<std::uint32_t>(scalar) != 0) return wrong("takes no scalar");
  std::vector<Type> types;
  std::vector<Shape> shapes;
  for (const ValueId input : inputs) {
    if (input >= values_.size()) return wrong("names a value that is not there yet");
    types.push_back(values_[input].type);
    shapes.push_back(values_[input].shape);
  }
  if (attributes.size() > kMaxRank + 1) return wrong("too many attributes");
  auto inferred = row->infer({types, shapes, attributes});
  if (!inferred.ok()) return wrong(inferred.error().message);
  Node node{op,
            {inputs.begin(), inputs.end()},
            {attributes.begin(), attributes.end()},
            scalar,
            inferred->type,
            inferred->shape};
  const auto [found, is_new] = known_.try_emplace(node_key(node), static_cast<ValueId>(values_.size()));
  if (is_new) values_.push_back(std::move(node));
  return {found->second};
}

Value Builder::unary(Operator op, Value a) { return add_node(op, std::array{a.id}, {}, 0.0F); }
Value Builder::binary(Operator op, Value a, Value b) { return add_node(op, std::array{a.id, b.id}, {}, 0.0F); }

Value Builder::fill(float scalar, const Shape& shape) { return add_node(Operator::kFill, {}, shape.sizes(), scalar); }
Value Builder::iota(const Shape& shape, int axis) {
  return add_node(Operator::kIota, {}, with_front(axis, shape), 0.0F);
}
Value Builder::normal(Value seed, std::uint32_t stream, const Shape& shape) {
  return add_node(Operator::kNormal, std::array{seed.id}, with_front(stream, shape), 0.0F);
}
Value Builder::uniform(Value seed, std::uint32_t stream, const Shape& shape) {
  return add_node(Operator::kUniform, std::array{seed.id}, with_front(stream, shape), 0.0F);
}

Value Builder::add(Value a, Value b) { return binary(Operator::kAdd, a, b); }
Value Builder::sub(Value a, Value b) { return binary(Operator::kSub, a, b); }
Value Builder::mul(Value a, Value b) { return binary(Operator::kMul, a, b); }
Value Builder::div(Value a, Value b) { return binary(Operator::kDiv, a, b); }
Value Builder::maximum(Value a, Value b) { return binary(Operator::kMaximum, a, b); }
Value Builder::minimum(Value a, Value b) { return binary(Operator::kMinimum, a, b); }
Value Builder::less(Value a, Value b) { return binary(Operator::kLess, a, b); }
Value Builder::fma(Value a, Value b, Value c) {
  return add_node(Operator::kFma, std::array{a.id, b.id, c.id}, {}, 0.0F);
}
Value Builder::select(Value condition, Value a, Value b) {
  return add_node(Operator::kSelect, std::array{condition.id, a.id, b.id}, {}, 0.0F);
}
Value Builder::neg(Value a) { return unary(Operator::kNeg, a); }
Value Builder::abs(Value a) { return unary(Operator::kAbs, a); }
Value Builder::sqrt(Value a) { return unary(Operator::kSqrt, a); }
Value Builder::exp(Value a) { return unary(Operator::kExp, a); }
Value Builder::log(Value a) { return unary(Operator::kLog, a); }
Value Builder::sin(Value a) { return unary(Operator::kSin, a); }
Value Builder::cos(Value a) { return unary(Operator::kCos, a); }
Value Builder::tanh(Value a) { return unary(Operator::kTanh, a); }
Value Builder::erf(Value a) { return unary(Operator::kErf, a); }
Value Builder::to_i32(Value a) { return unary(Operator::kToI32, a); }
Value Builder::to_f32(Value a) { return unary(Operator::kToF32, a); }
Value Builder::to_i8(Value a) { return unary(Operator::kToI8, a); }
Value Builder::to_u8(Value a) { return unary(Operator::kToU8, a); }

int Builder::axis_of(Value a, int axis) const { return axis < 0 ? axis + shape(a).rank() : axis; }

Value Builder::sum(Value a, int axis) {
  return add_node(Operator::kSum, std::array{a.id}, std::array<std::int64_t, 1>{axis_of(a, axis)}, 0.0F);
}
Value Builder::max(Value a, int axis) {
  return add_node(Operator::kMax, std::array{a.id}, std::array<std::int64_t, 1>{axis_of(a, axis)}, 0.0F);
}
Value Builder::dot(Value a, Value b) { return binary(Operator::kDot, a, b); }

Value Builder::reshape(Value a, const Shape& wanted) {
  Shape out = wanted;
  int open = -1;
  std::int64_t known = 1;
  for (int axis = 0; axis < out.rank(); ++axis) {
    if (out[axis] == -1 && open < 0) {
      open = axis;
    } else {
      // Sizes come from whoever builds; one that is impossible is refused by the operator's rule.
      known *= std::clamp<std::int64_t>(out[axis], 1, kMaxElements / known);
    }
  }
  if (open >= 0) out.set(open, shape(a).elements() / known);
  if (out == shape(a)) return a;
  // A reshape of a reshape is one reshape.
  if (values_[a.id].op == Operator::kReshape) {
    a = {values_[a.id].inputs[0]};
    if (out == shape(a)) return a;
  }
  return add_node(Operator::kReshape, std::array{a.id}, out.sizes(), 0.0F);
}

Value Builder::permute(Value a, std::span<const int> axes) {
  const std::vector<std::int64_t> attributes(axes.begin(), axes.end());
  return add_node(Operator::kPermute, std::array{a.id}, attributes, 0.0F);
}
Value Builder::permute(Value a, std::initializer_list<int> axes) {
  return permute(a, std::span<const int>(axes.begin(), axes.size()));
}

Value Builder::transpose(Value a) {
  std::vector<int> axes;
  for (int axis = 0; axis < shape(a).rank(); ++axis) axes.push_back(axis);
  if (axes.size() < 2) {
    fail("transpose: takes at least two axes");
    return {};
  }
  std::swap(axes[axes.size() - 1], axes[axes.size() - 2]);
  return permute(a, axes);
}

Value Builder::slice(Value a, int axis, std::int64_t start, std::int64_t count, std::int64_t step) {
  axis = axis_of(a, axis);
  if (start == 0 && step == 1 && count == size(a, axis)) return a;
  return add_node(Operator::kSlice, std::array{a.id}, std::array<std::int64_t, 4>{axis, start, count, step}, 0.0F);
}
Value Builder::expand(Value a, const Shape& wanted) {
  if (shape(a) == wanted) return a;
  return add_node(Operator::kExpand, std::array{a.id}, wanted.sizes(), 0.0F);
}
Value Builder::pad(Value a, int axis, std::int64_t before, std::int64_t after) {
  if (before == 0 && after == 0) return a;
  return add_node(Operator::kPad, std::array{a.id}, std::array<std::int64_t, 3>{axis_of(a, axis), before, after}, 0.0F);
}
Value Builder::concat(std::span<const Value> parts, int axis) {
  if (parts.size() == 1) return parts[0];
  std::vector<ValueId> ids;
  for (const Value part : parts) ids.push_back(part.id);
  if (ids.empty()) {
    fail("concat: needs at least one part");
    return {};
  }
  return add_node(Operator::kConcat, ids, std::array<std::int64_t, 1>{axis_of(parts[0], axis)}, 0.0F);
}
Value Builder::concat(std::initializer_list<Value> parts, int axis) {
  return concat(std::span<const Value>(parts.begin(), parts.size()), axis);
}
Value Builder::gather(Value table, Value index) { return binary(Operator::kGather, table, index); }
Value Builder::scatter_add(Value rows, Value index, std::int64_t table_rows) {
  return add_node(Operator::kScatterAdd, std::array{rows.id, index.id}, std::array<std::int64_t, 1>{table_rows}, 0.0F);
}
Value Builder::patches(Value x, std::array<std::int64_t, 3> kernel, std::array<std::int64_t, 3> stride) {
  const std::array<std::int64_t, 6> attributes{kernel[0], kernel[1], kernel[2], stride[0], stride[1], stride[2]};
  return add_node(Operator::kPatches, std::array{x.id}, attributes, 0.0F);
}

base::Result<Graph> Builder::finish() {
  if (!ok()) return base::invalid(error_);
  if (outputs_.empty()) return base::invalid("a graph needs an output");
  std::vector<bool> needed(values_.size(), false);
  for (const GraphOutput& output : outputs_) needed[output.value] = true;
  for (std::size_t id = values_.size(); id-- > 0;) {
    if (!needed[id]) continue;
    for (const ValueId input : values_[id].inputs) needed[input] = true;
  }
  Graph graph;
  std::vector<ValueId> renumbered(values_.size());
  for (const auto& [name, id] : inputs_) {
    renumbered[id] = static_cast<ValueId>(graph.inputs_.size());
    graph.inputs_.push_back({name, values_[id].type, values_[id].shape});
    needed[id] = false;
  }
  for (std::size_t id = 0; id < values_.size(); ++id) {
    if (!needed[id]) continue;
    Node& node = values_[id];
    for (ValueId& input : node.inputs) input = renumbered[input];
    renumbered[id] = static_cast<ValueId>(graph.values());
    graph.nodes_.push_back(std::move(node));
  }
  for (GraphOutput& output : outputs_) graph.outputs_.push_back({output.name, renumbered[output.value]});
  return graph;
}

}  // namespace starling::exact
