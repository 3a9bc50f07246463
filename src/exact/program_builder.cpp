#include <algorithm>

#include "exact/graph_encoding.h"
#include "exact/program.h"
#include "exact/tensor_root.h"

namespace starling::exact {
namespace {

std::string quoted(const std::string& name) { return "'" + name + "'"; }

std::string described_as(Type type, const Shape& shape) { return std::string(type_name(type)) + " " + shape.text(); }

}  // namespace

void ProgramBuilder::fail(std::string message) {
  if (error_.empty()) error_ = std::move(message);
}

bool ProgramBuilder::check_named(const char* what, const GraphInput& input) {
  if (input.name.empty() || input.name.size() > kMaxNameBytes) {
    fail(std::string(what) + ": a name has 1 to 256 bytes");
  } else if (!input.shape.is_possible()) {
    fail(std::string(what) + " " + quoted(input.name) + " has the impossible shape " + input.shape.text());
  }
  return ok();
}

Binding ProgramBuilder::input(const std::string& name, Type type, const Shape& shape) {
  const Binding binding{Binding::Kind::kInput, static_cast<std::uint32_t>(program_.inputs_.size())};
  if (!ok() || !check_named("input", {name, type, shape})) return binding;
  if (!input_names_.try_emplace(name, binding.index).second) {
    fail("input " + quoted(name) + " is there already");
    return binding;
  }
  program_.inputs_.push_back({name, type, shape});
  return binding;
}

Binding ProgramBuilder::weight(const std::string& name, Type type, const Shape& shape) {
  const Binding binding{Binding::Kind::kWeight, static_cast<std::uint32_t>(program_.weights_.size())};
  if (!ok() || !check_named("weight", {name, type, shape})) return binding;
  const auto [found, is_new] = weight_names_.try_emplace(name, binding.index);
  if (is_new) {
    program_.weights_.push_back({name, type, shape});
    return binding;
  }
  const GraphInput& known = program_.weights_[found->second];
  if (known.type != type || known.shape != shape) {
    fail("weight " + quoted(name) + " is used as " + described_as(known.type, known.shape) + " and as " +
         described_as(type, shape));
  }
  return {Binding::Kind::kWeight, found->second};
}

Binding ProgramBuilder::literal(const Tensor& tensor) {
  const Binding binding{Binding::Kind::kLiteral, static_cast<std::uint32_t>(program_.literals_.size())};
  if (!ok()) return binding;
  if (tensor.empty() || !tensor.shape().is_possible() || tensor.byte_size() > kMaxLiteralBytes) {
    fail("a literal of shape " + tensor.shape().text() + ": 1 to " + std::to_string(kMaxLiteralBytes) +
         " bytes are allowed; make it an input");
    return binding;
  }
  const auto [found, is_new] = literal_roots_.try_emplace(tensor_root(tensor), binding.index);
  if (is_new) program_.literals_.push_back(tensor);
  return {Binding::Kind::kLiteral, found->second};
}

std::uint32_t ProgramBuilder::graph(const Graph& built) {
  Graph graph = built.in_canonical_order();
  const auto index = static_cast<std::uint32_t>(program_.graphs_.size());
  const auto [found, is_new] = graph_roots_.try_emplace(graph.root(), index);
  if (is_new) program_.graphs_.push_back(std::move(graph));
  return found->second;
}

std::optional<std::pair<Type, Shape>> ProgramBuilder::described(const Binding& binding) const {
  const auto of_list = [&](const std::vector<GraphInput>& list) -> std::optional<std::pair<Type, Shape>> {
    if (binding.index >= list.size()) return std::nullopt;
    return std::pair(list[binding.index].type, list[binding.index].shape);
  };
  switch (binding.kind) {
    case Binding::Kind::kInput:
      return of_list(program_.inputs_);
    case Binding::Kind::kWeight:
      return of_list(program_.weights_);
    case Binding::Kind::kLiteral: {
      if (binding.index >= program_.literals_.size()) return std::nullopt;
      const Tensor& literal = program_.literals_[binding.index];
      return std::pair(literal.type(), literal.shape());
    }
    case Binding::Kind::kOutput: {
      if (binding.index >= program_.calls_.size()) return std::nullopt;
      const Graph& graph = program_.graphs_[program_.calls_[binding.index].graph];
      if (binding.output >= graph.outputs().size()) return std::nullopt;
      const ValueId value = graph.outputs()[binding.output].value;
      return std::pair(graph.type(value), graph.shape(value));
    }
  }
  return std::nullopt;
}

std::uint32_t ProgramBuilder::call(std::uint32_t graph, const std::vector<std::pair<std::string, Binding>>& bindings) {
  const auto index = static_cast<std::uint32_t>(program_.calls_.size());
  if (!ok()) return index;
  if (graph >= program_.graphs_.size()) {
    fail("call " + std::to_string(index) + ": there is no graph " + std::to_string(graph));
    return index;
  }
  const Graph& callee = program_.graphs_[graph];
  std::vector<std::optional<Binding>> given(callee.inputs().size());
  for (const auto& [name, binding] : bindings) {
    const int input = callee.find_input(name);
    if (input < 0 || given[static_cast<std::size_t>(input)]) {
      fail("call " + std::to_string(index) + ": the graph has no input " + quoted(name) + ", or it is bound twice");
      return index;
    }
    given[static_cast<std::size_t>(input)] = binding;
  }
  std::vector<Binding> all;
  for (std::size_t i = 0; i < given.size(); ++i) {
    const GraphInput& input = callee.inputs()[i];
    all.push_back(given[i] ? *given[i] : weight(input.name, input.type, input.shape));
  }
  return add_call(graph, all);
}

std::uint32_t ProgramBuilder::add_call(std::uint32_t graph, const std::vector<Binding>& bindings) {
  const auto index = static_cast<std::uint32_t>(program_.calls_.size());
  if (!ok()) return index;
  const std::string where = "call " + std::to_string(index) + ": ";
  if (graph >= program_.graphs_.size()) {
    fail(where + "there is no graph " + std::to_string(graph));
    return index;
  }
  const Graph& callee = program_.graphs_[graph];
  if (bindings.size() != callee.inputs().size()) {
    fail(where + "the graph has " + std::to_string(callee.inputs().size()) + " inputs, not " +
         std::to_string(bindings.size()));
    return index;
  }
  for (std::size_t i = 0; i < bindings.size(); ++i) {
    const GraphInput& input = callee.inputs()[i];
    const auto given = described(bindings[i]);
    if (!given) {
      fail(where + "input " + quoted(input.name) + " is bound to something that is not there");
    } else if (given->first != input.type || given->second != input.shape) {
      fail(where + "input " + quoted(input.name) + " takes " + described_as(input.type, input.shape) + ", not " +
           described_as(given->first, given->second));
    }
  }
  program_.calls_.push_back({graph, bindings});
  return index;
}

Binding ProgramBuilder::result(std::uint32_t call, const std::string& output) {
  if (!ok()) return {Binding::Kind::kOutput, call};
  if (call >= program_.calls_.size()) {
    fail("there is no call " + std::to_string(call));
    return {Binding::Kind::kOutput, call};
  }
  const int index = program_.graphs_[program_.calls_[call].graph].find_output(output);
  if (index < 0) {
    fail("call " + std::to_string(call) + " has no output " + quoted(output));
    return {Binding::Kind::kOutput, call};
  }
  return {Binding::Kind::kOutput, call, static_cast<std::uint32_t>(index)};
}

void ProgramBuilder::output(const std::string& name, Binding result) {
  if (!ok()) return;
  if (name.empty() || name.size() > kMaxNameBytes) return fail("an output's name has 1 to 256 bytes");
  if (std::ranges::find(program_.outputs_, name, &ProgramOutput::name) != program_.outputs_.end()) {
    return fail("output " + quoted(name) + " is there already");
  }
  if (result.kind != Binding::Kind::kOutput || !described(result)) {
    return fail("output " + quoted(name) + " is not the output of a call");
  }
  program_.outputs_.push_back({name, result.index, result.output});
}

base::Result<Program> ProgramBuilder::finish() {
  if (!ok()) return base::invalid(error_);
  if (program_.outputs_.empty()) return base::invalid("a program needs an output");
  return std::move(program_);
}

}  // namespace starling::exact
