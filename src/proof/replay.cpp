#include "proof/replay.h"

#include <numeric>

#include "proof/commitment.h"

namespace starling::proof {

using exact::Binding;
using exact::Tensor;

std::vector<bool> with_needed_calls(const exact::Program& program, std::vector<bool> calls, const KeptOutputs* kept) {
  for (std::size_t call = program.calls().size(); call-- > 0;) {
    if (!calls[call]) continue;
    for (const Binding& binding : program.calls()[call].bindings) {
      if (binding.kind != Binding::Kind::kOutput) continue;
      if (kept == nullptr || !kept->has(binding.index, binding.output)) calls[binding.index] = true;
    }
  }
  return calls;
}

base::Status run_calls(const Job& job, const std::vector<bool>& calls, const KeptOutputs* kept,
                       const AfterCall& after_call) {
  const auto missing = [&](const Binding& binding) -> base::Result<Tensor> {
    if (kept == nullptr || !kept->has(binding.index, binding.output)) {
      return base::internal_error("the output of call " + std::to_string(binding.index) + " is not there");
    }
    return kept->read(binding.index, binding.output);
  };
  exact::RunObserver observer;
  observer.after_call = [&](std::uint32_t call, const std::vector<Tensor>& outputs) {
    return after_call(call, outputs, output_roots(outputs, job.pool));
  };
  return job.program->run_calls(*job.engine, calls, *job.inputs, *job.weights, missing, observer);
}

std::vector<bool> sample_calls(std::size_t calls, std::size_t count, const std::function<std::uint64_t()>& random) {
  std::vector<std::size_t> order(calls);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::vector<bool> marked(calls, false);
  for (std::size_t i = 0; i < std::min(calls, count); ++i) {
    std::swap(order[i], order[i + random() % (calls - i)]);
    marked[order[i]] = true;
  }
  return marked;
}

base::Result<ReplayResult> replay(const Job& job, const Receipt& receipt, const std::vector<bool>& calls,
                                  const KeptOutputs* kept, const FramesOf& frames_of) {
  ReplayResult result;
  std::uint32_t running = 0;
  const std::vector<bool> needed = with_needed_calls(job.program->program(), calls, kept);
  const auto compare = [&](std::uint32_t call, const std::vector<Tensor>& outputs,
                           const OutputRoots& roots) -> base::Status {
    running = call + 1;
    ++result.checked_calls;
    if (list_root(roots) != receipt.calls[call]) {
      result.difference = Difference{"call " + std::to_string(call) + ": its output is not the one in the receipt"};
      return base::cancelled("a difference was found");
    }
    STARLING_ASSIGN(const MadeFrames made, frames_of(call, outputs));
    for (std::size_t i = 0; i < made.hashes.size(); ++i) {
      const std::size_t frame = made.first + i;
      if (frame >= receipt.frames.size() || made.hashes[i] != receipt.frames[frame]) {
        result.difference = Difference{"frame " + std::to_string(frame) + ": it is not the one in the receipt"};
        return base::cancelled("a difference was found");
      }
    }
    return {};
  };
  while (running < needed.size() && !needed[running]) ++running;
  const base::Status status = run_calls(job, needed, kept, compare);
  if (status.ok() || result.difference) return result;
  if (status.error().code == base::ErrorCode::kNonFinite) {
    while (running < needed.size() && !needed[running]) ++running;
    result.difference = Difference{"call " + std::to_string(running) + ": " + status.error().message};
    return result;
  }
  if (status.error().code == base::ErrorCode::kCorrupt) {
    result.difference = Difference{status.error().message};
    return result;
  }
  return status.error();
}

}  // namespace starling::proof
