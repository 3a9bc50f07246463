// Gradients of windows and of the convolutions made with them.
#include <algorithm>
#include <array>

#include "exact/adjoints.h"

namespace starling::exact {
namespace {

using Value = Builder::Value;
using Extents = std::array<std::int64_t, 3>;

Extents kernel_of(const Node& windows) { return {windows.attributes[0], windows.attributes[1], windows.attributes[2]}; }
Extents stride_of(const Node& windows) { return {windows.attributes[3], windows.attributes[4], windows.attributes[5]}; }

// Rules write out a part of the graph for each tap or phase, so their number has a bound.
bool too_many(Builder& b, const Extents& kernel, const Extents& stride) {
  constexpr std::int64_t kMost = 256;
  std::int64_t phases = 1;
  for (std::size_t i = 0; i < 3; ++i) {
    if (kernel[i] > kMost || stride[i] > kMost || (phases *= stride[i]) > kMost) {
      b.fail("a kernel of more than 256 taps along an axis, or more than 256 phases of a stride");
      return true;
    }
  }
  return false;
}

// A run of positions along an axis.
struct Range {
  std::int64_t start;
  std::int64_t count;
};

// The elements of `a` at the range's positions of an axis, zeros where it lies outside.
Value cut(Builder& b, Value a, int axis, Range range) {
  const std::int64_t size = b.size(a, axis);
  const std::int64_t first = std::max<std::int64_t>(range.start, 0);
  const std::int64_t last = std::min(range.start + range.count, size);
  return b.pad(b.slice(a, axis, first, last - first), axis, first - range.start, range.start + range.count - last);
}

// What a convolution reads, without the zeros around it.
struct Unpadded {
  ValueId x;
  Extents before{};  // zeros before it along T, H, W
};

Unpadded unpadded(const Graph& graph, ValueId x) {
  Unpadded out{x};
  while (!graph.is_input(out.x) && graph.node(out.x).op == Operator::kPad) {
    const Node& pad = graph.node(out.x);
    const std::int64_t axis = pad.attributes[0];
    if (axis < 1 || axis > 3) break;
    out.before[static_cast<std::size_t>(axis) - 1] += pad.attributes[1];
    out.x = pad.inputs[0];
  }
  return out;
}

}  // namespace

const Node* windows_of(const Graph& graph, const Node& dot) {
  const ValueId a = dot.inputs[0];
  if (graph.is_input(a) || graph.node(a).op != Operator::kReshape) return nullptr;
  const ValueId inner = graph.node(a).inputs[0];
  if (graph.is_input(inner) || graph.node(inner).op != Operator::kPatches) return nullptr;
  const Node& windows = graph.node(inner);
  const Extents kernel = kernel_of(windows);
  // Windows that tile x are as large as x: their adjoint costs nothing more.
  if (kernel == stride_of(windows)) return nullptr;
  const std::int64_t depth = kernel[0] * kernel[1] * kernel[2] * windows.shape[7];
  const Shape& rows = graph.shape(a);
  return rows.rank() == 2 && rows[1] == depth ? &windows : nullptr;
}

void add_convolution_adjoint(Adjoints& adjoints, const Node& dot, const Node& windows, Value adjoint) {
  Builder& b = adjoints.builder();
  const auto [x, before] = unpadded(adjoints.graph(), windows.inputs[0]);
  if (!adjoints.wanted(x)) return;
  const Extents kernel = kernel_of(windows);
  const Extents stride = stride_of(windows);
  if (too_many(b, kernel, stride)) return;
  const Shape& in = adjoints.graph().shape(x);
  const std::int64_t channels = in[4];
  const std::int64_t features = dot.shape[1];
  const Shape& at = windows.shape;
  adjoint = b.reshape(adjoint, {at[0], at[1], at[2], at[3], features});
  const Value weight = b.reshape({dot.inputs[1]}, {features, kernel[0], kernel[1], kernel[2], channels});

  // Along each axis, position p = stride · q + phase of the padded x meets the taps t = phase + stride · u, each at
  // output q - u. So the positions of one phase are a convolution of their own, over the adjoint with zeros around.
  std::array<Range, 3> steps;  // of q: the smallest run that covers x
  Extents most_taps;           // of any phase
  Value around = adjoint;
  for (std::size_t k = 0; k < 3; ++k) {
    const int axis = static_cast<int>(k) + 1;
    const std::int64_t end = before[k] + in[axis];
    steps[k] = {before[k] / stride[k], (end + stride[k] - 1) / stride[k] - before[k] / stride[k]};
    most_taps[k] = (kernel[k] + stride[k] - 1) / stride[k];
    const Range needed{steps[k].start - (most_taps[k] - 1), steps[k].count + most_taps[k] - 1};
    if (needed.start >= at[axis]) return;  // no window reaches x
    around = cut(b, around, axis, needed);
  }
  const std::int64_t positions = in[0] * steps[0].count * steps[1].count * steps[2].count;
  const std::int64_t phases = stride[0] * stride[1] * stride[2];
  std::vector<Value> parts;
  for (std::int64_t i = 0; i < phases; ++i) {
    const Extents phase{i / (stride[1] * stride[2]), i / stride[2] % stride[1], i % stride[2]};
    Extents taps{};
    for (std::size_t k = 0; k < 3; ++k) taps[k] = (kernel[k] - phase[k] + stride[k] - 1) / stride[k];
    if (std::ranges::min(taps) <= 0) {
      parts.push_back(b.fill(0.0F, {positions, 1, channels}));
      continue;
    }
    Value read = around;
    Value turned = weight;
    for (std::size_t k = 0; k < 3; ++k) {
      const int axis = static_cast<int>(k) + 1;
      read = b.slice(read, axis, most_taps[k] - taps[k], steps[k].count + taps[k] - 1);
      const std::int64_t last_tap = phase[k] + stride[k] * (taps[k] - 1);
      turned = b.slice(turned, axis, last_tap, taps[k], taps[k] == 1 ? 1 : -stride[k]);
    }
    const std::int64_t depth = taps[0] * taps[1] * taps[2] * features;
    if (depth != features) read = b.patches(read, taps, {1, 1, 1});
    const Value rows = b.reshape(b.permute(turned, {4, 1, 2, 3, 0}), {channels, depth});
    parts.push_back(b.reshape(b.dot(b.reshape(read, {positions, depth}), rows), {positions, 1, channels}));
  }
  const Extents sizes{steps[0].count, steps[1].count, steps[2].count};
  Value out = b.reshape(phases == 1 ? parts[0] : b.concat(parts, 1),
                        {in[0], sizes[0], sizes[1], sizes[2], stride[0], stride[1], stride[2], channels});
  if (phases != 1) out = b.permute(out, {0, 1, 4, 2, 5, 3, 6, 7});
  out = b.reshape(out, {in[0], sizes[0] * stride[0], sizes[1] * stride[1], sizes[2] * stride[2], channels});
  for (int axis = 1; axis <= 3; ++axis) {
    const std::size_t k = static_cast<std::size_t>(axis) - 1;
    out = b.slice(out, axis, before[k] - steps[k].start * stride[k], in[axis]);
  }
  adjoints.add(x, out);
}

void add_patches_adjoint(Adjoints& adjoints, const Node& node, Value, Value adjoint) {
  Builder& b = adjoints.builder();
  const ValueId x = node.inputs[0];
  const Shape& in = adjoints.graph().shape(x);
  const Extents kernel = kernel_of(node);
  const Extents stride = stride_of(node);
  if (too_many(b, kernel, {1, 1, 1})) return;
  adjoint = adjoints.full(adjoint, node.shape);
  if (kernel == stride) {
    const Shape& at = node.shape;
    Value out = b.permute(adjoint, {0, 1, 4, 2, 5, 3, 6, 7});
    out = b.reshape(out, {in[0], at[1] * kernel[0], at[2] * kernel[1], at[3] * kernel[2], in[4]});
    for (int axis = 1; axis <= 3; ++axis) out = b.pad(out, axis, 0, in[axis] - b.size(out, axis));
    adjoints.add(x, out);
    return;
  }
  // Axis by axis: tap t of the window at output o lies at stride · o + t.
  for (int axis = 3; axis >= 1; --axis) {
    const std::size_t i = static_cast<std::size_t>(axis) - 1;
    std::optional<Value> sum;
    for (std::int64_t tap = 0; tap < kernel[i]; ++tap) {
      const Value part = adjoints.dilated(b.slice(adjoint, axis + 3, tap, 1), axis, stride[i]);
      const Value moved = b.pad(part, axis, tap, in[axis] - tap - b.size(part, axis));
      sum = sum ? b.add(*sum, moved) : moved;
    }
    adjoint = *sum;
  }
  adjoints.add(x, b.reshape(adjoint, in));
}

}  // namespace starling::exact
