#include "cli/training_objective.h"

#include <optional>
#include <utility>

#include "models/checkpoint.h"
#include "train/dataset_choice.h"
#include "train/flow_objective.h"
#include "train/trained_vae.h"
#include "train/vae_objective.h"

namespace starling::cli {
namespace {

using Opened = base::Result<std::unique_ptr<train::Objective>>;

Opened open_vae(train::Recipe& recipe, const TrainingSources& sources) {
  std::optional<train::TrainedVae> start;
  if (!sources.start.empty()) {
    STARLING_ASSIGN(start, train::load_vae(sources.start));
    recipe.start_hash = start->hash.hex();
  }
  STARLING_TRY(train::validate(recipe));
  STARLING_ASSIGN(train::Datasets datasets, train::open_datasets(recipe));
  return start ? train::make_vae_objective(recipe, std::move(*start), std::move(datasets))
               : train::make_vae_objective(recipe, std::move(datasets));
}

Opened open_transformer(train::Recipe& recipe, const TrainingSources& sources) {
  STARLING_ASSIGN(train::TrainedVae vae, train::load_vae(sources.vae));
  recipe.vae_hash = vae.latent_hash.hex();
  std::optional<models::Checkpoint> start;
  if (!sources.start.empty()) {
    STARLING_ASSIGN(start, models::Checkpoint::open(sources.start));
    STARLING_ASSIGN(const base::Hash root, start->root());
    recipe.start_hash = root.hex();
  }
  STARLING_TRY(train::validate(recipe));
  train::FlowSetting setting{.folder = sources.folder, .vae = std::move(vae), .start = std::move(start)};
  STARLING_TRY(train::open_data(recipe, setting));
  return train::make_flow_objective(recipe, std::move(setting));
}

}  // namespace

Opened open_objective(train::Recipe& recipe, const TrainingSources& sources) {
  return recipe.part == train::ModelPart::kVae ? open_vae(recipe, sources) : open_transformer(recipe, sources);
}

}  // namespace starling::cli
