#include "exact/run_memory.h"

#include <algorithm>
#include <cstdlib>

#include "base/thread_pool.h"
#include "exact/run_step.h"
#include "exact/run_stream.h"

namespace starling::exact {
namespace {

constexpr std::size_t kLine = 64;
// Beside what is counted: code, lists and messages; stacks of threads.
constexpr std::size_t kBeside = std::size_t{4} << 20U;
constexpr std::size_t kStack = std::size_t{128} << 10U;

std::size_t rounded(std::size_t bytes, std::size_t to) { return (bytes + to - 1) / to * to; }

const Kernels& chosen_kernels() {
  const char* forced = std::getenv("STARLING_BACKEND");
  const auto chosen = choose_kernels(forced == nullptr ? "" : forced);
  return chosen.ok() ? **chosen : *available_kernels().front();
}

}  // namespace

ThreadMemory thread_memory(const Kernels& kernels, const Plan::Body& body, int threads) {
  ThreadMemory memory;
  memory.scratch_floats = rounded(body.scratch_floats, kLine / sizeof(float));
  memory.workspace_bytes = rounded(kernels.dot_workspace_bytes(), kLine);
  for (const Step& step : body.steps) {
    std::size_t bytes = 0;
    if (step.rows != nullptr) {
      bytes = streamed_workspace(kernels, body.graph, step, threads);
    } else if (step.kind == Step::Kind::kIntegerDot) {
      bytes = integer_split(kernels, body.graph, step, threads).workspace_bytes;
    }
    memory.workspace_bytes = std::max(memory.workspace_bytes, bytes);
  }
  return memory;
}

EngineMemory::EngineMemory(int threads)
    : kernels_(chosen_kernels()), threads_(threads == 0 ? base::available_cores() : threads) {}

void EngineMemory::add(const Plan& plan) {
  const Plan::Body& body = plan.body();
  const ThreadMemory each = thread_memory(kernels_, body, threads_);
  const auto threads = static_cast<std::size_t>(threads_);
  arena_ = std::max(arena_, body.arena_bytes);
  scratch_ = std::max(scratch_, threads * each.scratch_floats * sizeof(float));
  workspaces_ = std::max(workspaces_, threads * each.workspace_bytes);
  if (body.constant_plan != nullptr) add(*body.constant_plan);
}

std::size_t EngineMemory::bytes() const {
  const std::size_t beside = kBeside + static_cast<std::size_t>(threads_) * kStack;
  return rounded(arena_, kHugePage) + rounded(scratch_, kHugePage) + rounded(workspaces_, kHugePage) + beside;
}

}  // namespace starling::exact
