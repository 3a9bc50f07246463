#pragma once

#include <array>
#include <map>
#include <optional>
#include <vector>

#include "exact/graph.h"

namespace starling::exact {

// The adjoints of a graph's values while differentiate() walks back over its nodes. The builder holds the graph's
// values under the same numbers.
//
// An adjoint may be compact: of rank 0, or of size 1 along an axis where its value has more, and then counts as
// repeated. So the adjoint of a sum is not multiplied out before an elementwise operator does it anyway.
class Adjoints {
 public:
  using Value = Builder::Value;

  // wanted: by value, whether its adjoint leads to an input that is differentiated by.
  Adjoints(const Graph& graph, Builder& builder, std::vector<bool> wanted);

  const Graph& graph() const { return graph_; }
  Builder& builder() { return builder_; }
  bool wanted(ValueId value) const { return wanted_[value]; }

  // These three add to the adjoint of `value`, if it is wanted.
  void add(ValueId value, Value part);
  // `part` belongs to a value of shape `from` to which `value` was broadcast: it is summed over the repeated axes, with
  // one sum for each run of neighbouring ones.
  void add_broadcast(ValueId value, Value part, const Shape& from);
  // `part` belongs to the slice of `value`. Slices that do not overlap become one concatenation in the end.
  void add_slice(ValueId value, Value part, int axis, std::int64_t start, std::int64_t count, std::int64_t step);

  // The sum of all that was added; nothing if nothing was. Forgets it.
  std::optional<Value> take(ValueId value);

  // `part` with all of its repetitions as a value of that shape.
  Value full(Value part, const Shape& shape);
  // Arithmetic that knows constants: no product with 1, no operator over constants alone.
  Value constant(float scalar);
  Value mul(Value a, Value b);
  Value div(Value a, Value b);
  Value neg(Value a);
  // Zeros between the elements along an axis: size n becomes (n - 1) · step + 1.
  Value dilated(Value a, int axis, std::int64_t step);

 private:
  // A part of a value: along `axis` of the value seen as `seen`, from `start`.
  struct Strip {
    Shape seen;
    int axis;
    std::int64_t start;
    Value part;
  };
  struct Gathered {
    std::optional<Value> whole;
    std::vector<Strip> strips;
  };
  Value reduced(Value part, const Shape& from, const Shape& to);
  void gather(std::optional<Value>& sum, Value part);
  Value assembled(const std::vector<const Strip*>& strips, const Shape& shape);
  std::optional<float> constant_of(Value value) const;

  const Graph& graph_;
  Builder& builder_;
  std::vector<bool> wanted_;
  std::map<ValueId, Gathered> gathered_;
  std::map<ValueId, float> constants_;
};

// The gradient rule of an operator: from the adjoint of the node's output to those of its operands.
using GradientRule = void (*)(Adjoints& adjoints, const Node& node, Builder::Value output, Builder::Value adjoint);

// nullptr where the derivative is zero or does not exist: nothing flows through such an operator.
GradientRule gradient_rule(Operator op);

// The windows of a convolution that a product reads as its operand `a`, if that is what it does.
const Node* windows_of(const Graph& graph, const Node& dot);

// Adds the adjoint of x, where dot is dot(reshape(patches(pad(x))), weight), windows its patches and adjoint that of
// its output: a convolution of the adjoint with the weight turned around, for each phase of the stride. The windows'
// own adjoint, which is as large as the windows, is never made, and nothing is computed for the padding.
void add_convolution_adjoint(Adjoints& adjoints, const Node& dot, const Node& windows, Builder::Value adjoint);

// The rule of patches used by anything else.
void add_patches_adjoint(Adjoints& adjoints, const Node& node, Builder::Value output, Builder::Value adjoint);

}  // namespace starling::exact
