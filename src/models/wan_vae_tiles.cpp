#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "models/wan_vae_levels.h"

namespace starling::models {

using exact::Builder;
using Value = Builder::Value;

namespace {

// What a tile reads before and after its own rows or columns.
struct Margin {
  std::int64_t before = 0;
  std::int64_t after = 0;
};

// --- margins of the decoder, alike on all sides

// At step i, i = 0 the coarsest: what is left before its doubling, or before the last convolution where it does not
// double.
std::int64_t margin_after(const VaeConfig& config, std::int64_t i);

// And before its blocks.
std::int64_t margin_before(const VaeConfig& config, std::int64_t i) {
  return margin_after(config, i) + taken_by_blocks(config);
}

std::int64_t margin_after(const VaeConfig& config, std::int64_t i) {
  if (i + 1 == config.levels()) return 1;
  const std::int64_t next = margin_before(config, i + 1);
  return (next + 2) / 2;  // the doubling's convolution takes one
}

// --- margins of the encoder, in pixels

// Its convolutions of stride 2 read one more after than before; so wholes of 2 stay in their places.
Margin encoder_margin(const VaeConfig& config) {
  Margin margin;
  const std::int64_t taken = 2 * config.num_res_blocks;
  for (std::int64_t level = config.levels() - 2; level >= 0; --level) {
    margin = {2 * margin.before + taken, 2 * margin.after + 1 + taken};
  }
  return {(margin.before + 1) * config.patch_size, (margin.after + 1) * config.patch_size};
}

// --- tiles

// The rows or columns (axis) [first, first + count) with margins, and whether the picture ends there.
Value with_margin(Builder& b, Value whole, int axis, std::int64_t first, std::int64_t count, const Margin& margin,
                  bool& begins, bool& ends) {
  const std::int64_t size = b.size(whole, axis);
  begins = first == 0;
  ends = first + count == size;
  if (count < 1 || (!begins && first < margin.before) || (!ends && first + count + margin.after > size)) {
    b.fail("a tile from " + std::to_string(first) + " on of " + std::to_string(count) + " does not leave " +
           std::to_string(margin.before) + " before and " + std::to_string(margin.after) + " after it of " +
           std::to_string(size));
    return whole;
  }
  const std::int64_t before = begins ? 0 : margin.before;
  return b.slice(whole, axis, first - before, before + count + (ends ? 0 : margin.after));
}

// The tile, of which a latent is `side` numbers on a side.
Value tile_of(Builder& b, Value whole, const VaeTile& tile, std::int64_t side, const Margin& margin,
              PictureEdges& edges) {
  const Value rows = with_margin(b, whole, 2, tile.row * side, tile.rows * side, margin, edges.top, edges.bottom);
  if (!b.ok()) return whole;
  return with_margin(b, rows, 3, tile.column * side, tile.columns * side, margin, edges.left, edges.right);
}

}  // namespace

Value vae_encode_tile(Parameters& parameters, const VaeConfig& config, Value video, ClipPart part,
                      const VaeTile& tile) {
  Builder& b = parameters.builder();
  const Builder::Scope scope(b, "vae_encode_tile");
  const std::int64_t channels = config.in_channels / (config.patch_size * config.patch_size);
  const std::int64_t side = config.spatial_stride();
  if (!fits(b, config, video, channels, side, config.temporal_stride(), part)) return video;
  PictureEdges edges;
  const Value within = tile_of(b, video, tile, side, encoder_margin(config), edges);
  if (!b.ok()) return video;
  VaeBlocks blocks(b, part, edges);
  const Module encoder = Module(parameters).child("encoder");
  Value x = encoder_start(encoder, blocks, config, patchify(b, within, config.patch_size));
  for (std::int64_t level = 0; level + 1 < config.levels(); ++level) {
    x = encoder_level(encoder, blocks, config, x, level);
  }
  return x;
}

Value vae_encode_top(Parameters& parameters, const VaeConfig& config, Value coarse, ClipPart part) {
  Builder& b = parameters.builder();
  const Builder::Scope scope(b, "vae_encode_top");
  const std::int64_t last = config.levels() - 1;
  const std::int64_t channels = last > 0 ? encoder_width(config, last - 1) : config.base_dim;
  if (!fits(b, config, coarse, channels, 1, 1, part)) return coarse;
  VaeBlocks blocks(b, part);
  const Module root(parameters);
  const Module encoder = root.child("encoder");
  const Value x = encoder_level(encoder, blocks, config, coarse, last);
  return quantised(root, blocks, config, encoder_end(encoder, blocks, config, x));
}

Value vae_decode_base(Parameters& parameters, const VaeConfig& config, Value latents, ClipPart part) {
  Builder& b = parameters.builder();
  const Builder::Scope scope(b, "vae_decode_base");
  if (!fits(b, config, latents, config.z_dim, 1, 1, part)) return latents;
  VaeBlocks blocks(b, part);
  const Module root(parameters);
  const Module decoder = root.child("decoder");
  const Value in = decoder_start(decoder, blocks, config, post_quantised(root, blocks, config, latents));
  const Value x = residual_blocks(decoder, blocks, config, in, 0);
  return config.is_residual ? b.concat({x, in}, 4) : x;
}

Value vae_decode_tile(Parameters& parameters, const VaeConfig& config, Value base, ClipPart part, const VaeTile& tile) {
  Builder& b = parameters.builder();
  const Builder::Scope scope(b, "vae_decode_tile");
  const std::int64_t width = decoder_width(config, config.levels() - 1);
  if (!fits(b, config, base, config.is_residual ? 2 * width : width, 1, 1, part)) return base;
  PictureEdges edges;
  const std::int64_t margin = margin_after(config, 0);
  const Value within = tile_of(b, base, tile, 1, {margin, margin}, edges);
  if (!b.ok()) return base;
  VaeBlocks blocks(b, part, edges);
  const Module decoder = Module(parameters).child("decoder");
  Value x = config.is_residual ? b.slice(within, 4, 0, width) : within;
  Value in = config.is_residual ? b.slice(within, 4, width, width) : within;
  for (std::int64_t i = 0; i < config.levels(); ++i) {
    if (i > 0) {
      in = x;
      x = residual_blocks(decoder, blocks, config, x, i);
    }
    if (i + 1 == config.levels()) break;
    x = double_size(decoder, blocks, config, in, x, i, i == 0 ? 0 : taken_by_blocks(config));
    x = blocks.crop(x, 2 * margin_after(config, i) - 1 - margin_before(config, i + 1));
  }
  return unpatchify(b, decoder_end(decoder, blocks, config, x), config.patch_size);
}

std::vector<VaeTile> vae_tiles(const VaeConfig& config, std::int64_t rows, std::int64_t columns, std::int64_t most) {
  const std::int64_t side = config.spatial_stride();
  const std::int64_t least = std::max(margin_after(config, 0), (encoder_margin(config).after + side - 1) / side);
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

}  // namespace starling::models
