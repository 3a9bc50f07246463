#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "exact/engine.h"
#include "train/objective.h"
#include "train/optimizer.h"
#include "train/state.h"

namespace starling::train {

// What a step tells.
struct StepReport {
  float loss = 0.0F;  // mean over the step's gradients, before the update
  float gradient_norm = 0.0F;
};

// The data of step number `step`: one batch for each of its gradients.
base::Result<std::vector<Batch>> step_batches(Objective& objective, std::uint64_t step, std::uint64_t gradients);

// One training step as exact graphs: forward and backward for each part of the batch, then one update. From a state and
// inputs it has one right answer, bit for bit.
class Step {
 public:
  static base::Result<Step> make(const Loss& loss, const OptimizerSettings& settings, int gradients);

  // One batch for each gradient. On an error the state is as it was. Keeps what the step replaces, and what only passes
  // through it, as memory for the next one, since new pages cost time.
  base::Result<StepReport> run(exact::Engine& engine, TrainingState& state, std::span<const Batch> batches,
                               float learning_rate, float average_decay);

  // Multiply–adds in products of one step whose data have the first graph's shape.
  std::uint64_t work() const;

 private:
  // Forward and backward for one shape of data.
  struct Gradient {
    exact::Plan plan;
    std::vector<std::int64_t> inputs = {};  // for each: the parameter it takes, or -1 for one of the batch
    std::vector<std::size_t> outputs = {};  // for each parameter: the output with its gradient
    std::size_t loss = 0;                   // the output
  };
  Step(std::vector<Gradient> gradients, exact::Plan update)
      : shapes_(std::move(gradients)), update_(std::move(update)) {}
  static base::Status connect(Gradient& gradient, const std::vector<models::Parameter>& parameters);
  base::Status connect(const std::vector<models::Parameter>& parameters);

  std::vector<Gradient> shapes_;
  exact::Plan update_;
  std::size_t gradients_ = 1;
  std::size_t parameters_ = 0;
  // For each input of the update's graph: its place in (values, first, second, averages, scalars, gradients).
  std::vector<std::size_t> update_inputs_;
  std::vector<std::size_t> update_outputs_;  // for each of (values, first, second, averages, powers, norm)
  // Outputs of the last step, or what they replaced: memory for the next one's.
  std::vector<std::vector<exact::Tensor>> gradient_memory_;
  std::vector<exact::Tensor> update_memory_;
};

}  // namespace starling::train
