#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "base/progress.h"
#include "base/result.h"
#include "exact/engine.h"
#include "train/objective.h"
#include "train/recipe.h"

namespace starling::train {

// How a run goes about it: nothing here changes the bits of the result.
struct RunOptions {
  std::filesystem::path folder;
  bool resume = false;                // go on from the newest checkpoint, if there is one
  double minutes = 0.0;               // stop with a checkpoint after so long; 0: when all steps are done
  double checkpoint_seconds = 240.0;  // between checkpoints
  std::uint64_t log_steps = 20;       // between lines of the log, each the mean of its steps
  std::uint64_t validation_steps = 500;
  double picture_seconds = 600.0;  // between pictures
  std::uint64_t keep_every = 0;    // keep the checkpoints that are made at its multiples, and make them; 0: none
  base::ProgressMode progress = base::ProgressMode::kAuto;
};

struct RunSummary {
  std::uint64_t steps = 0;          // made in all
  bool finished = false;            // all steps of the recipe are made
  std::uint64_t parameters = 0;     // numbers that are trained
  std::uint64_t work_per_step = 0;  // multiply-adds in products, of data of the recipe's own shape
  std::optional<double> loss;       // smoothed, over the steps of this sitting
  double seconds = 0.0;             // of this sitting
  double samples_per_second = 0.0;  // of this sitting
  std::vector<Metric> validation;   // the last one
};

// Trains until the recipe's steps are made, the time is up, or the process is interrupted, with a checkpoint at the end
// in each case. The folder gets recipe.json, log.jsonl, steps.roots, checkpoints, pictures and, at the end of each
// sitting, training.receipt.json (training_receipt.h). A folder that holds a run is an error
// unless options.resume is set; a resumed run ends with the same bits as an unbroken one.
base::Result<RunSummary> run_training(exact::Engine& engine, const Recipe& recipe, Objective& objective,
                                      const RunOptions& options);

}  // namespace starling::train
