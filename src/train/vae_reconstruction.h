#pragma once

#include <vector>

#include "train/clip_shape.h"
#include "train/trained_vae.h"

namespace starling::train {

// Sends clips through an autoencoder and back.
class VaeReconstruction {
 public:
  // An error if clips of that shape do not fit the autoencoder's strides.
  static base::Result<VaeReconstruction> make(const TrainedVae& vae, const ClipShape& shape);

  // Frames × height × width × 3 bytes, RGB, to the same; by way of the posterior's mean.
  base::Result<std::vector<std::uint8_t>> run(exact::Engine& engine, const std::vector<std::uint8_t>& rgb);

 private:
  VaeReconstruction(exact::Plan plan, ClipShape shape) : plan_(std::move(plan)), shape_(shape) {}
  exact::Plan plan_;
  ClipShape shape_;
  std::vector<exact::Tensor> inputs_;
  std::size_t video_ = 0;
};

}  // namespace starling::train
