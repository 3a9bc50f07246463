#pragma once

#include "exact/run_step.h"

namespace starling::exact {

// Bytes of workspace that one thread needs for a product whose first operand is made as it is read.
std::size_t streamed_workspace(const Kernels& kernels, const Graph& graph, const Step& step, int threads);

// Runs such a product: rows of the first product, the pass over them, their part of the second, a block at a time.
void run_streamed(const StepContext& context, const Step& step);

}  // namespace starling::exact
