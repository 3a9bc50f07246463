#pragma once

#include <array>
#include <string_view>

namespace starling::models {

// Names within a model's folder.
inline constexpr std::string_view kIndexFile = "model_index.json";
inline constexpr std::string_view kSchedulerFile = "scheduler/scheduler_config.json";
inline constexpr std::string_view kTokenizerFile = "tokenizer/spiece.model";
inline constexpr std::string_view kTokenizerConfigFile = "tokenizer/tokenizer_config.json";
inline constexpr std::string_view kKnownWordsFile = "tokenizer/known_words.txt";

// A component with weights: FOLDER/config.json and FOLDER/STEM.safetensors.
struct Component {
  std::string_view folder;
  std::string_view stem;
};
inline constexpr std::array<Component, 3> kComponents{
    {{"text_encoder", "model"}, {"transformer", "diffusion_pytorch_model"}, {"vae", "diffusion_pytorch_model"}}};

// transformers ties these two; a file may hold either.
inline constexpr std::string_view kEmbedding = "shared.weight";
inline constexpr std::string_view kTiedEmbedding = "encoder.embed_tokens.weight";

}  // namespace starling::models
