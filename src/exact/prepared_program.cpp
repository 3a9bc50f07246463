#include <algorithm>
#include <numeric>
#include <utility>

#include "exact/program.h"

namespace starling::exact {
namespace {

std::size_t bytes_of(const Graph& graph, std::size_t output) {
  const ValueId value = graph.outputs()[output].value;
  return static_cast<std::size_t>(graph.shape(value).elements()) * type_size(graph.type(value));
}

base::Status check_list(const char* what, const std::vector<GraphInput>& wanted, const std::vector<Tensor>& given) {
  if (given.size() != wanted.size()) {
    return base::invalid("the program takes " + std::to_string(wanted.size()) + " " + what + "s, not " +
                         std::to_string(given.size()));
  }
  for (std::size_t i = 0; i < given.size(); ++i) {
    const Type type = given[i].type();
    const bool widens = wanted[i].type == Type::kF32 && (type == Type::kBf16 || type == Type::kF16);
    if (given[i].empty() || given[i].shape() != wanted[i].shape || (type != wanted[i].type && !widens)) {
      return base::invalid(std::string(what) + " '" + wanted[i].name + "' takes " + type_name(wanted[i].type) + " " +
                           wanted[i].shape.text() + ", not " + (given[i].empty() ? "an empty " : "") + type_name(type) +
                           " " + given[i].shape().text());
    }
  }
  return {};
}

}  // namespace

base::Result<PreparedProgram> PreparedProgram::make(Program program, const PlanningObserver& observer) {
  PreparedProgram prepared;
  const std::vector<Graph>& graphs = program.graphs();
  std::vector<std::size_t> order(graphs.size());
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::stable_sort(order, {}, [&](std::size_t graph) { return graphs[graph].nodes().size(); });
  prepared.plans_.resize(graphs.size());
  for (const std::size_t graph : order) {
    STARLING_ASSIGN(prepared.plans_[graph], Plan::make(graphs[graph], observer.stop));
    if (observer.plan) STARLING_TRY(observer.plan(prepared.plans_[graph].scratch_bytes()));
  }
  prepared.program_ = std::move(program);
  prepared.peak_bytes_ = prepared.count_peak();
  return prepared;
}

std::vector<PreparedProgram::Release> PreparedProgram::releases(const std::vector<bool>& marked) const {
  const std::vector<Call>& calls = program_.calls();
  const auto end = static_cast<std::uint32_t>(calls.size());
  std::vector<std::vector<std::uint32_t>> last_use;  // by call and output
  std::vector<std::uint32_t> weight_last_use(program_.weights().size(), end);
  for (std::uint32_t call = 0; call < end; ++call) {
    last_use.emplace_back(program_.graphs()[calls[call].graph].outputs().size(), call);
    if (!marked[call]) continue;
    for (const Binding& binding : calls[call].bindings) {
      if (binding.kind == Binding::Kind::kOutput) last_use[binding.index][binding.output] = call;
      if (binding.kind == Binding::Kind::kWeight) weight_last_use[binding.index] = call;
    }
  }
  std::vector<Release> releases(calls.size());
  for (std::uint32_t call = 0; call < end; ++call) {
    if (!marked[call]) continue;
    for (std::uint32_t output = 0; output < last_use[call].size(); ++output) {
      releases[last_use[call][output]].outputs.emplace_back(call, output);
    }
  }
  for (std::uint32_t weight = 0; weight < weight_last_use.size(); ++weight) {
    if (weight_last_use[weight] != end) releases[weight_last_use[weight]].weights.push_back(weight);
  }
  return releases;
}

std::size_t PreparedProgram::count_peak() const {
  std::size_t live = 0;
  std::size_t scratch = 0;  // an engine keeps the most that it ever needed
  std::size_t peak = 0;
  const std::vector<Release> released = releases(std::vector<bool>(program_.calls().size(), true));
  const auto graph_of = [&](std::uint32_t call) -> const Graph& {
    return program_.graphs()[program_.calls()[call].graph];
  };
  for (std::uint32_t call = 0; call < program_.calls().size(); ++call) {
    for (std::size_t output = 0; output < graph_of(call).outputs().size(); ++output) {
      live += bytes_of(graph_of(call), output);
    }
    scratch = std::max(scratch, plans_[program_.calls()[call].graph].scratch_bytes());
    peak = std::max(peak, live + scratch);
    for (const auto& [earlier, output] : released[call].outputs) live -= bytes_of(graph_of(earlier), output);
  }
  return peak;
}

base::Status PreparedProgram::check_given(const std::vector<Tensor>& inputs, const std::vector<Tensor>& weights) const {
  STARLING_TRY(check_list("input", program_.inputs(), inputs));
  return check_list("weight", program_.weights(), weights);
}

base::Result<std::vector<Tensor>> PreparedProgram::operands_of(std::uint32_t call, const std::vector<Tensor>& inputs,
                                                               const std::vector<Tensor>& weights,
                                                               const OutputOf& output_of) const {
  std::vector<Tensor> operands;
  for (const Binding& binding : program_.calls()[call].bindings) {
    switch (binding.kind) {
      case Binding::Kind::kInput:
        operands.push_back(inputs[binding.index]);
        break;
      case Binding::Kind::kWeight:
        operands.push_back(weights[binding.index]);
        break;
      case Binding::Kind::kLiteral:
        operands.push_back(program_.literals()[binding.index]);
        break;
      case Binding::Kind::kOutput: {
        STARLING_ASSIGN(Tensor output, output_of(binding));
        operands.push_back(std::move(output));
        break;
      }
    }
  }
  return operands;
}

base::Status PreparedProgram::run_calls(Engine& engine, const std::vector<bool>& marked,
                                        const std::vector<Tensor>& inputs, const std::vector<Tensor>& weights,
                                        const OutputOf& missing, const RunObserver& observer) const {
  STARLING_TRY(check_given(inputs, weights));
  const std::vector<Call>& calls = program_.calls();
  if (marked.size() != calls.size()) return base::invalid("a run needs one mark for each call of the program");
  const std::vector<Release> released = releases(marked);
  std::vector<std::uint32_t> order;
  for (std::uint32_t call = 0; call < calls.size(); ++call) {
    if (marked[call]) order.push_back(call);
  }
  std::vector<Tensor> widened(weights.size());
  std::vector<std::vector<Tensor>> live(calls.size());
  std::vector<Tensor> recycled;
  const OutputOf output_of = [&](const Binding& binding) -> base::Result<Tensor> {
    if (!marked[binding.index]) return missing(binding);
    return live[binding.index][binding.output];
  };
  for (std::size_t i = 0; i < order.size(); ++i) {
    const std::uint32_t call = order[i];
    for (const Binding& binding : calls[call].bindings) {
      if (binding.kind != Binding::Kind::kWeight || !widened[binding.index].empty()) continue;
      const bool is_f32 = program_.weights()[binding.index].type == Type::kF32;
      STARLING_ASSIGN(widened[binding.index],
                      is_f32 ? weights[binding.index].widened() : base::Result<Tensor>(weights[binding.index]));
    }
    STARLING_ASSIGN(std::vector<Tensor> operands, operands_of(call, inputs, widened, output_of));
    STARLING_ASSIGN(live[call], engine.run(plans_[calls[call].graph], operands, &recycled));
    operands.clear();
    if (observer.after_call) STARLING_TRY(observer.after_call(call, live[call]));

    // What nobody reads any more goes; or its memory does, to the next call if that is of the same graph.
    recycled.clear();
    for (const auto& [earlier, output] : released[call].outputs) {
      Tensor dead = std::exchange(live[earlier][output], Tensor());
      if (i + 1 == order.size() || calls[earlier].graph != calls[order[i + 1]].graph) continue;
      recycled.resize(live[earlier].size());
      recycled[output] = std::move(dead);
    }
    for (const std::uint32_t weight : released[call].weights) widened[weight] = Tensor();
  }
  return {};
}

base::Result<std::vector<Tensor>> PreparedProgram::run(Engine& engine, const std::vector<Tensor>& inputs,
                                                       const std::vector<Tensor>& weights,
                                                       const RunObserver& observer) const {
  std::vector<Tensor> outputs(program_.outputs().size());
  RunObserver keeping;
  keeping.after_call = [&](std::uint32_t call, const std::vector<Tensor>& made) -> base::Status {
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      const ProgramOutput& output = program_.outputs()[i];
      if (output.call == call) outputs[i] = made[output.output];
    }
    return observer.after_call ? observer.after_call(call, made) : base::Status();
  };
  const std::vector<bool> all(program_.calls().size(), true);
  STARLING_TRY(run_calls(engine, all, inputs, weights, nullptr, keeping));
  return outputs;
}

}  // namespace starling::exact
