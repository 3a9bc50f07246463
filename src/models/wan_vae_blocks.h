#pragma once

#include <cstdint>

#include "models/layers.h"
#include "models/wan_vae.h"

namespace starling::models {

// Where what is worked on ends with the picture. On the other sides the picture goes on: there convolutions get no
// zeros and take a row or a column.
struct PictureEdges {
  bool top = true, bottom = true, left = true, right = true;
};

// The pieces that the autoencoder's two halves share. Values are f32[N, T, H, W, C].
class VaeBlocks {
 public:
  using Value = exact::Builder::Value;

  VaeBlocks(exact::Builder& b, ClipPart part, PictureEdges edges = {}) : b_(b), part_(part), edges_(edges) {}

  // A convolution over frames, rows and columns, of 3×3×3 with cached history, or of 1×1×1.
  Value causal_convolution(const Module& module, Value x, std::int64_t outputs, float gain = 1.0F);
  Value pointwise_convolution(const Module& module, Value x, std::int64_t outputs, const Initializer& weight,
                              const Initializer& bias);
  // x / ‖x‖ · √C · gamma over channels, then SiLU.
  Value norm_and_activate(const Module& module, Value x);
  Value residual_block(const Module& module, Value x, std::int64_t outputs);
  // Without its outer rows and columns, so many before and after, on the sides where the picture goes on.
  Value crop(Value x, std::int64_t before, std::int64_t after);
  Value crop(Value x, std::int64_t by) { return crop(x, by, by); }
  // Two residual blocks with attention within each frame between them.
  Value middle_block(const Module& module, Value x);

  // Halves rows and columns, and with `in_time` frames too (but for the clip's first, which stays alone).
  Value downsample(const Module& module, Value x, bool in_time);
  // Doubles rows and columns, and with `in_time` frames too (but for the clip's first).
  Value upsample(const Module& module, Value x, bool in_time, std::int64_t outputs);

  // 2.2's shortcuts: means over blocks of pixels and channels, and their repetition.
  Value average_down(Value x, std::int64_t outputs, std::int64_t time_factor, std::int64_t space_factor);
  Value duplicate_up(Value x, std::int64_t outputs, std::int64_t time_factor, std::int64_t space_factor);

 private:
  Value norm(const Module& module, Value x, int gamma_rank);
  Value attention_block(const Module& module, Value x);
  Value planar_convolution(const Module& module, Value x, std::int64_t outputs, std::int64_t stride,
                           const std::array<std::array<std::int64_t, 2>, 2>& pad);
  // Zeros above and below, left and right of what a kernel of 3 × 3 reads, where the picture ends.
  std::array<std::array<std::int64_t, 2>, 2> zeros() const;
  Value time_convolution(const Module& module, Value x, std::int64_t outputs, std::int64_t stride);
  // x with the `frames` frames before it: zeros at the clip's start, else a cache input. Keeps the last of them.
  Value with_history(Value x, std::int64_t frames);
  void keep(Value frames);
  Value cached(Value like, std::int64_t frames);

  exact::Builder& b_;
  ClipPart part_;
  PictureEdges edges_;
  int kept_ = 0;
  int taken_ = 0;
};

}  // namespace starling::models
