#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "models/checkpoint.h"
#include "train/dataset.h"
#include "train/objective.h"
#include "train/recipe.h"
#include "train/trained_vae.h"

namespace starling::train {

// What a transformer is trained with.
struct FlowSetting {
  std::filesystem::path folder;                               // of the run: latents and the tokenizer are kept there
  std::vector<std::shared_ptr<const Dataset>> training = {};  // one for each of batch_shapes()
  std::shared_ptr<const Dataset> held_out = {};               // in the recipe's own shape
  TrainedVae vae;
  // A model to go on from, with its tokenizer; of the recipe's sizes.
  std::optional<models::Checkpoint> start = {};
};

// Opens what the recipe names: the setting's clips.
base::Status open_data(const Recipe& recipe, FlowSetting& setting);

// What flow_loss.h says, on the autoencoder's normalised latents: a transformer and its text encoder by rectified flow,
// as FlowMatchEulerDiscreteScheduler (diffusers) integrates it, or, where the recipe has student_steps, a transformer
// that learns few steps from the model it starts from. Some samples keep some latent frames clean. Validation is the
// same loss on held-out clips of the recipe's own shape, with their captions and without any.
base::Result<std::unique_ptr<Objective>> make_flow_objective(const Recipe& recipe, FlowSetting setting);

}  // namespace starling::train
