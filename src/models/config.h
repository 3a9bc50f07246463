#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "base/result.h"

namespace starling::models {

// The configurations of a Wan model's parts, with the names and defaults of the JSON files that diffusers and
// transformers write. parse_* take such a file: keys that mean nothing here are passed over, settings that this program
// does not implement and values out of bounds are errors. write_* give JSON that those libraries load.

// UMT5EncoderModel: text_encoder/config.json.
struct Umt5Config {
  std::int64_t vocab_size = 256384;
  std::int64_t d_model = 4096;
  std::int64_t d_kv = 64;
  std::int64_t d_ff = 10240;
  std::int64_t num_layers = 24;
  std::int64_t num_heads = 64;
  std::int64_t relative_attention_num_buckets = 32;
  std::int64_t relative_attention_max_distance = 128;
  float layer_norm_epsilon = 1e-6F;
};

// Of a transformer whose blocks compute in integers of 8 bits (docs/models.md): from which model it was made.
struct Quantisation {
  base::Hash source;   // the root of that model
  base::Hash program;  // and of the program that made the weights of it (quantize.h)

  bool operator==(const Quantisation&) const = default;
};

// WanTransformer3DModel: transformer/config.json.
struct TransformerConfig {
  std::array<std::int64_t, 3> patch_size{1, 2, 2};  // frames, rows, columns of latents in one token
  std::int64_t num_attention_heads = 40;
  std::int64_t attention_head_dim = 128;
  std::int64_t in_channels = 16;
  std::int64_t out_channels = 16;
  std::int64_t text_dim = 4096;
  std::int64_t freq_dim = 256;
  std::int64_t ffn_dim = 13824;
  std::int64_t num_layers = 40;
  bool cross_attn_norm = true;
  float eps = 1e-6F;
  std::int64_t rope_max_seq_len = 1024;
  std::optional<Quantisation> quantisation;  // "quantization_config", ours alone; none: all is f32

  std::int64_t width() const { return num_attention_heads * attention_head_dim; }
};

// AutoencoderKLWan: vae/config.json.
struct VaeConfig {
  std::int64_t base_dim = 96;
  std::int64_t decoder_base_dim = 96;
  std::int64_t z_dim = 16;
  std::vector<std::int64_t> dim_mult{1, 2, 4, 4};
  std::int64_t num_res_blocks = 2;
  std::vector<bool> temperal_downsample{false, true, true};  // diffusers' spelling; one for each halving
  std::vector<float> latents_mean = std::vector<float>(16, 0.0F);
  std::vector<float> latents_std = std::vector<float>(16, 1.0F);
  bool is_residual = false;  // Wan 2.2's blocks with average-down and duplicate-up shortcuts
  std::int64_t in_channels = 3;
  std::int64_t out_channels = 3;
  std::int64_t patch_size = 1;  // pixels on a side that become channels before the first convolution

  std::int64_t levels() const { return static_cast<std::int64_t>(dim_mult.size()); }
  // Pixels and frames to one latent.
  std::int64_t spatial_stride() const { return patch_size << (levels() - 1); }
  std::int64_t temporal_stride() const;
  // Latent frames of a clip, and frames of so many latent frames. Clips have 1 + k * temporal_stride() frames.
  std::int64_t latent_frames(std::int64_t frames) const { return 1 + (frames - 1) / temporal_stride(); }
  std::int64_t frames(std::int64_t latent_frames) const { return 1 + (latent_frames - 1) * temporal_stride(); }
};

// FlowMatchEulerDiscreteScheduler, or UniPCMultistepScheduler with flow sigmas: scheduler/scheduler_config.json. Both
// describe the same noise schedule; Starling samples it with Euler steps.
struct SchedulerConfig {
  std::int64_t num_train_timesteps = 1000;
  float shift = 1.0F;
  float noise_mean_amplitude = 0.0F;  // latent_noise.h; ours alone, written if it is not 0
  // The steps that a model was distilled to, which need no guidance; 0: no such. Ours alone, written if it is not 0.
  std::int64_t student_steps = 0;
};

// model_index.json, which must name the pipeline and its five parts.
struct PipelineConfig {
  bool expand_timesteps = false;  // timesteps differ between tokens (Wan 2.2 TI2V)
};

base::Result<Umt5Config> parse_umt5_config(std::string_view json);
base::Result<TransformerConfig> parse_transformer_config(std::string_view json);
base::Result<VaeConfig> parse_vae_config(std::string_view json);
base::Result<SchedulerConfig> parse_scheduler_config(std::string_view json);
base::Result<PipelineConfig> parse_pipeline_config(std::string_view json);

std::string write_umt5_config(const Umt5Config& config);
std::string write_transformer_config(const TransformerConfig& config);
std::string write_vae_config(const VaeConfig& config);
std::string write_scheduler_config(const SchedulerConfig& config);
std::string write_pipeline_config(const PipelineConfig& config);

// What parsing checks, for configurations made in code.
base::Status validate(const Umt5Config& config);
base::Status validate(const TransformerConfig& config);
base::Status validate(const VaeConfig& config);
base::Status validate(const SchedulerConfig& config);

}  // namespace starling::models
