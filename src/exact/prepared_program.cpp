#include <algorithm>
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

base::Result<PreparedProgram> PreparedProgram::make(Program program) {
  PreparedProgram prepared;
  for (const Graph& graph : program.graphs()) {
    STARLING_ASSIGN(Plan plan, Plan::make(graph));
    prepared.plans_.push_back(std::move(plan));
  }
  const std::vector<Call>& calls = program.calls();
  const auto end = static_cast<std::uint32_t>(calls.size());
  std::vector<std::vector<std::uint32_t>> last_use;  // by call and output; `end` for what the program gives
  std::vector<std::uint32_t> weight_last_use(program.weights().size(), end);
  for (std::uint32_t call = 0; call < end; ++call) {
    last_use.emplace_back(program.graphs()[calls[call].graph].outputs().size(), call);
    for (const Binding& binding : calls[call].bindings) {
      if (binding.kind == Binding::Kind::kOutput) last_use[binding.index][binding.output] = call;
      if (binding.kind == Binding::Kind::kWeight) weight_last_use[binding.index] = call;
    }
  }
  for (const ProgramOutput& output : program.outputs()) last_use[output.call][output.output] = end;
  prepared.released_.resize(calls.size());
  for (std::uint32_t call = 0; call < end; ++call) {
    for (std::uint32_t output = 0; output < last_use[call].size(); ++output) {
      if (last_use[call][output] != end) prepared.released_[last_use[call][output]].outputs.emplace_back(call, output);
    }
  }
  for (std::uint32_t weight = 0; weight < weight_last_use.size(); ++weight) {
    if (weight_last_use[weight] != end) prepared.released_[weight_last_use[weight]].weights.push_back(weight);
  }
  prepared.program_ = std::move(program);
  prepared.peak_bytes_ = prepared.count_peak();
  return prepared;
}

std::size_t PreparedProgram::count_peak() const {
  std::size_t live = 0;
  std::size_t scratch = 0;  // an engine keeps the most that it ever needed
  std::size_t peak = 0;
  const auto graph_of = [&](std::uint32_t call) -> const Graph& {
    return program_.graphs()[program_.calls()[call].graph];
  };
  for (std::uint32_t call = 0; call < program_.calls().size(); ++call) {
    for (std::size_t output = 0; output < graph_of(call).outputs().size(); ++output) {
      live += bytes_of(graph_of(call), output);
    }
    scratch = std::max(scratch, plans_[program_.calls()[call].graph].scratch_bytes());
    peak = std::max(peak, live + scratch);
    for (const auto& [earlier, output] : released_[call].outputs) live -= bytes_of(graph_of(earlier), output);
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

base::Result<std::vector<Tensor>> PreparedProgram::run(Engine& engine, const std::vector<Tensor>& inputs,
                                                       const std::vector<Tensor>& weights,
                                                       const RunObserver& observer) const {
  STARLING_TRY(check_given(inputs, weights));
  const std::vector<Call>& calls = program_.calls();
  std::vector<Tensor> widened(weights.size());
  std::vector<std::vector<Tensor>> live(calls.size());
  std::vector<Tensor> recycled;
  const OutputOf output_of = [&](const Binding& binding) -> base::Result<Tensor> {
    return live[binding.index][binding.output];
  };
  for (std::uint32_t call = 0; call < calls.size(); ++call) {
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
    for (const auto& [earlier, output] : released_[call].outputs) {
      Tensor dead = std::exchange(live[earlier][output], Tensor());
      if (call + 1 == calls.size() || calls[earlier].graph != calls[call + 1].graph) continue;
      recycled.resize(live[earlier].size());
      recycled[output] = std::move(dead);
    }
    for (const std::uint32_t weight : released_[call].weights) widened[weight] = Tensor();
  }
  std::vector<Tensor> outputs;
  for (const ProgramOutput& output : program_.outputs()) outputs.push_back(live[output.call][output.output]);
  return outputs;
}

base::Result<std::vector<Tensor>> PreparedProgram::run_call(
    Engine& engine, std::uint32_t call, const std::vector<Tensor>& inputs, const std::vector<Tensor>& weights,
    const std::function<base::Result<std::vector<Tensor>>(std::uint32_t call)>& outputs_of) const {
  STARLING_TRY(check_given(inputs, weights));
  if (call >= program_.calls().size()) {
    return base::invalid("the program has " + std::to_string(program_.calls().size()) + " calls, and no call " +
                         std::to_string(call));
  }
  const OutputOf output_of = [&](const Binding& binding) -> base::Result<Tensor> {
    STARLING_ASSIGN(const std::vector<Tensor> outputs, outputs_of(binding.index));
    if (binding.output >= outputs.size()) {
      return base::invalid("call " + std::to_string(call) + " reads output " + std::to_string(binding.output) +
                           " of call " + std::to_string(binding.index) + ", which was not given");
    }
    return outputs[binding.output];
  };
  STARLING_ASSIGN(const std::vector<Tensor> operands, operands_of(call, inputs, weights, output_of));
  return engine.run(plans_[program_.calls()[call].graph], operands);
}

}  // namespace starling::exact
