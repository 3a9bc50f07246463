#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include "models/checkpoint.h"
#include "train/dataset.h"
#include "train/objective.h"
#include "train/recipe.h"
#include "train/trained_vae.h"

namespace starling::train {

// What a transformer is trained with.
struct FlowSetting {
  std::filesystem::path folder;  // of the run: latents and the tokenizer are kept there
  std::shared_ptr<const Dataset> training;
  std::shared_ptr<const Dataset> held_out;
  TrainedVae vae;
  // A model to go on from, with its tokenizer; of the bundled model's sizes.
  std::optional<models::Checkpoint> start = {};
};

// The bundled transformer and its text encoder together, by rectified flow on the autoencoder's normalised latents:
// x_t = (1 − σ)·x₀ + σ·ε, and the model predicts ε − x₀ at timestep 1000·σ, as FlowMatchEulerDiscreteScheduler
// (diffusers) integrates it. σ = shift·u / (1 + (shift − 1)·u) with u = sigmoid(N(0, 1)). Some samples keep some latent
// frames clean (σ = 0); these do not count in the loss, which is the mean square over all others. Validation is the
// same loss on held-out clips, with their captions and without any.
base::Result<std::unique_ptr<Objective>> make_flow_objective(const Recipe& recipe, FlowSetting setting);

}  // namespace starling::train
