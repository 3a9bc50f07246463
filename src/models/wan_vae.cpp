#include "models/wan_vae.h"

#include "models/wan_vae_levels.h"

namespace starling::models {

using exact::Builder;
using Value = Builder::Value;

Value vae_encode(Parameters& parameters, const VaeConfig& config, Value video, ClipPart part) {
  Builder& b = parameters.builder();
  const Builder::Scope scope(b, "vae_encode");
  const std::int64_t channels = config.in_channels / (config.patch_size * config.patch_size);
  if (!fits(b, config, video, channels, config.spatial_stride(), config.temporal_stride(), part)) return video;
  VaeBlocks blocks(b, part);
  const Module root(parameters);
  const Module encoder = root.child("encoder");
  Value x = encoder_start(encoder, blocks, config, patchify(b, video, config.patch_size));
  for (std::int64_t level = 0; level < config.levels(); ++level) x = encoder_level(encoder, blocks, config, x, level);
  return quantised(root, blocks, config, encoder_end(encoder, blocks, config, x));
}

Value vae_decode(Parameters& parameters, const VaeConfig& config, Value latents, ClipPart part) {
  Builder& b = parameters.builder();
  const Builder::Scope scope(b, "vae_decode");
  if (!fits(b, config, latents, config.z_dim, 1, 1, part)) return latents;
  VaeBlocks blocks(b, part);
  const Module root(parameters);
  const Module decoder = root.child("decoder");
  Value x = decoder_start(decoder, blocks, config, post_quantised(root, blocks, config, latents));
  for (std::int64_t step = 0; step < config.levels(); ++step) {
    const Value in = x;
    x = residual_blocks(decoder, blocks, config, x, step);
    x = double_size(decoder, blocks, config, in, x, step, taken_by_blocks(config));
  }
  return unpatchify(b, decoder_end(decoder, blocks, config, x), config.patch_size);
}

Value vae_normalize(Builder& b, const VaeConfig& config, Value latents) {
  const int rank = b.shape(latents).rank();
  const Value mean = b.broadcast_last(constant(b, config.latents_mean), rank);
  return b.div(b.sub(latents, mean), b.broadcast_last(constant(b, config.latents_std), rank));
}

Value vae_denormalize(Builder& b, const VaeConfig& config, Value latents) {
  const int rank = b.shape(latents).rank();
  const Value mean = b.broadcast_last(constant(b, config.latents_mean), rank);
  return b.fma(latents, b.broadcast_last(constant(b, config.latents_std), rank), mean);
}

}  // namespace starling::models
