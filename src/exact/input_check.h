#pragma once

#include <span>
#include <vector>

#include "base/result.h"
#include "exact/graph.h"
#include "exact/tensor.h"

namespace starling::exact {

// The inputs of a run: as many as the graph has, of its types and shapes; bf16 and f16 widened where it takes f32.
base::Result<std::vector<Tensor>> checked_inputs(const Graph& graph, std::span<const Tensor> inputs);

// kNonFinite if an f32 output holds a NaN or an infinity.
base::Status checked_outputs(const Graph& graph, std::span<const Tensor> outputs);

}  // namespace starling::exact
