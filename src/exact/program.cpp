#include "exact/program.h"

#include <algorithm>

#include "exact/graph_encoding.h"
#include "exact/tensor_root.h"

namespace starling::exact {
namespace {

constexpr std::uint32_t kProgramVersion = 1;

void encode_literal(base::Encoder& out, const Tensor& literal) {
  out.u8(static_cast<std::uint8_t>(literal.type()));
  encode_shape(out, literal.shape());
  out.bytes(literal.bytes());
}

void encode_literal_root(base::Encoder& out, const Tensor& literal) { out.hash(tensor_root(literal)); }
void encode_graph_root(base::Encoder& out, const Graph& graph) { out.hash(graph.root()); }

void encode_call(base::Encoder& out, const Call& call) {
  out.u32(call.graph);
  out.u32(static_cast<std::uint32_t>(call.bindings.size()));
  for (const Binding& binding : call.bindings) {
    out.u8(static_cast<std::uint8_t>(binding.kind));
    out.u32(binding.index);
    out.u32(binding.output);
  }
}

void encode_output(base::Encoder& out, const ProgramOutput& output) {
  out.text(output.name);
  out.u32(output.call);
  out.u32(output.output);
}

template <typename T>
void encode_list(base::Encoder& out, const std::vector<T>& items, void (*encode)(base::Encoder&, const T&)) {
  out.u32(static_cast<std::uint32_t>(items.size()));
  for (const T& item : items) encode(out, item);
}

template <typename T>
void encode_list_root(base::Encoder& out, const std::vector<T>& items, void (*encode)(base::Encoder&, const T&)) {
  out.u32(static_cast<std::uint32_t>(items.size()));
  out.hash(root_of(items, encode));
}

base::Error bad(const std::string& what) { return base::corrupt("program: " + what); }

// Calls read(index) so often as the list's length says, while there is anything to read.
template <typename Read>
base::Status decode_list(base::Decoder& in, const char* what, Read read) {
  const std::uint32_t count = in.u32();
  if (count > kMaxListItems) return bad(std::string("too many ") + what);
  for (std::uint32_t i = 0; i < count && in.ok(); ++i) STARLING_TRY(read(i));
  return {};
}

base::Result<Tensor> decode_literal(base::Decoder& in) {
  const std::uint8_t type = in.u8();
  if (type > static_cast<std::uint8_t>(Type::kF16)) return bad("a literal of unknown type " + std::to_string(type));
  const Shape shape = decode_shape(in);
  const base::Bytes bytes = in.bytes(kMaxLiteralBytes);
  const auto size = static_cast<std::int64_t>(type_size(static_cast<Type>(type)));
  if (!shape.is_possible() || static_cast<std::int64_t>(bytes.size()) != shape.elements() * size) {
    return bad("a literal of shape " + shape.text() + " with " + std::to_string(bytes.size()) + " bytes");
  }
  STARLING_ASSIGN(Tensor literal, Tensor::allocate(static_cast<Type>(type), shape));
  std::ranges::copy(bytes, literal.mutable_bytes().begin());
  return literal;
}

}  // namespace

base::Bytes Program::encode() const {
  base::Encoder out;
  out.u32(kProgramVersion);
  encode_list(out, inputs_, encode_input);
  encode_list(out, weights_, encode_input);
  encode_list(out, literals_, encode_literal);
  out.u32(static_cast<std::uint32_t>(graphs_.size()));
  for (const Graph& graph : graphs_) out.bytes(graph.encode());
  encode_list(out, calls_, encode_call);
  encode_list(out, outputs_, encode_output);
  return out.data();
}

base::Hash Program::root() const {
  base::Encoder out;
  out.text("starling.program");
  out.u32(kProgramVersion);
  encode_list_root(out, inputs_, encode_input);
  encode_list_root(out, weights_, encode_input);
  encode_list_root(out, literals_, encode_literal_root);
  encode_list_root(out, graphs_, encode_graph_root);
  encode_list_root(out, calls_, encode_call);
  encode_list_root(out, outputs_, encode_output);
  return base::sha256(out.data());
}

Work Program::work() const {
  std::vector<Work> of_graphs;
  for (const Graph& graph : graphs_) of_graphs.push_back(graph.work());
  Work work;
  for (const Call& call : calls_) work.add(of_graphs[call.graph]);
  return work;
}

base::Result<Program> Program::decode(base::ByteView bytes) {
  base::Decoder in(bytes);
  ProgramBuilder builder;
  // What the builder answers for something new is its place in the list; anything else was there before.
  const auto fresh = [&](const char* what, std::uint32_t given, std::uint32_t index) -> base::Status {
    if (builder.ok() && given != index) return bad(std::string("repeats a ") + what);
    return {};
  };
  if (in.u32() != kProgramVersion) return bad("unknown version");
  STARLING_TRY(decode_list(in, "inputs", [&](std::uint32_t) -> base::Status {
    STARLING_ASSIGN(const GraphInput input, decode_input(in));
    builder.input(input.name, input.type, input.shape);
    return {};
  }));
  STARLING_TRY(decode_list(in, "weights", [&](std::uint32_t i) -> base::Status {
    STARLING_ASSIGN(const GraphInput weight, decode_input(in));
    return fresh("weight", builder.weight(weight.name, weight.type, weight.shape).index, i);
  }));
  STARLING_TRY(decode_list(in, "literals", [&](std::uint32_t i) -> base::Status {
    STARLING_ASSIGN(const Tensor literal, decode_literal(in));
    return fresh("literal", builder.literal(literal).index, i);
  }));
  STARLING_TRY(decode_list(in, "graphs", [&](std::uint32_t i) -> base::Status {
    STARLING_ASSIGN(Graph graph, Graph::decode(in.bytes(in.remaining())));
    if (graph.in_canonical_order().root() != graph.root()) {
      return base::corrupt("graph " + std::to_string(i) + " of a program is not in canonical order");
    }
    return fresh("graph", builder.graph(graph), i);
  }));
  STARLING_TRY(decode_list(in, "calls", [&](std::uint32_t) -> base::Status {
    const std::uint32_t graph = in.u32();
    std::vector<Binding> bindings(std::min<std::size_t>(in.u32(), in.remaining()));
    for (Binding& binding : bindings) {
      const std::uint8_t kind = in.u8();
      if (kind > static_cast<std::uint8_t>(Binding::Kind::kOutput)) return bad("an unknown kind of binding");
      binding = {static_cast<Binding::Kind>(kind), in.u32()};
      binding.output = in.u32();
      if (binding.kind != Binding::Kind::kOutput && binding.output != 0) return bad("a binding with two meanings");
    }
    if (in.ok()) builder.add_call(graph, bindings);
    return {};
  }));
  STARLING_TRY(decode_list(in, "outputs", [&](std::uint32_t) -> base::Status {
    const std::string name = in.text(kMaxNameBytes);
    const std::uint32_t call = in.u32();
    builder.output(name, {Binding::Kind::kOutput, call, in.u32()});
    return {};
  }));
  STARLING_TRY(in.finish());
  auto program = builder.finish();
  if (!program.ok()) return bad(program.error().message);
  return program;
}

}  // namespace starling::exact
