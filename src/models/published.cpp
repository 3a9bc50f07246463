#include "models/published.h"

namespace starling::models {

ModelConfig wan_2_1_t2v_1_3b_config() {
  ModelConfig config;
  config.pipeline = {};
  config.scheduler.shift = 3.0F;
  config.text_encoder = {};  // the defaults are UMT5-XXL's
  config.transformer.num_attention_heads = 12;
  config.transformer.attention_head_dim = 128;
  config.transformer.ffn_dim = 8960;
  config.transformer.num_layers = 30;
  // AutoencoderKLWan's defaults.
  config.vae.latents_mean = {-0.7571F, -0.7089F, -0.9113F, 0.1075F,  -0.1745F, 0.9653F,  -0.1517F, 1.5508F,
                             0.4134F,  -0.0715F, 0.5517F,  -0.3632F, -0.1922F, -0.9497F, 0.2503F,  -0.2921F};
  config.vae.latents_std = {2.8184F, 1.4541F, 2.3275F, 2.6558F, 1.2196F, 1.7708F, 2.6052F, 2.0743F,
                            3.2687F, 2.1526F, 2.8652F, 1.5579F, 1.6382F, 1.1253F, 2.8251F, 1.9160F};
  config.text_length = 512;
  return config;
}

}  // namespace starling::models
