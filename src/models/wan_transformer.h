#pragma once

#include <vector>

#include "models/config.h"
#include "models/parameters.h"

namespace starling::models {

// The keys and values that one block's cross-attention makes of the text. They do not depend on the timestep, so a
// sampler makes them once for a prompt.
struct TextContext {
  exact::Builder::Value key;               // f32[B, heads, L, head_dim]
  exact::Builder::Value value_transposed;  // f32[B, heads, head_dim, L]
};

// One for each block, from text f32[B, L, text_dim].
std::vector<TextContext> wan_text_contexts(Parameters& parameters, const TransformerConfig& config,
                                           exact::Builder::Value text);

// The Wan diffusion transformer, with the tensor names of diffusers' WanTransformer3DModel.
//   latents    f32[B, T, H, W, in_channels], channels last; sizes are multiples of patch_size.
//   timesteps  f32[B, F], in [0, num_train_timesteps]: F = T / patch_size[0], one for each frame of tokens
//              (expand_timesteps), or F = 1, one for the whole clip.
//   contexts   of wan_text_contexts(), of B texts, or of fewer that divide B: neighbouring clips then share one.
// Gives the predicted flow (noise − data), f32[B, T, H, W, out_channels].
//
// Rotary positions: diffusers rotates channels (2i, 2i + 1) of a head and leaves them there; here the rotated even
// channels come first, then the odd ones, in q and k alike, which leaves every q·k the same.
exact::Builder::Value wan_transformer(Parameters& parameters, const TransformerConfig& config,
                                      exact::Builder::Value latents, exact::Builder::Value timesteps,
                                      const std::vector<TextContext>& contexts);

// Channels of a head that turn with the frame, the row and the column.
std::array<std::int64_t, 3> rotary_channels(std::int64_t head_dim);

}  // namespace starling::models
