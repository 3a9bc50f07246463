#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "train/optimizer.h"

namespace starling::train {

// The learning rate over a run: a linear warm-up, flat, and at the end half a cosine down to a fraction of it.
struct Schedule {
  std::uint64_t steps = 1000;
  std::uint64_t warmup = 100;
  std::uint64_t decay = 500;  // the last steps, at most `steps`
  float rate = 1e-3F;
  float final_fraction = 0.02F;
};

// Of the update number `step`, counting from 0. The same bits on every machine.
float learning_rate(const Schedule& schedule, std::uint64_t step);
// The running average's decay: min(limit, (1 + step) / (10 + step)), so that the start is soon forgotten.
float average_decay(float limit, std::uint64_t step);

enum class ModelPart : std::uint8_t { kVae, kTransformer };

// Everything that decides the bits of a run beside the machine-independent program itself. Saved with every checkpoint;
// a run can be resumed only under the recipe it began with (may_resume).
struct Recipe {
  ModelPart part = ModelPart::kVae;
  std::uint64_t seed = 1;
  std::string source = "world";  // or a folder of clips
  std::int64_t world = 1;        // which version of it: 1 (first_world) or 2
  std::int64_t width = 64;       // pixels
  std::int64_t height = 64;
  std::int64_t frames = 17;
  std::int64_t frames_per_second = 8;
  std::int64_t batch = 8;      // samples of one gradient
  std::int64_t gradients = 1;  // averaged before an update
  Schedule schedule;
  OptimizerSettings optimizer;
  float average_decay = 0.998F;

  std::string start_hash;  // of the autoencoder or model that training starts from; empty: from nothing

  // --- VAE
  std::int64_t crop = 32;             // pixels on a side; multiples of the VAE's stride
  std::int64_t crops_per_clip = 2;    // taken from one rendered clip
  std::int64_t crop_candidates = 1;   // places drawn for each crop; the one where most is going on is taken
  std::int64_t channels = 32;         // of the widest picture inside, of a model that starts from nothing
  std::int64_t latent_channels = 16;  // likewise
  float absolute_weight = 1.0F;       // L1
  float square_weight = 2.0F;         // MSE
  float divergence_weight = 1e-5F;  // KL to N(0, 1), summed over a latent's elements and divided by the pixels' values

  std::int64_t decoder_only = 0;  // 1: the encoder, hence every latent, stays as it is

  // --- transformer
  std::string vae_hash;                    // of the trained autoencoder whose latents are learnt
  std::int64_t latent_clips = 32768;       // kept latents at the end of growth
  std::int64_t first_latent_clips = 4096;  // before the first step
  std::int64_t latent_clips_per_step = 1;  // added by each step
  std::string shapes;                      // other shapes of clips that gradients are drawn from (batch_shapes.h)
  std::int64_t window_permille = 0;        // of clips that are cut out of longer ones, where a shape has such
  std::int64_t blocks = 6;                 // of the transformer
  std::int64_t heads = 6;                  // of 32 channels each
  std::int64_t vocabulary = 512;           // pieces of the tokenizer
  std::int64_t text_length = 48;           // tokens, padded
  float shift = 4.0F;                      // of the noise schedule
  std::int64_t logit_normal_times = 0;     // 1: before the shift, times are sigmoid(N(0, 1)) instead of uniform
  float noise_mean_amplitude = 1.0F;       // models/latent_noise.h; goes into the model's scheduler
  std::int64_t draws_per_clip = 1;  // neighbouring samples of a gradient that are one clip with other times and noise
  std::int64_t drop_caption_permille = 100;
  std::int64_t clean_frames_permille = 300;  // of samples that get 1 to 3 clean latent frames
  // Of a model that learns to do in few steps what the one it starts from does in many (flow_loss.h):
  std::int64_t student_steps = 0;  // 0: no such
  std::int64_t teacher_steps = 8;  // within each of them
  float teacher_guidance = 3.0F;   // 1: none
};

// What the bundled model's recipes start from.
Recipe default_recipe(ModelPart part);

// JSON with one member for each field above.
std::string write_recipe(const Recipe& recipe);
// Unknown members and wrong types are errors; missing members keep default_recipe's values. Whether the values are in
// bounds and fit each other is for validate(), once nothing else will change them.
base::Result<Recipe> parse_recipe(std::string_view json);
base::Status validate(const Recipe& recipe);

// Whether a run that reached `step` under `begun` goes on under `wanted` to the same bits as an unbroken run under
// `wanted`: all is equal but the schedule's steps and decay, whose rates up to `step` must be equal too. The error
// names what differs.
base::Status may_resume(const Recipe& begun, const Recipe& wanted, std::uint64_t step);

}  // namespace starling::train
