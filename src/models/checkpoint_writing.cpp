#include <algorithm>
#include <cmath>
#include <system_error>

#include "base/file.h"
#include "base/json.h"
#include "models/checkpoint.h"
#include "models/model_layout.h"

namespace starling::models {
namespace {

using exact::Tensor;
using exact::Type;

// What transformers needs to load spiece.model as T5's tokenizer, without T5's hundred sentinels.
std::string tokenizer_config(std::int64_t text_length) {
  base::Json object = base::Json::empty_object();
  object.set("tokenizer_class", "T5Tokenizer");
  object.set("model_max_length", text_length);
  object.set("extra_ids", 0);
  object.set("pad_token", "<pad>");
  object.set("eos_token", "</s>");
  object.set("unk_token", "<unk>");
  return object.to_text(2) + "\n";
}

base::Result<Tensor> stored(const std::string& name, const Tensor& weight, Type storage) {
  const auto is_finite = [](const Tensor& tensor) {
    return std::ranges::all_of(tensor.f32(), [](float value) { return std::isfinite(value); });
  };
  if (weight.type() != Type::kF32) return weight;
  Tensor out = weight;
  Tensor back = weight;
  if (storage != Type::kF32) {
    STARLING_ASSIGN(out, weight.rounded(storage));
    STARLING_ASSIGN(back, out.widened());
  }
  if (is_finite(back)) return out;
  return base::Error{base::ErrorCode::kNonFinite,
                     "weight '" + name + "' is not finite as " + exact::type_name(storage) + "; it cannot be stored."};
}

base::Status check_weights(const NewCheckpoint& checkpoint) {
  STARLING_ASSIGN(const std::vector<Parameter> parameters, model_parameters(checkpoint.config));
  for (const Parameter& parameter : parameters) {
    const auto found = checkpoint.weights.find(parameter.name);
    if (found == checkpoint.weights.end() || !(found->second.shape() == parameter.shape) ||
        !is_stored_as(found->second.type(), parameter.type)) {
      return base::invalid("a checkpoint needs weight '" + parameter.name + "' as " + exact::type_name(parameter.type) +
                           " " + parameter.shape.text() + ".");
    }
  }
  if (parameters.size() == checkpoint.weights.size()) return {};
  return base::invalid("a checkpoint may not hold weights that its configuration has no use for.");
}

base::Status write_component(const std::filesystem::path& folder, const Component& component,
                             const NewCheckpoint& checkpoint) {
  const std::string prefix = std::string(component.folder) + "/";
  std::vector<TensorSource> sources;
  for (auto it = checkpoint.weights.lower_bound(prefix);
       it != checkpoint.weights.end() && it->first.starts_with(prefix); ++it) {
    const Type type = it->second.type() == Type::kF32 ? checkpoint.storage : it->second.type();
    sources.push_back({it->first.substr(prefix.size()), type, it->second.shape(),
                       [&weight = *it, type] { return stored(weight.first, weight.second, type); }});
  }
  return write_weights(folder / component.folder, std::string(component.stem), std::move(sources),
                       checkpoint.max_file_bytes);
}

}  // namespace

base::Status write_checkpoint(const std::filesystem::path& folder, const NewCheckpoint& checkpoint) {
  if (checkpoint.storage != Type::kF32 && checkpoint.storage != Type::kBf16 && checkpoint.storage != Type::kF16) {
    return base::invalid("weights are stored as f32, bf16 or f16.");
  }
  STARLING_TRY(check_weights(checkpoint));
  STARLING_ASSIGN(const Tokenizer tokenizer, Tokenizer::load(checkpoint.tokenizer));
  const ModelConfig& config = checkpoint.config;
  if (tokenizer.vocab_size() > config.text_encoder.vocab_size) {
    return base::invalid("the tokenizer has more pieces than the text encoder.");
  }
  for (const char* part : {"scheduler", "text_encoder", "tokenizer", "transformer", "vae"}) {
    STARLING_TRY(base::make_directories(folder / part));
  }
  std::error_code error;
  std::filesystem::remove(folder / kIndexFile, error);
  if (error) return base::io_error("cannot replace the model in " + folder.string() + ": " + error.message() + ".");

  const auto write = [&](std::string_view name, std::string_view text) {
    return base::write_file(folder / name, base::as_bytes(text));
  };
  STARLING_TRY(write(kSchedulerFile, write_scheduler_config(config.scheduler)));
  STARLING_TRY(write("text_encoder/config.json", write_umt5_config(config.text_encoder)));
  STARLING_TRY(write("transformer/config.json", write_transformer_config(config.transformer)));
  STARLING_TRY(write("vae/config.json", write_vae_config(config.vae)));
  STARLING_TRY(write(kTokenizerConfigFile, tokenizer_config(config.text_length)));
  STARLING_TRY(base::write_file(folder / kTokenizerFile, checkpoint.tokenizer));
  std::filesystem::remove(folder / kKnownWordsFile, error);
  if (!checkpoint.known_words.empty()) STARLING_TRY(write(kKnownWordsFile, checkpoint.known_words.to_text()));
  for (const Component& component : kComponents) STARLING_TRY(write_component(folder, component, checkpoint));
  return write(kIndexFile, write_pipeline_config(config.pipeline));
}

}  // namespace starling::models
