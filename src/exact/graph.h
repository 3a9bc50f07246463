#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/encoding.h"
#include "base/hash.h"
#include "base/result.h"
#include "exact/operators.h"
#include "exact/shape.h"

namespace starling::exact {

// A value of a graph: input i of the graph, or the output of a node. Values are numbered inputs first, then nodes.
using ValueId = std::uint32_t;

struct GraphInput {
  std::string name;
  Type type;
  Shape shape;
};

struct GraphOutput {
  std::string name;
  ValueId value;
};

// One operator applied to earlier values. What the attributes mean is said in the operator table.
struct Node {
  Operator op;
  std::vector<ValueId> inputs;
  std::vector<std::int64_t> attributes;
  float scalar = 0.0F;
  Type type;    // of the output, from the operator's rule
  Shape shape;  // of the output, from the operator's rule
};

// A fixed graph of operators in order. Immutable; two graphs with equal roots compute the same function bit for bit.
class Graph {
 public:
  const std::vector<GraphInput>& inputs() const { return inputs_; }
  const std::vector<Node>& nodes() const { return nodes_; }
  const std::vector<GraphOutput>& outputs() const { return outputs_; }

  bool is_input(ValueId value) const { return value < inputs_.size(); }
  const Node& node(ValueId value) const { return nodes_[value - inputs_.size()]; }
  std::size_t values() const { return inputs_.size() + nodes_.size(); }
  Type type(ValueId value) const;
  const Shape& shape(ValueId value) const;
  // Index of the input or output of that name, or -1.
  int find_input(std::string_view name) const;
  int find_output(std::string_view name) const;

  // The canonical encoding (docs/exact.md) and its name: a Merkle root over inputs, nodes and outputs, in that order,
  // so that one operator can be shown to belong to a graph without sending the graph.
  base::Bytes encode() const;
  // Bounded, and checks every rule that Builder checks.
  static base::Result<Graph> decode(base::ByteView bytes);
  base::Hash root() const;

  Work work() const;

  // The same graph in the order that programs keep: inputs by name; nodes depth first from the outputs, operands before
  // their use and left before right. So the name depends on what is computed, not on the order in which a compiler
  // evaluates the arguments of the calls that built it.
  Graph in_canonical_order() const;

 private:
  friend class Builder;
  std::vector<GraphInput> inputs_;
  std::vector<Node> nodes_;
  std::vector<GraphOutput> outputs_;
};

// Builds a graph. Every call checks types and shapes; the first mistake is kept, later calls do nothing, and finish()
// reports it with the scope it happened in, such as "blocks.3.attn1: dot: depth 192 against 128". Shapes are as
// numpy's: elementwise operators broadcast axes of size 1 (ranks must be equal, or one operand a scalar of rank 0).
// Nodes that are written twice (same operator, inputs and attributes) become one.
class Builder {
 public:
  struct Value {
    ValueId id = 0;
  };

  // f32, i32, i8 or u8: no operator takes another type.
  Value input(std::string_view name, Type type, const Shape& shape);
  void output(std::string_view name, Value value);

  const Shape& shape(Value value) const;
  Type type(Value value) const;
  std::int64_t size(Value value, int axis) const;  // axis may be negative, counting from the end

  // --- made from nothing
  Value fill(float scalar, const Shape& shape = {});
  Value iota(const Shape& shape, int axis);  // f32: the index along axis
  // f32, N(0,1): element i from Philox4x32-10 with key seed (i32[2]), counter (i / 4, stream) and Box–Muller.
  Value normal(Value seed, std::uint32_t stream, const Shape& shape);
  Value uniform(Value seed, std::uint32_t stream, const Shape& shape);  // f32 in [0,1), multiples of 2^-24

  // --- elementwise, f32
  Value add(Value a, Value b);
  Value sub(Value a, Value b);
  Value mul(Value a, Value b);
  Value div(Value a, Value b);
  Value maximum(Value a, Value b);
  Value minimum(Value a, Value b);
  Value less(Value a, Value b);                     // 1 where a < b, else 0
  Value fma(Value a, Value b, Value c);             // a*b + c, rounded once
  Value select(Value condition, Value a, Value b);  // a where condition != 0, else b
  Value neg(Value a);
  Value abs(Value a);
  Value sqrt(Value a);
  Value exp(Value a);
  Value log(Value a);
  Value sin(Value a);
  Value cos(Value a);
  Value tanh(Value a);
  Value erf(Value a);
  Value to_i32(Value a);  // rounds to nearest even, clamps to the type's range; NaN gives 0
  Value to_f32(Value a);  // of any integer type, rounded to nearest even
  Value to_i8(Value a);   // as to_i32
  Value to_u8(Value a);

  // --- rows: reductions keep the axis with size 1
  Value sum(Value a, int axis);  // f32: 16 lanes, folded 8 4 2 1; i8 and u8: exact, an i32
  Value max(Value a, int axis);

