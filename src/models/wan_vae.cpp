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

std::int64_t decoder_width(const VaeConfig& config, std::int64_t level) {
  return config.decoder_base_dim * config.dim_mult[static_cast<std::size_t>(level)];
}

// Margins of a tile at the decoder's step i, i = 0 the coarsest: what is left of them before its doubling, or before
// the last convolution where it does not double.
std::int64_t margin_after(const VaeConfig& config, std::int64_t i);

// And before its blocks, each of which takes two.
std::int64_t margin_before(const VaeConfig& config, std::int64_t i) {
  return margin_after(config, i) + 2 * (config.num_res_blocks + 1);
}

std::int64_t margin_after(const VaeConfig& config, std::int64_t i) {
  if (i + 1 == config.levels()) return 1;
  const std::int64_t next = margin_before(config, i + 1);
  return (next + 2) / 2;  // the doubling's convolution takes one
}

// The blocks of one step, before what doubles.
Value residual_blocks(const Module& root, VaeBlocks& blocks, const VaeConfig& config, Value x, std::int64_t i) {
  const Module module = root.child("up_blocks", i);
  for (std::int64_t j = 0; j <= config.num_res_blocks; ++j) {
    x = blocks.residual_block(module.child("resnets", j), x, decoder_width(config, config.levels() - 1 - i));
  }
  return x;
}

// in: what the step began with.
Value double_size(const Module& root, VaeBlocks& blocks, const VaeConfig& config, Value in, Value x, std::int64_t i) {
  const std::int64_t levels = config.levels();
  if (i + 1 == levels) return x;
  const std::int64_t outputs = decoder_width(config, levels - 1 - i);
  const bool in_time = config.temperal_downsample[static_cast<std::size_t>(levels - 2 - i)];
  const Module module = root.child("up_blocks", i);
  if (!config.is_residual) return blocks.upsample(module.child("upsamplers.0"), x, in_time, outputs / 2);
  x = blocks.upsample(module.child("upsampler"), x, in_time, outputs);
  return root.builder().add(x, blocks.duplicate_up(in, outputs, in_time ? 2 : 1, 2));
}

// What the decoder begins with: its coarsest blocks, of which attention needs the whole picture.
Value decoder_start(const Module& root, VaeBlocks& blocks, const VaeConfig& config, Value x) {
  x = blocks.causal_convolution(root.child("conv_in"), x, decoder_width(config, config.levels() - 1));
  return blocks.middle_block(root.child("mid_block"), x);
}

Value decoder_end(const Module& root, VaeBlocks& blocks, const VaeConfig& config, Value x) {
  x = blocks.norm_and_activate(root.child("norm_out"), x);
  return blocks.causal_convolution(root.child("conv_out"), x, config.out_channels);
}

Value decoder(const Module& root, VaeBlocks& blocks, const VaeConfig& config, Value x) {
  x = decoder_start(root, blocks, config, x);
  for (std::int64_t i = 0; i < config.levels(); ++i) {
    const Value in = x;
    x = residual_blocks(root, blocks, config, x, i);
    x = double_size(root, blocks, config, in, x, i);
  }
  return decoder_end(root, blocks, config, x);
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

Value post_quantised(const Module& root, VaeBlocks& blocks, const VaeConfig& config, Value latents) {
  return blocks.pointwise_convolution(root.child("post_quant_conv"), latents, config.z_dim,
                                      Initializer::scaled(config.z_dim), Initializer::constant(0.0F));
}

// The tile's rows or columns (axis) with their margins, and whether the picture ends there.
Value with_margin(Builder& b, const VaeConfig& config, Value base, int axis, std::int64_t first, std::int64_t count,
                  bool& begins, bool& ends) {
  const std::int64_t size = b.size(base, axis);
  const std::int64_t margin = margin_after(config, 0);
  begins = first == 0;
  ends = first + count == size;
  if (count < 1 || (!begins && first < margin) || (!ends && first + count + margin > size)) {
    b.fail("a tile from " + std::to_string(first) + " on of " + std::to_string(count) + " latents does not leave " +
           std::to_string(margin) + " beside it of " + std::to_string(size));
    return base;
  }
  const std::int64_t before = begins ? 0 : margin;
  return b.slice(base, axis, first - before, before + count + (ends ? 0 : margin));
}

bool has_tiles(Builder& b, const VaeConfig& config) {
  if (config.is_residual) b.fail("an autoencoder of the residual form is not decoded by tiles");
  return b.ok();
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
  const Value in = post_quantised(root, blocks, config, latents);
  return unpatchify(b, decoder(root.child("decoder"), blocks, config, in), config.patch_size);
}

Value vae_decode_base(Parameters& parameters, const VaeConfig& config, Value latents, ClipPart part) {
  Builder& b = parameters.builder();
  const Builder::Scope scope(b, "vae_decode_base");
  if (!fits(b, config, latents, config.z_dim, 1, 1, part) || !has_tiles(b, config)) return latents;
  VaeBlocks blocks(b, part);
  const Module root(parameters);
  const Module decoder = root.child("decoder");
  const Value x = decoder_start(decoder, blocks, config, post_quantised(root, blocks, config, latents));
  return residual_blocks(decoder, blocks, config, x, 0);
}

Value vae_decode_tile(Parameters& parameters, const VaeConfig& config, Value base, ClipPart part, const VaeTile& tile) {
  Builder& b = parameters.builder();
  const Builder::Scope scope(b, "vae_decode_tile");
  const std::int64_t width = decoder_width(config, config.levels() - 1);
  if (!fits(b, config, base, width, 1, 1, part) || !has_tiles(b, config)) return base;
  PictureEdges edges;
  Value x = with_margin(b, config, base, 2, tile.row, tile.rows, edges.top, edges.bottom);
  x = with_margin(b, config, x, 3, tile.column, tile.columns, edges.left, edges.right);
  if (!b.ok()) return base;
  VaeBlocks blocks(b, part, edges);
  const Module decoder = Module(parameters).child("decoder");
  for (std::int64_t i = 0; i < config.levels(); ++i) {
    if (i > 0) x = residual_blocks(decoder, blocks, config, x, i);
    if (i + 1 == config.levels()) break;
    x = double_size(decoder, blocks, config, x, x, i);
    x = blocks.crop(x, 2 * margin_after(config, i) - 1 - margin_before(config, i + 1));
  }
  return unpatchify(b, decoder_end(decoder, blocks, config, x), config.patch_size);
}

std::vector<VaeTile> vae_tiles(const VaeConfig& config, std::int64_t rows, std::int64_t columns, std::int64_t most) {
  const std::int64_t least = margin_after(config, 0);
  std::int64_t down = 1;
  std::int64_t across = 1;
  const auto larger = [](std::int64_t size, std::int64_t pieces) { return (size + pieces - 1) / pieces; };
  while (larger(rows, down) * larger(columns, across) > most) {
    const bool cut_rows = rows / (down + 1) >= least;
    const bool cut_columns = columns / (across + 1) >= least;
    if (!cut_rows && !cut_columns) break;
    const bool taller = larger(rows, down) >= larger(columns, across);
    ++(cut_rows && (taller || !cut_columns) ? down : across);
  }
  std::vector<VaeTile> tiles;
  for (std::int64_t i = 0; i < down; ++i) {
    const std::int64_t row = i * rows / down;
    for (std::int64_t j = 0; j < across; ++j) {
      const std::int64_t column = j * columns / across;
      tiles.push_back({row, (i + 1) * rows / down - row, column, (j + 1) * columns / across - column});
    }
  }
  return tiles;
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
