#pragma once

#include <span>

#include "base/thread_pool.h"
#include "exact/kernels.h"
#include "exact/plan_body.h"

namespace starling::exact {

// What a step runs with.
struct StepContext {
  const Kernels& kernels;
  base::ThreadPool& pool;
  const Graph& graph;
  std::span<float* const> memory;   // by value: where its own memory begins
  std::span<float* const> scratch;  // by thread, for passes
  std::span<std::byte> workspaces;  // for products
};

void run_step(const StepContext& context, const Step& step);

// Copies the elements of one view to those of another over the same shape. The target's axes have one factor each.
void copy_view(const StepContext& context, float* to, const View& target, const float* from, const View& source);

}  // namespace starling::exact
