#pragma once

#include <functional>
#include <span>
#include <vector>

#include "base/result.h"
#include "base/thread_pool.h"
#include "exact/graph.h"
#include "exact/tensor.h"

namespace starling::exact {

// The inputs of a run: as many as the graph has, of its types and shapes; bf16 and f16 widened where it takes f32, but
// for those that are read packed.
base::Result<std::vector<Tensor>> checked_inputs(const Graph& graph, std::span<const Tensor> inputs,
                                                 const std::function<bool(std::size_t input)>& is_packed = {});

// kNonFinite if an f32 output holds a NaN or an infinity. The pool, if there is one, shares the work.
base::Status checked_outputs(const Graph& graph, std::span<const Tensor> outputs, base::ThreadPool* pool = nullptr);

}  // namespace starling::exact
