#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "exact/engine.h"
#include "exact/operators.h"

namespace starling::cli {

// Parts of a Wan-2.1-1.3B-shaped model on weights that nobody trained: speed does not depend on their values.

struct ModelTime {
  double seconds = 0.0;  // median: of what the process ran with one thread, of the clock's with more
  exact::Work work;
  std::uint64_t weight_bytes = 0;   // as the engine reads them
  std::uint64_t planned_bytes = 0;  // call outputs and scratch at the worst moment
};

// Self-attention of one clip.
base::Result<ModelTime> time_attention(exact::Engine& engine, std::int64_t tokens, std::int64_t heads,
                                       std::int64_t width, bool quantised, int rounds);

// One denoising step without guidance, from f32[1, frames, 2 · rows, 2 · columns, 16] latents and text of 512 tokens.
// `blocks` of the model's 30; quantised: their linear layers and attention in integers of 8 bits.
struct StepSize {
  std::int64_t blocks, frames, rows, columns;
  bool quantised;
};
base::Result<ModelTime> time_step(exact::Engine& engine, const StepSize& size, int rounds);

// The autoencoder's decoder, in the parts that a video of that size is made in.
base::Result<ModelTime> time_decode(exact::Engine& engine, std::int64_t frames, std::int64_t height, std::int64_t width,
                                    int rounds);

}  // namespace starling::cli
