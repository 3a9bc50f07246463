#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "exact/engine.h"
#include "exact/tensor.h"
#include "models/parameters.h"

namespace starling::train {

// All that a run carries from one step to the next: exactly what a checkpoint holds.
struct TrainingState {
  std::uint64_t step = 0;  // updates made so far
  std::vector<models::Parameter> parameters;
  // One for each parameter, f32, in that order.
  std::vector<exact::Tensor> values;
  std::vector<exact::Tensor> first_moments;
  std::vector<exact::Tensor> second_moments;
  std::vector<exact::Tensor> averages;
  exact::Tensor beta1_power;
  exact::Tensor beta2_power;
};

// Tensors by the names of the graph inputs that take them.
using NamedTensors = std::map<std::string, exact::Tensor>;

// Before the first step: every parameter from `start`, or else from its initialiser, keyed by the seed and its name.
base::Result<TrainingState> initial_state(exact::Engine& engine, std::vector<models::Parameter> parameters,
                                          std::uint64_t seed, const NamedTensors& start = {});

// The running averages by parameter name: the weights that are measured and exported.
NamedTensors averaged_weights(const TrainingState& state);

// A graph's inputs in its order, looked up by name. An error names the one that is missing.
base::Result<std::vector<exact::Tensor>> bind_inputs(const exact::Graph& graph, const NamedTensors& tensors);

}  // namespace starling::train
