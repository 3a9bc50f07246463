#pragma once

#include <span>

#include "base/thread_pool.h"
#include "exact/kernels.h"

namespace starling::exact {

// Runs a product over the pool's threads: chooses the split (batches, then the longer of m and n) and calls
// kernels.dot_block. workspaces holds threads() × dot_workspace_bytes(), 64-byte aligned. The bits do not depend on the
// split.
void run_dot(const Kernels& kernels, base::ThreadPool& pool, const DotProblem& problem,
             std::span<std::byte> workspaces);

}  // namespace starling::exact
