#pragma once

#include <cstdint>
#include <vector>

namespace starling::generate {

// One Euler step of flow matching: the latent moves by (next_sigma - sigma) along the flow that is predicted at
// timestep.
struct Step {
  float timestep;
  float sigma;
  float next_sigma;
};

// The steps of FlowMatchEulerDiscreteScheduler (huggingface/diffusers), without dynamic shifting: timesteps evenly
// spaced from train_timesteps down to the smallest of training, both shifted; sigma = shift·s / (1 + (shift − 1)·s),
// the last next_sigma is 0. Computed in f64 with + - * / alone and rounded to f32 at the end, hence the same
// everywhere. Preconditions: steps, train_timesteps and shift are positive.
std::vector<Step> flow_match_euler(std::int64_t steps, std::int64_t train_timesteps, float shift);

}  // namespace starling::generate
