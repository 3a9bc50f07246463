#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "base/result.h"
#include "exact/engine.h"
#include "models/checkpoint.h"
#include "models/tokenizer.h"
#include "train/dataset.h"

namespace starling::train {

struct SampleSettings {
  std::int64_t steps = 20;
  float guidance = 3.0F;  // 1: none
};

// Writes a contact sheet of videos made from captions of held-out clips.
base::Status draw_samples(exact::Engine& engine, const models::ModelConfig& config, const models::Tokenizer& tokenizer,
                          const std::map<std::string, exact::Tensor>& weights, const Dataset& held_out,
                          const ClipShape& shape, const SampleSettings& settings, const std::filesystem::path& file);

}  // namespace starling::train