  // --- products: out[..., m, n] = the fma chain over k of a[..., m, k] * b[..., n, k]; leading axes equal.
  // f32 with f32; or i8 with i8, or u8 with i8, exact in i32: k up to 131,071 or 65,793
  Value dot(Value a, Value b);

  // --- movement
  Value reshape(Value a, const Shape& shape);  // one size may be -1
  Value permute(Value a, std::initializer_list<int> axes);
  Value permute(Value a, std::span<const int> axes);
  Value transpose(Value a);  // the last two axes
  Value slice(Value a, int axis, std::int64_t start, std::int64_t count,
              std::int64_t step = 1);                                     // step may be negative
  Value expand(Value a, const Shape& shape);                              // axes of size 1 repeated
  Value pad(Value a, int axis, std::int64_t before, std::int64_t after);  // with zeros
  Value concat(std::span<const Value> parts, int axis);
  Value concat(std::initializer_list<Value> parts, int axis);
  Value gather(Value table, Value index);  // rows of table[V, D] by i32 index[...]: [..., D]; an index outside clamps
  // out[v, :] = sum over i ascending with index[i] == v of rows[i, :], from +0. rows[N, D], index[N], clamped as in
  // gather.
  Value scatter_add(Value rows, Value index, std::int64_t table_rows);
  // Windows of x[N, T, H, W, C] without padding: [N, T', H', W', kt, kh, kw, C].
  Value patches(Value x, std::array<std::int64_t, 3> kernel, std::array<std::int64_t, 3> stride);

  // --- compositions of the above (they are not operators)
  Value add(Value a, float b) { return add(a, fill(b)); }
  Value mul(Value a, float b) { return mul(a, fill(b)); }
  Value linear(Value x, Value weight, Value bias);  // x[..., K], weight[N, K], bias[N]
  Value linear(Value x, Value weight);
  Value sigmoid(Value a);
  Value silu(Value a);
  Value gelu_tanh(Value a);  // Hendrycks and Gimpel's tanh form
  Value softmax(Value a);    // over the last axis
  // Rows of x along its last axis as i8, x ≈ values · scale: scale = absmax / 127, values = to_i8(x · (127 / absmax)).
  // A row of zeros gives zeros.
  struct Quantised {
    Value values;  // i8 [..., K]
    Value scale;   // f32 [..., 1]
  };
  Quantised quantize_rows(Value x);
  // f32(dot(x, weight)) · (x's scale · weight's scale), the latter f32 [N] for the rows of weight i8 [N, K].
  Value quantised_linear(const Quantised& x, Value weight, Value weight_scale);
  Value quantised_linear(const Quantised& x, Value weight, Value weight_scale, Value bias);
  // Attention in integers. q [..., T, D] and k [..., S, D] f32, quantised by rows; v [..., S, E] f32, quantised by
  // columns; the logits are q·k · scale. Probabilities are one or two planes of u8 (docs/exact.md). f32 [..., T, E].
  Value quantised_attention(Value q, Value k, Value v, float scale, int planes);
  Value layer_norm(Value a, float epsilon);  // over the last axis, no weights
  Value rms_norm(Value a, float epsilon);    // over the last axis, no weights
  Value mean(Value a, int axis);
  Value broadcast_last(Value vector, int rank);  // [N] as [1, ..., 1, N]
  // Convolution of x[N,T,H,W,C] with weight[O, C, kt, kh, kw] (PyTorch's order) and bias[O]; pads are {before, after}
  // for T, H, W.
  struct Convolution {
    std::array<std::int64_t, 3> kernel{1, 1, 1};
    std::array<std::int64_t, 3> stride{1, 1, 1};
    std::array<std::array<std::int64_t, 2>, 3> pad{};
  };
  Value conv3d(Value x, Value weight, Value bias, const Convolution& convolution);

  // Names the part being built, for error messages. Restores the old name when destroyed.
  class Scope {
   public:
    Scope(Builder& builder, std::string_view name);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    Builder& builder_;
    std::size_t length_;
  };
  // Records a mistake that the caller found, as the builder's own checks do.
  void fail(std::string message);
  bool ok() const { return error_.empty(); }

  // The graph, or the first mistake. Nodes that no output needs are dropped. The builder is spent.
  base::Result<Graph> finish();

  // Adds one node as it is, with its rule checked; what decode and differentiation use.
  Value add_node(Operator op, std::span<const ValueId> inputs, std::span<const std::int64_t> attributes, float scalar);

 private:
  Value unary(Operator op, Value a);
  Value binary(Operator op, Value a, Value b);
  int axis_of(Value a, int axis) const;

  // Inputs may be asked for at any time, so while building values are numbered as they come; finish() renumbers.
  // A deque, so that a shape() somebody holds stays where it is.
  std::deque<Node> values_;  // an input has only a type and a shape
  std::vector<std::pair<std::string, ValueId>> inputs_;
  std::vector<GraphOutput> outputs_;
  std::string scope_;
  std::string error_;
  std::map<std::string, ValueId> input_names_;
  std::map<std::string, ValueId> known_;  // nodes by what they compute
};

}  // namespace starling::exact
