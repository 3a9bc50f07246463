#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "base/hash.h"
#include "base/result.h"
#include "exact/program.h"
#include "proof/receipt.h"
#include "proof/trace.h"

namespace starling::proof {

// A program with all it needs to run. The objects named outlive it.
struct Job {
  const exact::PreparedProgram* program;
  exact::Engine* engine;
  const std::vector<exact::Tensor>* inputs;   // in the order of program().inputs()
  const std::vector<exact::Tensor>* weights;  // in the order of program().weights()
  base::ThreadPool* pool = nullptr;           // for hashing; none: the calling thread
};

// Told of each call that was run, in order. An error ends the run with it.
using AfterCall = std::function<base::Status(std::uint32_t call, const std::vector<exact::Tensor>& outputs,
                                             const OutputRoots& roots)>;

// Runs the marked calls in order (`calls` has one mark a call). What they read is there if its call is marked too or if
// `kept` has it. Outputs are dropped after their last use, so memory is what the program's plan says.
base::Status run_calls(const Job& job, const std::vector<bool>& calls, const KeptOutputs* kept,
                       const AfterCall& after_call);

// The marked calls and those that must be run for them, since `kept` does not have what they read.
std::vector<bool> with_needed_calls(const exact::Program& program, std::vector<bool> calls, const KeptOutputs* kept);

// `count` of `calls` marked, all of them if there are not so many: a partial shuffle by `random`, which gives any u64.
std::vector<bool> sample_calls(std::size_t calls, std::size_t count, const std::function<std::uint64_t()>& random);

// The frames that a call makes, and which they are.
struct MadeFrames {
  std::size_t first = 0;
  std::vector<base::Hash> hashes;
};
using FramesOf = std::function<base::Result<MadeFrames>(std::uint32_t call, const std::vector<exact::Tensor>& outputs)>;

struct ReplayResult {
  std::optional<Difference> difference;
  std::uint32_t checked_calls = 0;
};

// Runs the marked calls, and those needed for them, and compares each with the receipt: its root, then its frames.
// Stops at the first difference. An error is one of running, not of the receipt.
base::Result<ReplayResult> replay(const Job& job, const Receipt& receipt, const std::vector<bool>& calls,
                                  const KeptOutputs* kept, const FramesOf& frames_of);

}  // namespace starling::proof
