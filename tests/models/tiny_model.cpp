#include "tiny_model.h"

#include "models/bundled.h"

namespace starling::models {

using exact::Tensor;

NewCheckpoint tiny_model() {
  NewCheckpoint model;
  const std::vector<std::string> sentences{"a red ball bounces", "a blue box slides", "红色的球弹跳", "the ball rolls"};
  model.tokenizer = *train_tokenizer(sentences, 64);
  for (const std::string& sentence : sentences) model.known_words.add(sentence);
  ModelConfig& config = model.config;
  config.pipeline = bundled_pipeline_config();
  config.scheduler = bundled_scheduler_config();
  config.text_encoder = bundled_umt5_config(64);
  config.text_encoder.d_model = 16;
  config.text_encoder.num_layers = 1;
  config.transformer = bundled_transformer_config();
  config.transformer.num_attention_heads = 2;
  config.transformer.attention_head_dim = 12;
  config.transformer.text_dim = 16;
  config.transformer.ffn_dim = 32;
  config.transformer.freq_dim = 16;
  config.transformer.num_layers = 2;
  config.vae = bundled_vae_config();
  config.vae.base_dim = 4;
  config.vae.decoder_base_dim = 4;
  config.text_length = 24;
  std::uint32_t state = 1;
  const auto parameters = model_parameters(config);
  for (const Parameter& parameter : *parameters) {
    std::vector<float> values(static_cast<std::size_t>(parameter.shape.elements()));
    for (float& value : values) {
      state = state * 1664525U + 1013904223U;
      value = static_cast<float>(static_cast<std::int32_t>(state)) * 0x1p-34F;
    }
    model.weights[parameter.name] = Tensor::from_f32(parameter.shape, values);
  }
  return model;
}

}  // namespace starling::models
