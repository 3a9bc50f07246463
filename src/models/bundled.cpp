#include "models/bundled.h"

namespace starling::models {

VaeConfig bundled_vae_config() {
  VaeConfig config;
  config.base_dim = 32;
  config.decoder_base_dim = 32;
  config.z_dim = 16;
  config.dim_mult = {1, 2, 2};  // 32/64/64 both ways
  config.num_res_blocks = 1;
  config.temperal_downsample = {true, true};
  config.is_residual = true;
  config.patch_size = 2;
  config.in_channels = 12;
  config.out_channels = 12;
  return config;
}

Umt5Config bundled_umt5_config(std::int64_t vocab_size) {
  Umt5Config config;
  config.vocab_size = vocab_size;
  config.d_model = 128;
  config.d_kv = 32;
  config.num_heads = 4;
  config.d_ff = 256;
  config.num_layers = 2;
  return config;
}

TransformerConfig bundled_transformer_config() {
  TransformerConfig config;
  config.num_attention_heads = 6;
  config.attention_head_dim = 32;
  config.in_channels = 16;
  config.out_channels = 16;
  config.text_dim = 128;
  config.freq_dim = 256;
  config.ffn_dim = 768;
  config.num_layers = 6;
  return config;
}

SchedulerConfig bundled_scheduler_config() { return {1000, 4.0F, 1.0F}; }

PipelineConfig bundled_pipeline_config() { return {true}; }

}  // namespace starling::models
