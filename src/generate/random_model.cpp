#include "generate/random_model.h"

#include <array>

#include "models/bundled.h"
#include "models/parameters.h"

namespace starling::generate {
namespace {

models::ModelConfig model_config(RandomModelSize size, std::int64_t vocabulary) {
  models::ModelConfig config;
  config.pipeline = models::bundled_pipeline_config();
  config.scheduler = models::bundled_scheduler_config();
  config.text_encoder = models::bundled_umt5_config(vocabulary);
  config.transformer = models::bundled_transformer_config();
  config.vae = models::bundled_vae_config();
  config.text_length = models::kBundledTextLength;
  if (size == RandomModelSize::kTiny) {
    config.text_encoder.d_model = 16;
    config.text_encoder.d_kv = 8;
    config.text_encoder.num_heads = 2;
    config.text_encoder.d_ff = 32;
    config.text_encoder.num_layers = 1;
    config.transformer.num_attention_heads = 2;
    config.transformer.attention_head_dim = 12;
    config.transformer.text_dim = 16;
    config.transformer.freq_dim = 16;
    config.transformer.ffn_dim = 32;
    config.transformer.num_layers = 2;
    config.vae.base_dim = 4;
    config.vae.decoder_base_dim = 4;
  }
  return config;
}

}  // namespace

base::Result<models::NewCheckpoint> random_model(RandomModelSize size, std::span<const std::string> sentences,
                                                 std::uint64_t seed, exact::Engine& engine) {
  models::NewCheckpoint model;
  STARLING_ASSIGN(model.tokenizer, models::train_tokenizer(sentences, models::kBundledVocabulary));
  STARLING_ASSIGN(const models::Tokenizer tokenizer, models::Tokenizer::load(model.tokenizer));
  for (const std::string& sentence : sentences) model.known_words.add(sentence);
  model.config = model_config(size, tokenizer.vocab_size());
  STARLING_ASSIGN(std::vector<models::Parameter> parameters, models::model_parameters(model.config));
  // Layers that start at zero, such as the transformer's last, would hide everything before them.
  constexpr float kSpread = 0.05F;
  for (models::Parameter& parameter : parameters) {
    if (parameter.initial.deviation == 0.0F) parameter.initial.deviation = kSpread;
  }
  STARLING_ASSIGN(exact::Graph graph, models::initialization_graph(parameters));
  STARLING_ASSIGN(const exact::Plan plan, exact::Plan::make(std::move(graph)));
  const std::array<std::int32_t, 2> halves{static_cast<std::int32_t>(static_cast<std::uint32_t>(seed)),
                                           static_cast<std::int32_t>(static_cast<std::uint32_t>(seed >> 32U))};
  const std::array<exact::Tensor, 1> inputs{exact::Tensor::from_i32({2}, halves)};
  STARLING_ASSIGN(const std::vector<exact::Tensor> values, engine.run(plan, inputs));
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    model.weights.emplace(plan.graph().outputs()[i].name, values[i]);
  }
  return model;
}

}  // namespace starling::generate
