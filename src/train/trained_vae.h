#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "base/result.h"
#include "exact/engine.h"
#include "models/config.h"
#include "train/dataset.h"
#include "train/state.h"

namespace starling::train {

// A trained autoencoder as a component of diffusers' layout: FOLDER/config.json, with the mean and deviation of its
// latents, and FOLDER/diffusion_pytorch_model.safetensors in f16.
struct TrainedVae {
  models::VaeConfig config;
  NamedTensors weights;    // f32, by "vae/NAME"
  base::Hash hash;         // SHA-256 over the configuration as it is written and the weights in order of their names
  base::Hash latent_hash;  // the same over what latents depend on: without the decoder's weights
};

// Whether a parameter "vae/NAME" belongs to the half that makes latents.
bool is_encoder_parameter(std::string_view name);

base::Result<TrainedVae> load_vae(const std::filesystem::path& folder);
// Rounds the weights to f16 and writes the folder.
base::Status save_vae(const std::filesystem::path& folder, const models::VaeConfig& config,
                      const NamedTensors& weights);
// The same with latents_mean and latents_std measured over `clips` clips of the data set with the rounded weights.
base::Status measure_and_save_vae(exact::Engine& engine, const std::filesystem::path& folder, models::VaeConfig config,
                                  const NamedTensors& weights, const Dataset& dataset, const ClipShape& shape,
                                  std::int64_t clips);

// Encodes clips to the posterior's mean, a few at a time.
class VaeEncoder {
 public:
  static constexpr std::int64_t kClips = 4;

  static base::Result<VaeEncoder> make(const models::VaeConfig& config, const NamedTensors& weights,
                                       const ClipShape& shape);
  // f32[kClips, frames, height, width, 3] in [-1, 1] to f32[kClips, frames', height', width', z], not normalised.
  base::Result<exact::Tensor> encode(exact::Engine& engine, const exact::Tensor& video) const;
  // The same of clips first, first + 1, ... of a data set.
  static base::Result<exact::Tensor> draw(const Dataset& dataset, const ClipShape& shape, std::uint64_t first);

 private:
  explicit VaeEncoder(exact::Plan plan) : plan_(std::move(plan)) {}
  exact::Plan plan_;
  std::vector<exact::Tensor> inputs_;
  std::size_t video_ = 0;
};

}  // namespace starling::train
