#pragma once

#include <filesystem>
#include <vector>

#include "base/result.h"
#include "cli/measurement.h"

namespace starling::cli {

// One whole training step (forward, backward, clipping, AdamW, running average) of each part of the bundled model, at
// the batch of its recipe, untrained: samples and products' floating-point operations a second, medians over several
// rounds in turns with each count of threads. `folder` is for latents and the tokenizer.
base::Result<std::vector<Measurement>> bench_training(const std::vector<int>& threads,
                                                      const std::filesystem::path& folder);

}  // namespace starling::cli
