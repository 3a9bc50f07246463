#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"

namespace starling::cli {

struct TrainingVerification {
  std::string receipt;                 // the file
  std::string model;                   // folder whose files are compared with the receipt's; empty: none
  std::string vae;                     // folder of the autoencoder that a transformer was trained on
  std::string start;                   // folder of what training started from
  std::optional<std::int64_t> steps;   // to draw
  std::optional<std::int64_t> within;  // of a state at hand
  std::int64_t threads = 0;
  bool json = false;
};

// Checks a training receipt by making steps again. Gives the exit code.
base::Result<int> verify_training(const TrainingVerification& asked, const std::string& text);

}  // namespace starling::cli
