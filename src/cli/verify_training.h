#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"

namespace starling::cli {

struct TrainingVerification {
  std::string receipt;  // the file
  // Folders; empty: what the receipt lies in or beside, if it is shipped with a model.
  std::string model;                   // whose files are compared with the receipt's
  std::string vae;                     // the autoencoder that a transformer was trained on
  std::string start;                   // what training started from
  std::string checkpoints;             // of the run; empty: the receipt's folder
  std::optional<std::int64_t> steps;   // to draw
  std::optional<std::int64_t> within;  // of a state at hand
  std::int64_t threads = 0;
  bool json = false;
};

// Checks a training receipt by making steps again. Gives the exit code.
base::Result<int> verify_training(TrainingVerification asked, const std::string& text);

}  // namespace starling::cli
