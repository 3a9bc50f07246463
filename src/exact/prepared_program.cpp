#include <algorithm>
#include <numeric>
#include <utility>

#include "exact/call_schedule.h"
#include "exact/program.h"
#include "exact/run_memory.h"
#include "exact/spare_tensors.h"
#include "exact/waiting_values.h"

namespace starling::exact {
namespace {

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

// What a run of the marked calls holds, as PreparedProgram::peak_bytes counts.
struct Holding {
  std::vector<std::size_t> by_call;  // bytes in memory while it runs
  std::uint64_t file = 0;            // at most
  std::size_t most() const { return by_call.empty() ? 0 : std::ranges::max(by_call); }
};

Holding count_holding(const Program& program, const std::vector<Plan>& plans, int threads,
                      const std::vector<bool>& marked) {
  EngineMemory engine(threads);
  std::size_t live = 0;       // outputs that are in memory
  std::size_t constants = 0;  // of plans that were run
  std::uint64_t waiting = 0;
  std::vector<bool> was_run(plans.size(), false);
  const std::vector<Call>& calls = program.calls();
  Holding holding;
  holding.by_call.resize(calls.size());
  std::vector<std::vector<bool>> in_memory;
  std::vector<std::vector<bool>> in_file;
  const auto bytes_of = [&](CallOutput value) { return output_bytes(program, value); };
  const std::vector<AfterCall> schedule = schedule_calls(program, marked);
  for (std::uint32_t call = 0; call < calls.size(); ++call) {
    const std::uint32_t graph = calls[call].graph;
    in_memory.emplace_back(program.graphs()[graph].outputs().size(), true);
    in_file.emplace_back(in_memory.back().size(), false);
    if (!marked[call]) continue;
    if (!was_run[graph]) {
      engine.add(plans[graph]);
      constants += plans[graph].constant_bytes();
      was_run[graph] = true;
    }
    for (std::uint32_t output = 0; output < in_file[call].size(); ++output) live += bytes_of({call, output});
    for (const Binding& binding : calls[call].bindings) {
      if (binding.kind != Binding::Kind::kOutput || in_memory[binding.index][binding.output]) continue;
      in_memory[binding.index][binding.output] = true;
      live += bytes_of({binding.index, binding.output});
    }
    holding.by_call[call] = live + constants + engine.bytes();
    if (schedule[call].forgets_constants) constants -= plans[graph].constant_bytes();
    for (const CallOutput value : schedule[call].put_away) {
      in_memory[value.call][value.output] = false;
      live -= bytes_of(value);
      if (!in_file[value.call][value.output]) waiting += bytes_of(value);
      in_file[value.call][value.output] = true;
    }
    holding.file = std::max(holding.file, waiting);
    for (const CallOutput value : schedule[call].dropped) {
      live -= bytes_of(value);
      if (in_file[value.call][value.output]) waiting -= bytes_of(value);
    }
  }
  return holding;
}

base::Result<Plan> plan_of(const Graph& graph, const PlanningObserver& observer) {
  if (observer.plans == nullptr) return Plan::make(graph, observer.stop);
  const base::Hash root = graph.root();
  auto found = observer.plans->find(root);
  if (found == observer.plans->end()) {
    STARLING_ASSIGN(Plan plan, Plan::make(graph, observer.stop));
    found = observer.plans->emplace(root, std::move(plan)).first;
  }
  return found->second;
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
    STARLING_ASSIGN(prepared.plans_[graph], plan_of(graphs[graph], observer));
    if (observer.plan) STARLING_TRY(observer.plan(prepared.plans_[graph].scratch_bytes()));
  }
  prepared.program_ = std::move(program);
  prepared.peak_ = prepared.count_peak(1);
  return prepared;
}

PreparedProgram::Peak PreparedProgram::count_peak(int threads) const {
  const Holding holding = count_holding(program_, plans_, threads, std::vector<bool>(program_.calls().size(), true));
  return {holding.most(), holding.file};
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
  const std::vector<AfterCall> schedule = schedule_calls(program_, marked);
  std::vector<std::uint32_t> order;
  for (std::uint32_t call = 0; call < calls.size(); ++call) {
    if (marked[call]) order.push_back(call);
  }
  std::vector<Tensor> widened(weights.size());
  std::vector<std::vector<Tensor>> live(calls.size());
  const Holding holding = count_holding(program_, plans_, engine.threads(), marked);
  SpareTensors spare;
  WaitingValues waiting(peak_.file);
  const OutputOf output_of = [&](const Binding& binding) -> base::Result<Tensor> {
    if (!marked[binding.index]) return missing(binding);
    const CallOutput value{binding.index, binding.output};
    Tensor& tensor = live[value.call][value.output];
    if (tensor.empty()) {
      STARLING_ASSIGN(tensor, waiting.get(value));
    }
    return tensor;
  };
  for (const std::uint32_t call : order) {
    // What is spare beside them goes where the plan has no room for it.
    std::vector<Tensor> recycled = spare.take(program_.graphs()[calls[call].graph]);
    spare.shrink(holding.most() - holding.by_call[call]);
    const std::vector<Binding>& bindings = calls[call].bindings;
    std::vector<bool> is_packed(bindings.size(), false);
    for (std::size_t input = 0; input < bindings.size(); ++input) {
      const std::uint32_t weight = bindings[input].index;
      if (bindings[input].kind != Binding::Kind::kWeight) continue;
      is_packed[input] = engine.reads_packed(plans_[calls[call].graph], input, weights[weight]);
      if (is_packed[input] || !widened[weight].empty()) continue;
      const bool is_f32 = program_.weights()[weight].type == Type::kF32;
      STARLING_ASSIGN(widened[weight], is_f32 ? weights[weight].widened() : base::Result<Tensor>(weights[weight]));
    }
    STARLING_ASSIGN(std::vector<Tensor> operands, operands_of(call, inputs, widened, output_of));
    for (std::size_t input = 0; input < bindings.size(); ++input) {
      if (is_packed[input]) operands[input] = weights[bindings[input].index];
    }
    STARLING_ASSIGN(live[call], engine.run(plans_[calls[call].graph], operands, &recycled));
    operands.clear();
    recycled.clear();
    if (schedule[call].forgets_constants) plans_[calls[call].graph].forget_constants();
    if (observer.after_call) STARLING_TRY(observer.after_call(call, live[call]));

    for (const CallOutput value : schedule[call].put_away) {
      Tensor away = std::exchange(live[value.call][value.output], Tensor());
      STARLING_TRY(waiting.put(value, away));
      spare.keep(std::move(away));
    }
    for (const CallOutput value : schedule[call].dropped) {
      waiting.drop(value);
      spare.keep(std::exchange(live[value.call][value.output], Tensor()));
    }
    for (const std::uint32_t weight : schedule[call].weights) widened[weight] = Tensor();
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
