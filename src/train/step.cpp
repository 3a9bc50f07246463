#include "train/step.h"

#include <map>
#include <string>

#include "exact/autodiff.h"

namespace starling::train {
namespace {

using exact::Graph;
using exact::Tensor;

Tensor scalar(float value) { return Tensor::from_f32({}, {&value, 1}); }

base::Result<std::size_t> output_index(const Graph& graph, const std::string& name) {
  const int index = graph.find_output(name);
  if (index < 0) return base::internal_error("a training graph has no output '" + name + "'");
  return static_cast<std::size_t>(index);
}

}  // namespace

base::Result<std::vector<Batch>> step_batches(Objective& objective, std::uint64_t step, std::uint64_t gradients) {
  std::vector<Batch> batches;
  for (std::uint64_t i = 0; i < gradients; ++i) {
    STARLING_ASSIGN(Batch batch, objective.batch(step * gradients + i));
    batches.push_back(std::move(batch));
  }
  return batches;
}

base::Result<Step> Step::make(const Loss& loss, const OptimizerSettings& settings, int gradients) {
  std::vector<std::string> names;
  for (const models::Parameter& parameter : loss.parameters) names.push_back(parameter.name);
  std::vector<Gradient> shapes;
  for (const Graph& graph : loss.graphs) {
    STARLING_ASSIGN(Graph differentiated, exact::differentiate(graph, "loss", names));
    STARLING_ASSIGN(exact::Plan plan, exact::Plan::make(std::move(differentiated)));
    shapes.push_back({std::move(plan)});
    STARLING_TRY(connect(shapes.back(), loss.parameters));
  }
  STARLING_ASSIGN(Graph update, update_graph(loss.parameters, settings, gradients));
  STARLING_ASSIGN(exact::Plan update_plan, exact::Plan::make(std::move(update)));
  Step step(std::move(shapes), std::move(update_plan));
  step.gradients_ = static_cast<std::size_t>(gradients);
  step.gradient_memory_.resize(step.gradients_);
  step.parameters_ = names.size();
  STARLING_TRY(step.connect(loss.parameters));
  return step;
}

base::Status Step::connect(Gradient& gradient, const std::vector<models::Parameter>& parameters) {
  std::map<std::string, std::int64_t, std::less<>> parameter_of;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    parameter_of.emplace(parameters[i].name, static_cast<std::int64_t>(i));
  }
  const Graph& graph = gradient.plan.graph();
  for (const exact::GraphInput& input : graph.inputs()) {
    const auto found = parameter_of.find(input.name);
    gradient.inputs.push_back(found == parameter_of.end() ? -1 : found->second);
  }
  for (const models::Parameter& parameter : parameters) {
    STARLING_ASSIGN(const std::size_t output, output_index(graph, "d." + parameter.name));
    gradient.outputs.push_back(output);
  }
  STARLING_ASSIGN(gradient.loss, output_index(graph, "loss"));
  return {};
}

base::Status Step::connect(const std::vector<models::Parameter>& parameters) {
  std::vector<std::string> pool;
  for (const char* prefix : {"p/", "m/", "v/", "e/"}) {
    for (const models::Parameter& parameter : parameters) pool.push_back(prefix + parameter.name);
  }
  for (const char* name : {"beta1_power", "beta2_power", "learning_rate", "average_decay"}) pool.emplace_back(name);
  for (std::size_t i = 0; i < gradients_; ++i) {
    for (const models::Parameter& parameter : parameters) {
      pool.push_back("g" + std::to_string(i) + "/" + parameter.name);
    }
  }
  std::map<std::string, std::size_t, std::less<>> place_of;
  for (std::size_t i = 0; i < pool.size(); ++i) place_of.emplace(pool[i], i);
  for (const exact::GraphInput& input : update_.graph().inputs()) {
    const auto found = place_of.find(input.name);
    if (found == place_of.end()) return base::internal_error("the update takes an unknown input '" + input.name + "'");
    update_inputs_.push_back(found->second);
  }
  const std::size_t stored = 4 * parameters.size() + 2;
  for (std::size_t i = 0; i < stored; ++i) {
    STARLING_ASSIGN(const std::size_t output, output_index(update_.graph(), pool[i]));
    update_outputs_.push_back(output);
  }
  STARLING_ASSIGN(const std::size_t norm, output_index(update_.graph(), "gradient_norm"));
  update_outputs_.push_back(norm);
  return {};
}

base::Result<StepReport> Step::run(exact::Engine& engine, TrainingState& state, std::span<const Batch> batches,
                                   float learning_rate, float average_decay) {
  if (batches.size() != gradients_) return base::internal_error("a step was given a wrong number of batches");
  StepReport report;
  std::vector<Tensor> pool;
  pool.reserve(parameters_ * (4 + gradients_) + 4);
  for (const auto* group : {&state.values, &state.first_moments, &state.second_moments, &state.averages}) {
    pool.insert(pool.end(), group->begin(), group->end());
  }
  pool.push_back(state.beta1_power);
  pool.push_back(state.beta2_power);
  pool.push_back(scalar(learning_rate));
  pool.push_back(scalar(average_decay));
  for (std::size_t part = 0; part < gradients_; ++part) {
    const Batch& batch = batches[part];
    if (batch.graph >= shapes_.size()) return base::internal_error("a batch is of no shape that is trained on");
    const Gradient& gradient = shapes_[batch.graph];
    std::vector<Tensor> inputs;
    inputs.reserve(gradient.inputs.size());
    for (std::size_t i = 0; i < gradient.inputs.size(); ++i) {
      if (gradient.inputs[i] >= 0) {
        inputs.push_back(state.values[static_cast<std::size_t>(gradient.inputs[i])]);
        continue;
      }
      const std::string& name = gradient.plan.graph().inputs()[i].name;
      const auto found = batch.inputs.find(name);
      if (found == batch.inputs.end()) return base::internal_error("the batch lacks the input '" + name + "'");
      inputs.push_back(found->second);
    }
    STARLING_ASSIGN(std::vector<Tensor> outputs, engine.run(gradient.plan, inputs, &gradient_memory_[part]));
    report.loss += outputs[gradient.loss].f32()[0] / static_cast<float>(gradients_);
    for (const std::size_t output : gradient.outputs) pool.push_back(outputs[output]);
    gradient_memory_[part] = std::move(outputs);
  }
  std::vector<Tensor> inputs;
  inputs.reserve(update_inputs_.size());
  for (const std::size_t place : update_inputs_) inputs.push_back(pool[place]);
  STARLING_ASSIGN(std::vector<Tensor> outputs, engine.run(update_, inputs, &update_memory_));
  std::size_t next = 0;
  for (auto* group : {&state.values, &state.first_moments, &state.second_moments, &state.averages}) {
    for (Tensor& tensor : *group) std::swap(tensor, outputs[update_outputs_[next++]]);
  }
  state.beta1_power = outputs[update_outputs_[next++]];
  state.beta2_power = outputs[update_outputs_[next++]];
  report.gradient_norm = outputs[update_outputs_[next]].f32()[0];
  update_memory_ = std::move(outputs);
  ++state.step;
  return report;
}

std::uint64_t Step::work() const { return gradients_ * shapes_.front().plan.graph().work().f32_multiply_adds; }

}  // namespace starling::train
