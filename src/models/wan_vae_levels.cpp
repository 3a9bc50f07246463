#include "models/wan_vae_levels.h"

#include <string>

namespace starling::models {

using exact::Builder;
using exact::Shape;
using Value = Builder::Value;

namespace {

// The log-variance a fresh encoder gives: samples then differ little from their mean.
constexpr float kFirstLogVariance = -5.0F;

}  // namespace

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

// --- the encoder

std::int64_t encoder_width(const VaeConfig& config, std::int64_t level) {
  return config.base_dim * config.dim_mult[static_cast<std::size_t>(level)];
}

Value encoder_start(const Module& root, VaeBlocks& blocks, const VaeConfig& config, Value x) {
  return blocks.causal_convolution(root.child("conv_in"), x, config.base_dim);
}

Value encoder_level(const Module& root, VaeBlocks& blocks, const VaeConfig& config, Value x, std::int64_t level) {
  const std::int64_t outputs = encoder_width(config, level);
  const bool halves = level + 1 < config.levels();
  const bool in_time = halves && config.temperal_downsample[static_cast<std::size_t>(level)];
  if (!config.is_residual) {
    // Numbered through all levels.
    std::int64_t index = level * (config.num_res_blocks + 1);
    for (std::int64_t i = 0; i < config.num_res_blocks; ++i) {
      x = blocks.residual_block(root.child("down_blocks", index++), x, outputs);
    }
    return halves ? blocks.downsample(root.child("down_blocks", index), x, in_time) : x;
  }
  const Module module = root.child("down_blocks", level);
  const std::int64_t taken = 2 * config.num_res_blocks;
  const Value within = blocks.crop(x, taken, halves ? taken + 1 : taken);
  const Value shortcut = blocks.average_down(within, outputs, in_time ? 2 : 1, halves ? 2 : 1);
  for (std::int64_t i = 0; i < config.num_res_blocks; ++i) {
    x = blocks.residual_block(module.child("resnets", i), x, outputs);
  }
  if (halves) x = blocks.downsample(module.child("downsampler"), x, in_time);
  return root.builder().add(x, shortcut);
}

Value encoder_end(const Module& root, VaeBlocks& blocks, const VaeConfig& config, Value x) {
  x = blocks.middle_block(root.child("mid_block"), x);
  x = blocks.norm_and_activate(root.child("norm_out"), x);
  return blocks.causal_convolution(root.child("conv_out"), x, 2 * config.z_dim);
}

Value quantised(const Module& root, VaeBlocks& blocks, const VaeConfig& config, Value moments) {
  return blocks.pointwise_convolution(root.child("quant_conv"), moments, 2 * config.z_dim,
                                      Initializer::scaled(2 * config.z_dim), {{0.0F, kFirstLogVariance}, 0.0F});
}

// --- the decoder

std::int64_t decoder_width(const VaeConfig& config, std::int64_t level) {
  return config.decoder_base_dim * config.dim_mult[static_cast<std::size_t>(level)];
}

Value post_quantised(const Module& root, VaeBlocks& blocks, const VaeConfig& config, Value latents) {
  return blocks.pointwise_convolution(root.child("post_quant_conv"), latents, config.z_dim,
                                      Initializer::scaled(config.z_dim), Initializer::constant(0.0F));
}

Value decoder_start(const Module& root, VaeBlocks& blocks, const VaeConfig& config, Value x) {
  x = blocks.causal_convolution(root.child("conv_in"), x, decoder_width(config, config.levels() - 1));
  return blocks.middle_block(root.child("mid_block"), x);
}

Value residual_blocks(const Module& root, VaeBlocks& blocks, const VaeConfig& config, Value x, std::int64_t step) {
  const Module module = root.child("up_blocks", step);
  for (std::int64_t j = 0; j <= config.num_res_blocks; ++j) {
    x = blocks.residual_block(module.child("resnets", j), x, decoder_width(config, config.levels() - 1 - step));
  }
  return x;
}

Value double_size(const Module& root, VaeBlocks& blocks, const VaeConfig& config, Value in, Value x, std::int64_t step,
                  std::int64_t more) {
  const std::int64_t levels = config.levels();
  if (step + 1 == levels) return x;
  const std::int64_t outputs = decoder_width(config, levels - 1 - step);
  const bool in_time = config.temperal_downsample[static_cast<std::size_t>(levels - 2 - step)];
  const Module module = root.child("up_blocks", step);
  if (!config.is_residual) return blocks.upsample(module.child("upsamplers.0"), x, in_time, outputs / 2);
  x = blocks.upsample(module.child("upsampler"), x, in_time, outputs);
  const Value doubled = blocks.duplicate_up(blocks.crop(in, more), outputs, in_time ? 2 : 1, 2);
  return root.builder().add(x, blocks.crop(doubled, 1));
}

Value decoder_end(const Module& root, VaeBlocks& blocks, const VaeConfig& config, Value x) {
  x = blocks.norm_and_activate(root.child("norm_out"), x);
  return blocks.causal_convolution(root.child("conv_out"), x, config.out_channels);
}

}  // namespace starling::models
