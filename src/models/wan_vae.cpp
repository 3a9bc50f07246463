#include "models/wan_vae.h"

#include <vector>

#include "models/wan_vae_blocks.h"

namespace starling::models {
namespace {

using exact::Builder;
using exact::Shape;
using Value = Builder::Value;

// The log-variance a fresh encoder gives: samples then differ little from their mean.
constexpr float kFirstLogVariance = -5.0F;

// Pixel blocks as channels: channel c · p² + column · p + row.
Value patchify(Builder& b, Value x, std::int64_t p) {
  if (p == 1) return x;
  const Shape s = b.shape(x);
  const Value split = b.reshape(x, {s[0] * s[1], s[2] / p, p, s[3] / p, p, s[4]});
  return b.reshape(b.permute(split, {0, 1, 3, 5, 4, 2}), {s[0], s[1], s[2] / p, s[3] / p, s[4] * p * p});
}

Value unpatchify(Builder& b, Value x, std::int64_t p) {
  if (p == 1) return x;
  const Shape s = b.shape(x);
  const std::int64_t channels = s[4] / (p * p);
  const Value split = b.reshape(x, {s[0] * s[1], s[2], s[3], channels, p, p});
  return b.reshape(b.permute(split, {0, 1, 5, 2, 4, 3}), {s[0], s[1], s[2] * p, s[3] * p, channels});
}

Value encoder(const Module& root, VaeBlocks& blocks, const VaeConfig& config, Value x) {
  Builder& b = root.builder();
  x = blocks.causal_convolution(root.child("conv_in"), x, config.base_dim);
  std::int64_t flat_index = 0;  // 2.1's blocks are numbered through all levels
  for (std::int64_t level = 0; level < config.levels(); ++level) {
    const std::int64_t outputs = config.base_dim * config.dim_mult[static_cast<std::size_t>(level)];
    const bool halves = level + 1 < config.levels();
    const bool in_time = halves && config.temperal_downsample[static_cast<std::size_t>(level)];
    if (!config.is_residual) {
      for (std::int64_t i = 0; i < config.num_res_blocks; ++i) {
        x = blocks.residual_block(root.child("down_blocks", flat_index++), x, outputs);
      }
      if (halves) x = blocks.downsample(root.child("down_blocks", flat_index++), x, in_time);
      continue;
    }
    const Module module = root.child("down_blocks", level);
    const Value shortcut = blocks.average_down(x, outputs, in_time ? 2 : 1, halves ? 2 : 1);
    for (std::int64_t i = 0; i < config.num_res_blocks; ++i) {
      x = blocks.residual_block(module.child("resnets", i), x, outputs);
    }
    if (halves) x = blocks.downsample(module.child("downsampler"), x, in_time);
    x = b.add(x, shortcut);
  }
  x = blocks.middle_block(root.child("mid_block"), x);
  x = blocks.norm_and_activate(root.child("norm_out"), x);
  return blocks.causal_convolution(root.child("conv_out"), x, 2 * config.z_dim);
}

Value decoder(const Module& root, VaeBlocks& blocks, const VaeConfig& config, Value x) {
  Builder& b = root.builder();
  const auto width = [&](std::int64_t level) {
    return config.decoder_base_dim * config.dim_mult[static_cast<std::size_t>(level)];
  };
  const std::int64_t levels = config.levels();
  x = blocks.causal_convolution(root.child("conv_in"), x, width(levels - 1));
  x = blocks.middle_block(root.child("mid_block"), x);
  for (std::int64_t i = 0; i < levels; ++i) {
    const std::int64_t outputs = width(levels - 1 - i);
    const bool doubles = i + 1 < levels;
    const bool in_time = doubles && config.temperal_downsample[static_cast<std::size_t>(levels - 2 - i)];
    const Module module = root.child("up_blocks", i);
    const Value in = x;
    for (std::int64_t j = 0; j <= config.num_res_blocks; ++j) {
      x = blocks.residual_block(module.child("resnets", j), x, outputs);
    }
    if (!doubles) continue;
    if (config.is_residual) {
      x = blocks.upsample(module.child("upsampler"), x, in_time, outputs);
      x = b.add(x, blocks.duplicate_up(in, outputs, in_time ? 2 : 1, 2));
    } else {
      x = blocks.upsample(module.child("upsamplers.0"), x, in_time, outputs / 2);
    }
  }
  x = blocks.norm_and_activate(root.child("norm_out"), x);
  return blocks.causal_convolution(root.child("conv_out"), x, config.out_channels);
}

// Records why x cannot be coded, if it cannot.
bool fits(Builder& b, const VaeConfig& config, Value x, std::int64_t channels, std::int64_t stride,
          std::int64_t frame_step, ClipPart part) {
  if (const base::Status status = validate(config); !status.ok()) b.fail(status.error().message);
  if (!b.ok()) return false;
  const Shape& s = b.shape(x);
  const std::int64_t extra = part.starts ? 1 : 0;
  if (s.rank() == 5 && s[4] == channels && s[2] % stride == 0 && s[3] % stride == 0 && s[1] >= 1 &&
      (s[1] - extra) % frame_step == 0) {
    return true;
  }
  b.fail(s.text() + " must be [clips, frames, rows, columns, " + std::to_string(channels) + "] with frames " +
         (part.starts ? "1 + " : "") + "a multiple of " + std::to_string(frame_step) +
         ", rows and columns multiples of " + std::to_string(stride));
  return false;
}

}  // namespace

Value vae_encode(Parameters& parameters, const VaeConfig& config, Value video, ClipPart part) {
  Builder& b = parameters.builder();
  const Builder::Scope scope(b, "vae_encode");
  const std::int64_t channels = config.in_channels / (config.patch_size * config.patch_size);
  if (!fits(b, config, video, channels, config.spatial_stride(), config.temporal_stride(), part)) return video;
  VaeBlocks blocks(b, part);
  const Module root(parameters);
  const Value moments = encoder(root.child("encoder"), blocks, config, patchify(b, video, config.patch_size));
  return blocks.pointwise_convolution(root.child("quant_conv"), moments, 2 * config.z_dim,
                                      Initializer::scaled(2 * config.z_dim), {{0.0F, kFirstLogVariance}, 0.0F});
}

Value vae_decode(Parameters& parameters, const VaeConfig& config, Value latents, ClipPart part) {
  Builder& b = parameters.builder();
  const Builder::Scope scope(b, "vae_decode");
  if (!fits(b, config, latents, config.z_dim, 1, 1, part)) return latents;
  VaeBlocks blocks(b, part);
  const Module root(parameters);
  const Value in = blocks.pointwise_convolution(root.child("post_quant_conv"), latents, config.z_dim,
                                                Initializer::scaled(config.z_dim), Initializer::constant(0.0F));
  return unpatchify(b, decoder(root.child("decoder"), blocks, config, in), config.patch_size);
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
