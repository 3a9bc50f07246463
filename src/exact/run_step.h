#pragma once

#include <span>
#include <vector>

#include "base/thread_pool.h"
#include "exact/integer_dot.h"
#include "exact/kernels.h"
#include "exact/packed_operand.h"
#include "exact/plan_body.h"

namespace starling::exact {

// What a step runs with.
struct StepContext {
  const Kernels& kernels;
  base::ThreadPool& pool;
  const Graph& graph;
  std::span<float* const> memory;                     // by value: where its own memory begins
  std::span<float* const> scratch;                    // by thread, for passes
  std::span<std::byte> workspaces;                    // for products
  std::span<const PackedOperand* const> packed = {};  // by input: nullptr where it is read in memory
};

void run_step(const StepContext& context, const Step& step);

// What a product's step says, with its operands where they are in memory; of an f32 one also the output.
DotProblem dot_problem(const StepContext& context, const Step& step);
IntegerDotProblem integer_problem(const StepContext& context, const Step& step);

// How an integer product is cut on so many threads.
IntegerSplit integer_split(const Kernels& kernels, const Graph& graph, const Step& step, int threads);

// Where the operands of a step that pads or joins them lie in its result, which has that shape.
std::vector<View> places_of_parts(const Shape& shape, const Step& step);

// Copies the elements (of 1 or 4 bytes) of one view to those of another over the same shape. The target's axes have one
// factor each.
void copy_view(const StepContext& context, std::byte* to, const View& target, const std::byte* from, const View& source,
               std::size_t element_bytes);

}  // namespace starling::exact
