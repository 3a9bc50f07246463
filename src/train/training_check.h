#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "exact/engine.h"
#include "proof/receipt.h"
#include "train/objective.h"
#include "train/training_receipt.h"

namespace starling::train {

struct TrainingCheckOptions {
  std::filesystem::path folder;       // of steps.roots
  std::filesystem::path checkpoints;  // a folder of them; empty: the same
  std::uint64_t steps = 3;            // to draw
  // How many updates after a state that is at hand (the start of all, or a checkpoint) a step may be. Steps beyond are
  // not drawn, since those between would have to be made as well.
  std::uint64_t within = 20;
  std::function<std::uint64_t()> random;  // for the draw
  Stop stop;
  std::function<void(std::uint64_t made, std::uint64_t of)> progress;
};

struct TrainingCheckResult {
  std::optional<proof::Difference> difference;
  std::uint64_t reachable = 0;  // steps that can be made again from what is at hand
  std::uint64_t drawn = 0;
  std::uint64_t made = 0;  // steps that were made again and compared: those drawn, and all before them from a state
  bool model = false;      // whether the model's files were made again as well
};

// Whether the list of step roots in a folder is the receipt's. kNotFound when there is none.
base::Result<std::optional<proof::Difference>> check_step_list(const TrainingReceipt& receipt,
                                                               const std::filesystem::path& folder);

// Makes drawn steps again from the nearest states at hand and compares every step on the way with the list of step
// roots; and makes the model's files again if the last state is at hand. Precondition: the objective is of the
// receipt's recipe. kNotFound when there is no list or no state at hand. scratch: a folder for what is made.
base::Result<TrainingCheckResult> check_training(exact::Engine& engine, const TrainingReceipt& receipt,
                                                 Objective& objective, const std::filesystem::path& scratch,
                                                 const TrainingCheckOptions& options);

}  // namespace starling::train
