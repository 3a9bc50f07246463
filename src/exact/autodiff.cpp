#include "exact/autodiff.h"

#include <algorithm>

#include "exact/adjoints.h"

namespace starling::exact {
namespace {

using Value = Builder::Value;

// The graph's values in the builder, under the same numbers.
base::Status copy_into(Builder& builder, const Graph& graph) {
  for (const GraphInput& input : graph.inputs()) builder.input(input.name, input.type, input.shape);
  for (std::size_t i = 0; i < graph.nodes().size(); ++i) {
    const Node& node = graph.nodes()[i];
    const Value copy = builder.add_node(node.op, node.inputs, node.attributes, node.scalar);
    if (builder.ok() && copy.id != graph.inputs().size() + i) {
      return base::internal_error("node " + std::to_string(i) + " of the graph repeats an earlier one");
    }
  }
  for (const GraphOutput& output : graph.outputs()) builder.output(output.name, {output.value});
  return {};
}

// By value, whether an input that is differentiated by reaches it through operators that pass gradients.
std::vector<bool> values_reached(const Graph& graph, const std::vector<ValueId>& from) {
  std::vector<bool> reached(graph.values(), false);
  for (const ValueId input : from) reached[input] = true;
  for (std::size_t i = 0; i < graph.nodes().size(); ++i) {
    const Node& node = graph.nodes()[i];
    if (gradient_rule(node.op) == nullptr) continue;
    reached[graph.inputs().size() + i] =
        std::ranges::any_of(node.inputs, [&](ValueId input) { return reached[input]; });
  }
  return reached;
}

// A loss that depends on rounded values has a derivative of 0 or none at all: whoever asks for it means something else.
base::Status refuse_quantised(const Graph& graph, ValueId root, const std::vector<bool>& reached) {
  std::vector<bool> needed(graph.values(), false);
  needed[root] = true;
  for (std::size_t id = graph.values(); id-- > graph.inputs().size();) {
    if (!needed[id]) continue;
    const Node& node = graph.node(static_cast<ValueId>(id));
    for (const ValueId input : node.inputs) needed[input] = true;
    if ((node.op == Operator::kToI8 || node.op == Operator::kToU8) && reached[node.inputs[0]]) {
      return base::invalid("differentiate: node " + std::to_string(id - graph.inputs().size()) + " (" +
                           find_operator(node.op)->name +
                           ") rounds to integers, which have no derivative; differentiate the model's f32 profile");
    }
  }
  return {};
}

}  // namespace

base::Result<Graph> differentiate(const Graph& graph, const std::string& of,
                                  const std::vector<std::string>& with_respect_to) {
  const int output = graph.find_output(of);
  if (output < 0) return base::invalid("differentiate: the graph has no output '" + of + "'");
  const ValueId root = graph.outputs()[static_cast<std::size_t>(output)].value;
  if (graph.type(root) != Type::kF32 || graph.shape(root).elements() != 1) {
    return base::invalid("differentiate: output '" + of + "' is " + type_name(graph.type(root)) + " " +
                         graph.shape(root).text() + ", not one f32 number");
  }
  std::vector<ValueId> inputs;
  for (const std::string& name : with_respect_to) {
    const int input = graph.find_input(name);
    if (input < 0) return base::invalid("differentiate: the graph has no input '" + name + "'");
    inputs.push_back(static_cast<ValueId>(input));
    if (graph.type(inputs.back()) != Type::kF32) {
      return base::invalid("differentiate: input '" + name + "' is not of type f32");
    }
  }

  std::vector<bool> reached = values_reached(graph, inputs);
  STARLING_TRY(refuse_quantised(graph, root, reached));
  Builder builder;
  STARLING_TRY(copy_into(builder, graph));
  Adjoints adjoints(graph, builder, std::move(reached));
  adjoints.add(root, adjoints.constant(1.0F));
  for (std::size_t id = graph.values(); id-- > graph.inputs().size();) {
    const auto value = static_cast<ValueId>(id);
    const std::optional<Value> adjoint = adjoints.take(value);
    if (!adjoint || !builder.ok()) continue;
    const Node& node = graph.node(value);
    const Builder::Scope scope(builder, std::string("gradient of ") + find_operator(node.op)->name);
    gradient_rule(node.op)(adjoints, node, {value}, *adjoint);
  }
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Value adjoint = adjoints.take(inputs[i]).value_or(adjoints.constant(0.0F));
    builder.output("d." + with_respect_to[i], adjoints.full(adjoint, graph.shape(inputs[i])));
  }
  return builder.finish();
}

}  // namespace starling::exact
