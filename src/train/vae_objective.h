#pragma once

#include <memory>

#include "models/config.h"
#include "train/objective.h"
#include "train/recipe.h"

namespace starling::train {

// A VAE on crops of clips: w₁·mean|x̂ − x| + w₂·mean (x̂ − x)² + w₃·KL, where x̂ decodes a sample of the posterior and KL
// is its divergence from N(0, 1), a mean over the latent's elements. Validation is the PSNR of whole held-out clips
// through the posterior's mean.
std::unique_ptr<Objective> make_vae_objective(const Recipe& recipe, const models::VaeConfig& config);

// The mean and deviation of each latent channel over clips of the training set; what latents_mean and latents_std of an
// exported VAE are.
struct LatentStatistics {
  std::vector<float> mean;
  std::vector<float> deviation;
};
base::Result<LatentStatistics> measure_latents(exact::Engine& engine, const Recipe& recipe,
                                               const models::VaeConfig& config, const NamedTensors& weights,
                                               std::int64_t clips);

}  // namespace starling::train
