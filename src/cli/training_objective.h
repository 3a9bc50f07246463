#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "base/result.h"
#include "train/objective.h"
#include "train/recipe.h"

namespace starling::cli {

// What a recipe is trained with beside its data.
struct TrainingSources {
  std::filesystem::path folder;  // for what a transformer's data leave
  std::string vae;               // folder of the trained autoencoder, for a transformer
  std::string start;             // folder of what training starts from; empty: from nothing
};

// What a recipe trains. Sets its start_hash and vae_hash to what the sources are.
base::Result<std::unique_ptr<train::Objective>> open_objective(train::Recipe& recipe, const TrainingSources& sources);

}  // namespace starling::cli
