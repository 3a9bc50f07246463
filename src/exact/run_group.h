#pragma once

#include <span>

#include "base/thread_pool.h"
#include "exact/kernels.h"
#include "exact/plan_body.h"

namespace starling::exact {

// Floats of scratch that one thread needs for the pass.
std::size_t group_scratch(const Group& group);

// Runs a pass. memory[v] is where value v's own memory begins; scratch has group_scratch() floats for each thread.
void run_group(const Kernels& kernels, base::ThreadPool& pool, const Group& group, std::span<float* const> memory,
               std::span<float* const> scratch);

}  // namespace starling::exact
