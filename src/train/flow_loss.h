#pragma once

#include <vector>

#include "base/result.h"
#include "exact/graph.h"
#include "models/checkpoint.h"
#include "models/parameters.h"
#include "train/recipe.h"

namespace starling::train {

// What a transformer is trained to make small, as a graph with the output "loss". Inputs beside parameters, for clips
// [clips, frames', height', width', z]:
//   "latents"  f32, of that shape, as the autoencoder gives them
//   "noisy"    f32[clips, frames'], 0 for a frame that stays clean, else 1
//   "tokens"   i32[clips / draws_per_clip, L], "mask" f32 likewise, of the captions
//   "seed"     i32[2], of times and noise
struct FlowLoss {
  exact::Graph graph;
  std::vector<models::Parameter> trained;
  std::vector<models::Parameter> frozen;  // inputs that no gradient reaches
};

// Rectified flow, of the transformer and the text encoder together: x_t = (1 − σ)·x₀ + σ·ε, the model predicts ε − x₀
// at timestep 1000·σ, σ = shift·u / (1 + (shift − 1)·u). The mean square over all frames that are noisy.
base::Result<FlowLoss> flow_loss(const Recipe& recipe, const models::ModelConfig& config, const exact::Shape& clips);

// Progressive distillation (Salimans and Ho, "Progressive distillation for fast sampling of diffusion models", 2022,
// section 3), with guidance (Meng et al., "On distillation of guided diffusion models", 2023), of the transformer
// alone. Of the sampler's recipe.student_steps steps one is drawn, from σ to σ'. The teacher, whose weights are
// "teacher/NAME" among the frozen, goes from the clip at σ to σ' in recipe.teacher_steps steps of one length, each with
// guidance; the student learns the mean of its flows, with which one step ends where the teacher's do. Two more inputs:
//   "negative_tokens" i32[1, L], "negative_mask" f32[1, L]: of the text that guidance leads away from.
base::Result<FlowLoss> distilled_loss(const Recipe& recipe, const models::ModelConfig& config,
                                      const exact::Shape& clips);

}  // namespace starling::train
