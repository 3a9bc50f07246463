#include "exact/adjoints.h"

#include <algorithm>
#include <tuple>

namespace starling::exact {

using Value = Builder::Value;

Adjoints::Adjoints(const Graph& graph, Builder& builder, std::vector<bool> wanted)
    : graph_(graph), builder_(builder), wanted_(std::move(wanted)) {
  for (std::size_t i = 0; i < graph.nodes().size(); ++i) {
    const Node& node = graph.nodes()[i];
    if (node.op == Operator::kFill) constants_[static_cast<ValueId>(graph.inputs().size() + i)] = node.scalar;
  }
}

Value Adjoints::constant(float scalar) {
  const Value value = builder_.fill(scalar);
  constants_[value.id] = scalar;
  return value;
}

std::optional<float> Adjoints::constant_of(Value value) const {
  const auto found = constants_.find(value.id);
  return found == constants_.end() ? std::nullopt : std::optional(found->second);
}

Value Adjoints::mul(Value a, Value b) {
  std::optional<float> left = constant_of(a);
  std::optional<float> right = constant_of(b);
  if (left && right) return constant(*left * *right);
  if (left) {
    std::swap(a, b);
    std::swap(left, right);
  }
  if (right && *right == 1.0F) return a;
  if (right && *right == -1.0F) return builder_.neg(a);
  // A constant as wide as its operand says no more than a scalar.
  return builder_.mul(a, right ? constant(*right) : b);
}

Value Adjoints::div(Value a, Value b) {
  if (const auto divisor = constant_of(b)) {
    if (*divisor == 1.0F) return a;
    if (const auto dividend = constant_of(a)) return constant(*dividend / *divisor);
    b = constant(*divisor);
  }
  return builder_.div(a, b);
}

Value Adjoints::neg(Value a) {
  const auto known = constant_of(a);
  return known ? constant(-*known) : builder_.neg(a);
}

Value Adjoints::full(Value part, const Shape& shape) {
  if (builder_.shape(part) == shape) return part;
  if (const auto known = constant_of(part)) {
    const Value value = builder_.fill(*known, shape);
    constants_[value.id] = *known;
    return value;
  }
  if (builder_.shape(part).rank() == 0) {
    part = builder_.reshape(part, Shape(std::vector<std::int64_t>(static_cast<std::size_t>(shape.rank()), 1)));
  }
  return builder_.expand(part, shape);
}

Value Adjoints::dilated(Value a, int axis, std::int64_t step) {
  const Shape shape = builder_.shape(a);
  const std::int64_t size = shape[axis];
  if (step == 1 || size == 1) return a;
  std::int64_t outer = 1;
  for (int i = 0; i < axis; ++i) outer *= shape[i];
  const std::int64_t inner = shape.elements() / outer / size;
  a = builder_.pad(builder_.reshape(a, {outer, size, 1, inner}), 2, 0, step - 1);
  const std::int64_t wide = (size - 1) * step + 1;
  a = builder_.slice(builder_.reshape(a, {outer, size * step, inner}), 1, 0, wide);
  Shape out = shape;
  out.set(axis, wide);
  return builder_.reshape(a, out);
}

void Adjoints::gather(std::optional<Value>& sum, Value part) {
  if (!sum) {
    sum = part;
    return;
  }
  const auto left = constant_of(*sum);
  const auto right = constant_of(part);
  sum = left && right ? constant(*left + *right) : builder_.add(*sum, part);
}

void Adjoints::add(ValueId value, Value part) {
  if (wanted(value) && builder_.ok()) gather(gathered_[value].whole, part);
}

void Adjoints::add_broadcast(ValueId value, Value part, const Shape& from) {
  if (wanted(value) && builder_.ok()) add(value, reduced(part, from, graph_.shape(value)));
}

Value Adjoints::reduced(Value part, const Shape& from, const Shape& to) {
  if (from == to) return part;
  if (const auto known = constant_of(part)) {
    const std::int64_t repeated = from.elements() / to.elements();
    return constant(*known * static_cast<float>(repeated));
  }
  const Shape have = builder_.shape(part);
  Shape grouped;              // part's sizes above 1, neighbours that are treated alike in one
  std::vector<bool> summed;   // by axis of grouped
  Shape out;                  // as part, reduced
  std::int64_t repeated = 1;  // summed over, but compact: so often is each element counted
  for (int axis = 0; axis < from.rank(); ++axis) {
    const bool over = from[axis] != 1 && (to.rank() == 0 || to[axis] == 1);
    const std::int64_t size = have.rank() == 0 ? 1 : have[axis];
    if (to.rank() != 0 && have.rank() != 0) out.append(over ? 1 : size);
    if (size == 1) {
      if (over) repeated *= from[axis];
    } else if (!summed.empty() && summed.back() == over) {
      grouped.set(grouped.rank() - 1, grouped.back() * size);
    } else {
      grouped.append(size);
      summed.push_back(over);
    }
  }
  part = mul(part, constant(static_cast<float>(repeated)));
  if (std::ranges::find(summed, true) != summed.end()) {
    part = builder_.reshape(part, grouped);
    for (int axis = grouped.rank() - 1; axis >= 0; --axis) {
      if (summed[static_cast<std::size_t>(axis)]) part = builder_.sum(part, axis);
    }
  }
  return builder_.reshape(part, out);
}

void Adjoints::add_slice(ValueId value, Value part, int axis, std::int64_t start, std::int64_t count,
                         std::int64_t step) {
  if (!wanted(value) || !builder_.ok()) return;
  const Shape& shape = graph_.shape(value);
  Shape sliced = shape;
  sliced.set(axis, count);
  part = full(part, sliced);
  if (count == 1) step = 1;
  if (step < 0) {
    start += (count - 1) * step;
    step = -step;
    part = builder_.slice(part, axis, count - 1, count, -1);
  }
  Strip strip{shape, axis, start, part};
  if (step > 1 && start < step && shape[axis] == count * step) {
    // Every step-th element: a part of size 1 along an axis of size step.
    std::int64_t outer = 1;
    for (int i = 0; i < axis; ++i) outer *= shape[i];
    const std::int64_t inner = shape.elements() / outer / shape[axis];
    strip = {{outer, count, step, inner}, 2, start, builder_.reshape(part, {outer, count, 1, inner})};
  } else {
    strip.part = dilated(part, axis, step);
  }
  gathered_[value].strips.push_back(strip);
}

// The value's adjoint from strips in order that do not overlap, with zeros between.
Value Adjoints::assembled(const std::vector<const Strip*>& strips, const Shape& shape) {
  const Strip& first = *strips.front();
  const std::int64_t size = first.seen[first.axis];
  if (strips.size() == 1) {
    const std::int64_t after = size - first.start - builder_.size(first.part, first.axis);
    return builder_.reshape(builder_.pad(first.part, first.axis, first.start, after), shape);
  }
  std::vector<Value> parts;
  std::int64_t at = 0;
  const auto fill_to = [&](std::int64_t start) {
    if (start == at) return;
    Shape gap = first.seen;
    gap.set(first.axis, start - at);
    parts.push_back(builder_.fill(0.0F, gap));
  };
  for (const Strip* strip : strips) {
    fill_to(strip->start);
    parts.push_back(strip->part);
    at = strip->start + builder_.size(strip->part, first.axis);
  }
  fill_to(size);
  return builder_.reshape(builder_.concat(parts, first.axis), shape);
}

std::optional<Value> Adjoints::take(ValueId value) {
  const auto found = gathered_.find(value);
  if (found == gathered_.end()) return std::nullopt;
  Gathered all = std::move(found->second);
  gathered_.erase(found);
  std::ranges::stable_sort(all.strips, {}, [](const Strip& strip) {
    return std::tuple(strip.axis, strip.seen.rank(), strip.seen[strip.axis], strip.start);
  });
  // Layers of strips: each strip goes to the first layer where it overlaps with nothing.
  std::vector<std::vector<const Strip*>> layers;
  for (const Strip& strip : all.strips) {
    const auto layer = std::ranges::find_if(layers, [&](const std::vector<const Strip*>& strips) {
      const Strip& last = *strips.back();
      return last.seen == strip.seen && last.axis == strip.axis &&
             last.start + builder_.size(last.part, last.axis) <= strip.start;
    });
    if (layer == layers.end()) {
      layers.push_back({&strip});
    } else {
      layer->push_back(&strip);
    }
  }
  for (const auto& layer : layers) gather(all.whole, assembled(layer, graph_.shape(value)));
  return all.whole;
}

}  // namespace starling::exact
