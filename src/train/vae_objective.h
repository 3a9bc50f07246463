#pragma once

#include <memory>

#include "train/dataset_choice.h"
#include "train/objective.h"
#include "train/recipe.h"
#include "train/trained_vae.h"

namespace starling::train {

// A VAE, the bundled one with the recipe's channels, on crops of clips: w₁·mean|x̂ − x| + w₂·mean (x̂ − x)² + w₃·KL,
// where x̂ decodes a sample of the posterior and KL is its divergence from N(0, 1), a mean over the latent's elements.
// Validation is the PSNR of whole held-out clips through the posterior's mean.
std::unique_ptr<Objective> make_vae_objective(const Recipe& recipe, Datasets datasets);

// The same from a trained one on; with recipe.decoder_only its encoder and its latents' mean and deviation stay.
std::unique_ptr<Objective> make_vae_objective(const Recipe& recipe, TrainedVae start, Datasets datasets);

}  // namespace starling::train
