#include "exact/call_schedule.h"

#include <map>

namespace starling::exact {
namespace {

// A value that nobody reads between two calls, though there are calls between.
struct Wait {
  CallOutput value;
  std::uint32_t end;  // the call that reads it then
};

class Scheduler {
 public:
  Scheduler(const Program& program, const std::vector<bool>& marked)
      : program_(program), marked_(marked), after_(marked.size()), waits_(marked.size()) {}

  std::vector<AfterCall> run() {
    find_readers();
    for (std::uint32_t call = 0; call < marked_.size(); ++call) {
      if (!marked_[call]) continue;
      for (std::uint32_t output = 0; output < readers_[call].size(); ++output) follow({call, output});
    }
    place_waits();
    return std::move(after_);
  }

 private:
  void find_readers() {
    const std::vector<Call>& calls = program_.calls();
    std::map<std::uint32_t, std::uint32_t> weights;  // by weight, the last call that reads it
    std::uint32_t next = static_cast<std::uint32_t>(calls.size());
    next_.resize(calls.size());
    for (std::uint32_t call = next; call-- > 0;) {
      next_[call] = next;
      if (marked_[call]) next = call;
    }
    for (std::uint32_t call = 0; call < calls.size(); ++call) {
      readers_.emplace_back(program_.graphs()[calls[call].graph].outputs().size());
      if (!marked_[call]) continue;
      for (const Binding& binding : calls[call].bindings) {
        if (binding.kind == Binding::Kind::kOutput) readers_[binding.index][binding.output].push_back(call);
        if (binding.kind == Binding::Kind::kWeight) weights[binding.index] = call;
      }
    }
    for (const auto& [weight, call] : weights) after_[call].weights.push_back(weight);
    std::vector<std::size_t> uses(program_.graphs().size(), 0);
    for (const Call& call : calls) ++uses[call.graph];
    for (std::uint32_t call = 0; call < calls.size(); ++call) {
      after_[call].forgets_constants = uses[calls[call].graph] == 1;
    }
  }

  void follow(CallOutput value) {
    std::uint32_t at = value.call;
    for (const std::uint32_t reader : readers_[value.call][value.output]) {
      if (reader > next_[at]) waits_[at].push_back({value, reader});
      at = reader;
    }
    after_[at].dropped.push_back(value);
  }

  void place_waits() {
    std::size_t in_memory = 0;
    std::vector<std::size_t> ending(marked_.size(), 0);  // bytes of waits in memory, by the call that ends them
    std::vector<std::vector<bool>> away(marked_.size());
    for (std::uint32_t call = 0; call < marked_.size(); ++call) {
      in_memory -= ending[call];
      away[call].resize(readers_[call].size());
      for (const Wait& wait : waits_[call]) {
        const std::size_t bytes = output_bytes(program_, wait.value);
        std::vector<bool>::reference in_file = away[wait.value.call][wait.value.output];
        if (!in_file && in_memory + bytes <= kWaitingInMemory) {
          in_memory += bytes;
          ending[wait.end] += bytes;
        } else {
          in_file = true;
          after_[call].put_away.push_back(wait.value);
        }
      }
    }
  }

  const Program& program_;
  const std::vector<bool>& marked_;
  std::vector<AfterCall> after_;
  std::vector<std::vector<Wait>> waits_;                          // by the call after which they begin
  std::vector<std::uint32_t> next_;                               // by call, the marked one after it
  std::vector<std::vector<std::vector<std::uint32_t>>> readers_;  // by call and output, in order
};

}  // namespace

std::vector<AfterCall> schedule_calls(const Program& program, const std::vector<bool>& marked) {
  return Scheduler(program, marked).run();
}

std::size_t output_bytes(const Program& program, CallOutput value) {
  const Graph& graph = program.graphs()[program.calls()[value.call].graph];
  const ValueId id = graph.outputs()[value.output].value;
  return static_cast<std::size_t>(graph.shape(id).elements()) * type_size(graph.type(id));
}

}  // namespace starling::exact
