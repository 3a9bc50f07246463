#include "exact/graph.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "exact/graph_encoding.h"

namespace starling::exact {
namespace {

constexpr std::uint32_t kGraphVersion = 1;

// The output's type and shape are bound too, so that a node can be judged without its graph.
void encode_node(base::Encoder& out, const Node& node) {
  out.u8(static_cast<std::uint8_t>(node.op));
  out.u32(static_cast<std::uint32_t>(node.inputs.size()));
  for (const ValueId input : node.inputs) out.u32(input);
  out.u32(static_cast<std::uint32_t>(node.attributes.size()));
  for (const std::int64_t attribute : node.attributes) out.i64(attribute);
  out.f32(node.scalar);
  out.u8(static_cast<std::uint8_t>(node.type));
  encode_shape(out, node.shape);
}

void encode_output(base::Encoder& out, const GraphOutput& output) {
  out.text(output.name);
  out.u32(output.value);
}

}  // namespace

void encode_shape(base::Encoder& out, const Shape& shape) {
  out.u8(static_cast<std::uint8_t>(shape.rank()));
  for (const std::int64_t size : shape.sizes()) out.i64(size);
}

void encode_input(base::Encoder& out, const GraphInput& input) {
  out.text(input.name);
  out.u8(static_cast<std::uint8_t>(input.type));
  encode_shape(out, input.shape);
}

Shape decode_shape(base::Decoder& in) {
  Shape shape;
  const std::uint8_t rank = in.u8();
  for (std::uint8_t axis = 0; axis < rank && in.ok(); ++axis) shape.append(in.i64());
  return shape;
}

base::Result<GraphInput> decode_input(base::Decoder& in) {
  GraphInput input;
  input.name = in.text(kMaxNameBytes);
  const std::uint8_t type = in.u8();
  if (type > static_cast<std::uint8_t>(Type::kF16)) {
    return base::corrupt("input '" + input.name + "' has the unknown type " + std::to_string(type));
  }
  input.type = static_cast<Type>(type);
  input.shape = decode_shape(in);
  return input;
}

Type Graph::type(ValueId value) const { return is_input(value) ? inputs_[value].type : node(value).type; }

const Shape& Graph::shape(ValueId value) const { return is_input(value) ? inputs_[value].shape : node(value).shape; }

int Graph::find_input(std::string_view name) const {
  const auto found = std::ranges::find(inputs_, name, &GraphInput::name);
  return found == inputs_.end() ? -1 : static_cast<int>(found - inputs_.begin());
}

int Graph::find_output(std::string_view name) const {
  const auto found = std::ranges::find(outputs_, name, &GraphOutput::name);
  return found == outputs_.end() ? -1 : static_cast<int>(found - outputs_.begin());
}

base::Bytes Graph::encode() const {
  base::Encoder out;
  out.u32(kGraphVersion);
  out.u32(static_cast<std::uint32_t>(inputs_.size()));
  for (const GraphInput& input : inputs_) encode_input(out, input);
  out.u32(static_cast<std::uint32_t>(nodes_.size()));
  for (const Node& node : nodes_) encode_node(out, node);
  out.u32(static_cast<std::uint32_t>(outputs_.size()));
  for (const GraphOutput& output : outputs_) encode_output(out, output);
  return out.data();
}

base::Hash Graph::root() const {
  base::Encoder out;
  out.text("starling.graph");
  out.u32(kGraphVersion);
  out.u32(static_cast<std::uint32_t>(inputs_.size()));
  out.hash(root_of(inputs_, encode_input));
  out.u32(static_cast<std::uint32_t>(nodes_.size()));
  out.hash(root_of(nodes_, encode_node));
  out.u32(static_cast<std::uint32_t>(outputs_.size()));
  out.hash(root_of(outputs_, encode_output));
  return base::sha256(out.data());
}

base::Result<Graph> Graph::decode(base::ByteView bytes) {
  base::Decoder in(bytes);
  Builder builder;
  const auto bad = [](const std::string& what) { return base::corrupt("graph: " + what); };
  if (in.u32() != kGraphVersion) return bad("unknown version");
  const std::uint32_t inputs = in.u32();
  if (inputs > kMaxListItems) return bad("too many inputs");
  for (std::uint32_t i = 0; i < inputs && in.ok(); ++i) {
    STARLING_ASSIGN(const GraphInput input, decode_input(in));
    builder.input(input.name, input.type, input.shape);
  }
  const std::uint32_t nodes = in.u32();
  if (nodes > kMaxListItems) return bad("too many nodes");
  for (std::uint32_t i = 0; i < nodes && in.ok(); ++i) {
    const auto op = static_cast<Operator>(in.u8());
    if (find_operator(op) == nullptr) return bad("unknown operator");
    std::vector<ValueId> operands(std::min<std::size_t>(in.u32(), in.remaining()));
    for (ValueId& operand : operands) operand = in.u32();
    std::vector<std::int64_t> attributes(std::min<std::size_t>(in.u32(), in.remaining()));
    for (std::int64_t& attribute : attributes) attribute = in.i64();
    const float scalar = in.f32();
    const std::uint8_t type = in.u8();
    const Shape shape = decode_shape(in);
    if (!in.ok()) break;
    const Builder::Value value = builder.add_node(op, operands, attributes, scalar);
    if (!builder.ok()) break;
    if (value.id != inputs + i) return bad("repeats a node");
    if (type != static_cast<std::uint8_t>(builder.type(value)) || shape != builder.shape(value)) {
      return bad("node " + std::to_string(i) + " states another type or shape than its rule gives");
    }
  }
  const std::uint32_t outputs = in.u32();
  if (outputs > kMaxListItems) return bad("too many outputs");
  for (std::uint32_t i = 0; i < outputs && in.ok() && builder.ok(); ++i) {
    const std::string name = in.text(kMaxNameBytes);
    builder.output(name, {in.u32()});
  }
  if (auto graph = builder.finish(); !graph.ok()) {
    return base::corrupt(graph.error().message);
  } else {
    STARLING_TRY(in.finish());
    if (graph->nodes().size() != nodes) return bad("has nodes that no output needs");
    return graph;
  }
}

Graph Graph::in_canonical_order() const {
  Graph graph;
  std::vector<ValueId> by_name(inputs_.size());
  std::iota(by_name.begin(), by_name.end(), ValueId{0});
  std::ranges::sort(by_name, {}, [&](ValueId id) -> const std::string& { return inputs_[id].name; });
  constexpr ValueId kNone = std::numeric_limits<ValueId>::max();
  std::vector<ValueId> renumbered(values(), kNone);
  for (const ValueId id : by_name) {
    renumbered[id] = static_cast<ValueId>(graph.inputs_.size());
    graph.inputs_.push_back(inputs_[id]);
  }
  struct Visit {
    ValueId value;
    std::size_t next;  // operand to look at
  };
  std::vector<Visit> path;
  for (const GraphOutput& output : outputs_) {
    if (renumbered[output.value] == kNone) path.push_back({output.value, 0});
    while (!path.empty()) {
      Visit& visit = path.back();
      const Node& old = node(visit.value);
      if (visit.next < old.inputs.size()) {
        const ValueId operand = old.inputs[visit.next++];
        if (renumbered[operand] == kNone) path.push_back({operand, 0});
        continue;
      }
      Node moved = old;
      for (ValueId& operand : moved.inputs) operand = renumbered[operand];
      renumbered[visit.value] = static_cast<ValueId>(graph.values());
      graph.nodes_.push_back(std::move(moved));
      path.pop_back();
    }
    graph.outputs_.push_back({output.name, renumbered[output.value]});
  }
  return graph;
}

Work Graph::work() const {
  Work work;
  for (const Node& node : nodes_) {
    std::vector<Type> types;
    std::vector<Shape> shapes;
    for (const ValueId value : node.inputs) {
      types.push_back(type(value));
      shapes.push_back(shape(value));
    }
    work.add(find_operator(node.op)->work({types, shapes, node.attributes}, {node.type, node.shape}));
  }
  return work;
}

}  // namespace starling::exact
