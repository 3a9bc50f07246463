#include "train/state.h"

#include "train/draws.h"

namespace starling::train {

using exact::Tensor;

base::Result<TrainingState> initial_state(exact::Engine& engine, std::vector<models::Parameter> parameters,
                                          std::uint64_t seed, const NamedTensors& start) {
  STARLING_ASSIGN(exact::Graph graph, models::initialization_graph(parameters));
  STARLING_ASSIGN(const exact::Plan plan, exact::Plan::make(std::move(graph)));
  const Tensor inputs[] = {seed_tensor(seed, Purpose::kInitialization, 0)};
  STARLING_ASSIGN(std::vector<Tensor> values, engine.run(plan, inputs));
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const auto given = start.find(parameters[i].name);
    if (given == start.end()) continue;
    if (!(given->second.shape() == parameters[i].shape)) {
      return base::invalid("the parameter '" + parameters[i].name + "' has another shape than where it is to start");
    }
    values[i] = given->second;
  }
  TrainingState state;
  state.parameters = std::move(parameters);
  state.averages = values;
  for (const Tensor& value : values) {
    state.first_moments.emplace_back(exact::Type::kF32, value.shape());
    state.second_moments.emplace_back(exact::Type::kF32, value.shape());
  }
  state.values = std::move(values);
  const float one = 1.0F;
  state.beta1_power = Tensor::from_f32({}, {&one, 1});
  state.beta2_power = state.beta1_power;
  return state;
}

NamedTensors averaged_weights(const TrainingState& state) {
  NamedTensors weights;
  for (std::size_t i = 0; i < state.parameters.size(); ++i) {
    weights.emplace(state.parameters[i].name, state.averages[i]);
  }
  return weights;
}

base::Result<std::vector<Tensor>> bind_inputs(const exact::Graph& graph, const NamedTensors& tensors) {
  std::vector<Tensor> inputs;
  inputs.reserve(graph.inputs().size());
  for (const exact::GraphInput& input : graph.inputs()) {
    const auto found = tensors.find(input.name);
    if (found == tensors.end()) return base::internal_error("no tensor is given for the input '" + input.name + "'");
    inputs.push_back(found->second);
  }
  return inputs;
}

}  // namespace starling::train
