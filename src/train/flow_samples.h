#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "base/result.h"
#include "exact/engine.h"
#include "models/checkpoint.h"
#include "models/tokenizer.h"
#include "train/dataset.h"

namespace starling::train {

// Writes a contact sheet of videos made from captions of held-out clips.
base::Status draw_samples(exact::Engine& engine, const models::ModelConfig& config, const models::Tokenizer& tokenizer,
                          const std::map<std::string, exact::Tensor>& weights, const Dataset& held_out,
                          const ClipShape& shape, const std::filesystem::path& file);

}  // namespace starling::train
