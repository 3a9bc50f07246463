#pragma once

#include <cstdint>
#include <vector>

#include "models/config.h"
#include "models/parameters.h"

namespace starling::models {

// The Wan video autoencoder, with the tensor names of diffusers' AutoencoderKLWan, in both its forms (2.1's, and 2.2's
// residual one). Everything is channels last: video f32[N, T, H, W, 3] in [-1, 1], latents f32[N, T', H', W', z].
//
// All convolutions are causal in time, so a clip may be worked off in parts. What a part hands to the next is a few
// frames in front of each convolution: graph outputs "cache.0", "cache.1", ... of a part that keeps them are the graph
// inputs of those names of the part that follows. Memory then does not grow with the clip. Parts give the same bits as
// the whole.
struct ClipPart {
  bool starts = true;  // begins at the clip's first frame; otherwise it has cache inputs
  bool keeps = false;  // has cache outputs, for a part that follows

  static ClipPart whole() { return {true, false}; }  // for training: gradients flow through the clip
  static ClipPart first() { return {true, true}; }
  static ClipPart later() { return {false, true}; }
};

// The posterior's mean and log-variance, f32[N, T', H', W', 2 z]: mean first. The video has 1 + k · temporal_stride
// frames when the part starts the clip, else k · temporal_stride; rows and columns are multiples of spatial_stride.
exact::Builder::Value vae_encode(Parameters& parameters, const VaeConfig& config, exact::Builder::Value video,
                                 ClipPart part);

// Work by tiles, for pictures whose caches would not fit into memory. What needs the whole picture (attention) is
// small: it is done for each part of the clip, and the rest for each part of each tile. A tile reads a margin of what
// lies around it, which shrinks with every convolution, so tiles give the same bits as the whole. Caches of a tile are
// its own.
struct VaeTile {
  std::int64_t row, rows, column, columns;  // in latents
};
// Encoding: f32[N, T', rows, columns, C] of a tile of the video, and the moments of all tiles' put together.
exact::Builder::Value vae_encode_tile(Parameters& parameters, const VaeConfig& config, exact::Builder::Value video,
                                      ClipPart part, const VaeTile& tile);
exact::Builder::Value vae_encode_top(Parameters& parameters, const VaeConfig& config, exact::Builder::Value coarse,
                                     ClipPart part);
// Decoding: f32[N, T', H', W', C] of a part, H' and W' as the latents.
exact::Builder::Value vae_decode_base(Parameters& parameters, const VaeConfig& config, exact::Builder::Value latents,
                                      ClipPart part);
// The pixels of a tile, from what vae_decode_base() gave of the part.
exact::Builder::Value vae_decode_tile(Parameters& parameters, const VaeConfig& config, exact::Builder::Value base,
                                      ClipPart part, const VaeTile& tile);
// The fewest tiles, row by row, of at most `most` latents each; larger ones where they would be narrower than the
// margin that they read.
std::vector<VaeTile> vae_tiles(const VaeConfig& config, std::int64_t rows, std::int64_t columns, std::int64_t most);

// The video of latents on the scale of the posterior's mean; not clamped to [-1, 1].
exact::Builder::Value vae_decode(Parameters& parameters, const VaeConfig& config, exact::Builder::Value latents,
                                 ClipPart part);

// (z − latents_mean) / latents_std per channel, the scale the transformer works on; and back.
exact::Builder::Value vae_normalize(exact::Builder& b, const VaeConfig& config, exact::Builder::Value latents);
exact::Builder::Value vae_denormalize(exact::Builder& b, const VaeConfig& config, exact::Builder::Value latents);

}  // namespace starling::models
