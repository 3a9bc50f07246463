#pragma once

#include <cstdint>

#include "models/wan_vae_blocks.h"

namespace starling::models {

// The levels of the autoencoder's two halves. Where the picture goes on beyond what is worked on, each takes from the
// margins that are there; how much, functions of the configuration say.

// Records why x cannot be coded, if it cannot: channels, rows and columns in multiples of `stride`, frames of
// `frame_step`.
bool fits(exact::Builder& b, const VaeConfig& config, exact::Builder::Value x, std::int64_t channels,
          std::int64_t stride, std::int64_t frame_step, ClipPart part);

// Pixel blocks as channels: channel c · p² + column · p + row. And back.
exact::Builder::Value patchify(exact::Builder& b, exact::Builder::Value x, std::int64_t p);
exact::Builder::Value unpatchify(exact::Builder& b, exact::Builder::Value x, std::int64_t p);

// --- the encoder: its start, its levels from the finest (0) on, all but the last of which halve the picture, its end

exact::Builder::Value encoder_start(const Module& root, VaeBlocks& blocks, const VaeConfig& config,
                                    exact::Builder::Value x);
exact::Builder::Value encoder_level(const Module& root, VaeBlocks& blocks, const VaeConfig& config,
                                    exact::Builder::Value x, std::int64_t level);
// Attention in it needs the whole picture.
exact::Builder::Value encoder_end(const Module& root, VaeBlocks& blocks, const VaeConfig& config,
                                  exact::Builder::Value x);
exact::Builder::Value quantised(const Module& root, VaeBlocks& blocks, const VaeConfig& config,
                                exact::Builder::Value moments);

std::int64_t encoder_width(const VaeConfig& config, std::int64_t level);

// --- the decoder: its start, its steps from the coarsest (0) on, all but the last of which double the picture, its end

exact::Builder::Value post_quantised(const Module& root, VaeBlocks& blocks, const VaeConfig& config,
                                     exact::Builder::Value latents);
// Attention in it needs the whole picture.
exact::Builder::Value decoder_start(const Module& root, VaeBlocks& blocks, const VaeConfig& config,
                                    exact::Builder::Value x);
exact::Builder::Value residual_blocks(const Module& root, VaeBlocks& blocks, const VaeConfig& config,
                                      exact::Builder::Value x, std::int64_t step);
// in: what the step began with, which the residual form adds; it has a margin of `more` beyond that of x.
exact::Builder::Value double_size(const Module& root, VaeBlocks& blocks, const VaeConfig& config,
                                  exact::Builder::Value in, exact::Builder::Value x, std::int64_t step,
                                  std::int64_t more);
exact::Builder::Value decoder_end(const Module& root, VaeBlocks& blocks, const VaeConfig& config,
                                  exact::Builder::Value x);

std::int64_t decoder_width(const VaeConfig& config, std::int64_t level);

// What the blocks of a step take from each side.
inline std::int64_t taken_by_blocks(const VaeConfig& config) { return 2 * (config.num_res_blocks + 1); }

}  // namespace starling::models
