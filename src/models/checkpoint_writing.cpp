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

// At most, of what a model's folder holds beside weights: tokenizer, configurations, headers.
constexpr std::uint64_t kBesideWeights = std::uint64_t{16} << 20U;

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

// A part of a weight as it is stored.
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
    if (found == checkpoint.weights.end() || !(found->second.shape == parameter.shape) ||
        !is_stored_as(found->second.type, parameter.type)) {
      return base::invalid("a checkpoint needs weight '" + parameter.name + "' as " + exact::type_name(parameter.type) +
                           " " + parameter.shape.text() + ".");
    }
  }
  if (parameters.size() == checkpoint.weights.size()) return {};
  return base::invalid("a checkpoint may not hold weights that its configuration has no use for.");
}

Type stored_type(const NewCheckpoint& checkpoint, const NewWeight& weight) {
  return weight.type == Type::kF32 ? checkpoint.storage : weight.type;
}

std::vector<TensorSource> sources_of(std::string_view component, const NewCheckpoint& checkpoint,
                                     const WriteObserver& observer) {
  const std::string prefix = std::string(component) + "/";
  std::vector<TensorSource> sources;
  for (auto it = checkpoint.weights.lower_bound(prefix);
       it != checkpoint.weights.end() && it->first.starts_with(prefix); ++it) {
    const Type type = stored_type(checkpoint, it->second);
    sources.push_back(
        {it->first.substr(prefix.size()), type, it->second.shape, [&weight = *it, type, &observer](const ByteSink& to) {
           return weight.second.parts([&](const Tensor& part) -> base::Status {
             STARLING_ASSIGN(const Tensor made, stored(weight.first, part, type));
             STARLING_TRY(to(made.bytes()));
             return observer ? observer(made.byte_size()) : base::Status{};
           });
         }});
  }
  return sources;
}

// Every file but those of weights, by name; model_index.json, which makes a folder a model, among them.
std::map<std::string, base::Bytes> small_files(const NewCheckpoint& checkpoint) {
  const ModelConfig& config = checkpoint.config;
  std::map<std::string, base::Bytes> files;
  const auto add = [&](std::string_view name, std::string_view text) {
    files.emplace(name, base::Bytes(text.begin(), text.end()));
  };
  add(kIndexFile, write_pipeline_config(config.pipeline));
  add(kSchedulerFile, write_scheduler_config(config.scheduler));
  add("text_encoder/config.json", write_umt5_config(config.text_encoder));
  add("transformer/config.json", write_transformer_config(config.transformer));
  add("vae/config.json", write_vae_config(config.vae));
  add(kTokenizerConfigFile, tokenizer_config(config.text_length));
  files.emplace(kTokenizerFile, checkpoint.tokenizer);
  if (!checkpoint.known_words.empty()) add(kKnownWordsFile, checkpoint.known_words.to_text());
  return files;
}

base::Result<bool> is_same(const Checkpoint& model, const std::string& name, const NewCheckpoint& made) {
  const NewWeight& wanted = made.weights.find(name)->second;
  const Type type = stored_type(made, wanted);
  STARLING_ASSIGN(const Tensor weight, model.weight(name));
  if (weight.type() != type || !(weight.shape() == wanted.shape)) return false;
  base::ByteView left = weight.bytes();
  bool same = true;
  STARLING_TRY(wanted.parts([&](const Tensor& part) -> base::Status {
    STARLING_ASSIGN(const Tensor bytes, stored(name, part, type));
    same = same && bytes.byte_size() <= left.size() && std::ranges::equal(bytes.bytes(), left.first(bytes.byte_size()));
    if (same) left = left.subspan(bytes.byte_size());
    return {};
  }));
  return same && left.empty();
}

// Without a slash at its end.
std::filesystem::path target_of(const std::filesystem::path& folder) {
  return folder.has_filename() ? folder : folder.parent_path();
}

// The folder under its hidden name.
base::Result<base::Partial> begin_folder(const std::filesystem::path& folder) {
  const std::filesystem::path target = target_of(folder);
  if (target.empty()) return base::invalid("the model's folder has no name: give one that is not there yet");
  std::error_code error;
  if (std::filesystem::exists(std::filesystem::symlink_status(target, error))) {
    return base::invalid(target.string() + " is there already: name a folder that is not, or remove it first");
  }
  base::remove_abandoned(target);
  return base::Partial::make_tree(target);
}

}  // namespace

NewWeight::NewWeight(const Tensor& tensor)
    : type(tensor.type()), shape(tensor.shape()), parts([tensor](const Sink& to) { return to(tensor); }) {}

std::uint64_t stored_bytes(const NewCheckpoint& checkpoint, std::string_view component) {
  std::uint64_t bytes = 0;
  for (const auto& [name, weight] : checkpoint.weights) {
    if (!component.empty() && name.substr(0, name.find('/')) != component) continue;
    bytes += static_cast<std::uint64_t>(weight.shape.elements()) * exact::type_size(stored_type(checkpoint, weight));
  }
  return bytes;
}

base::Status write_checkpoint(const std::filesystem::path& folder, const NewCheckpoint& checkpoint,
                              const WriteObserver& observer) {
  if (checkpoint.storage != Type::kF32 && checkpoint.storage != Type::kBf16 && checkpoint.storage != Type::kF16) {
    return base::invalid("weights are stored as f32, bf16 or f16.");
  }
  STARLING_TRY(check_weights(checkpoint));
  STARLING_ASSIGN(const Tokenizer tokenizer, Tokenizer::load(checkpoint.tokenizer));
  if (tokenizer.vocab_size() > checkpoint.config.text_encoder.vocab_size) {
    return base::invalid("the tokenizer has more pieces than the text encoder.");
  }
  for (const char* part : {"scheduler", "text_encoder", "tokenizer", "transformer", "vae"}) {
    STARLING_TRY(base::make_directories(folder / part));
  }
  std::error_code error;
  std::filesystem::remove(folder / kIndexFile, error);
  if (error) return base::io_error("cannot replace the model in " + folder.string() + ": " + error.message() + ".");

  std::filesystem::remove(folder / kKnownWordsFile, error);
  const std::map<std::string, base::Bytes> files = small_files(checkpoint);
  for (const auto& [name, bytes] : files) {
    if (name != kIndexFile) STARLING_TRY(base::write_file(folder / name, bytes));
  }
  for (const Component& component : kComponents) {
    STARLING_TRY(write_weights(folder / component.folder, std::string(component.stem),
                               sources_of(component.folder, checkpoint, observer), checkpoint.max_file_bytes));
  }
  return base::write_file(folder / kIndexFile, files.at(std::string(kIndexFile)));
}

base::Result<std::string> first_difference(const Checkpoint& model, const NewCheckpoint& made) {
  const std::vector<std::string> names = model.weight_names();
  for (const std::string& name : names) {
    if (!made.weights.contains(name)) return "the weight '" + name + "' is one too many";
  }
  for (const auto& [name, weight] : made.weights) {
    if (!std::ranges::binary_search(names, name)) return "the weight '" + name + "' is not there under its name";
    STARLING_ASSIGN(const bool same, is_same(model, name, made));
    if (!same) return "the weight '" + name + "' differs";
  }
  std::map<std::string, base::Hash> wanted;
  for (const auto& [name, bytes] : small_files(made)) wanted.emplace(name, base::sha256(bytes));
  for (const Component& component : kComponents) {
    const auto framing =
        new_framing(std::string(component.stem), sources_of(component.folder, made, {}), made.max_file_bytes);
    for (const auto& [name, hash] : framing) wanted.emplace(std::string(component.folder) + "/" + name, hash);
  }
  const std::map<std::string, base::Hash> there = model.file_hashes();
  for (const auto& [name, hash] : there) {
    const auto found = wanted.find(name);
    if (found == wanted.end()) return "the file '" + name + "' is one too many";
    if (found->second != hash) return "the file '" + name + "' differs";
  }
  for (const auto& [name, hash] : wanted) {
    if (!there.contains(name)) return "the file '" + name + "' is missing";
  }
  return std::string();
}

base::Status check_new_checkpoint(const std::filesystem::path& folder) {
  STARLING_TRY(begin_folder(folder));
  return {};
}

base::Status write_new_checkpoint(const std::filesystem::path& folder, const NewCheckpoint& checkpoint,
                                  const WriteObserver& observer) {
  const std::filesystem::path target = target_of(folder);
  STARLING_ASSIGN(base::Partial partial, begin_folder(folder));
  STARLING_ASSIGN(const std::uint64_t room, base::free_bytes(partial.path()));
  const std::uint64_t needed = stored_bytes(checkpoint) + kBesideWeights;
  if (room < needed) {
    return base::Error{base::ErrorCode::kLimit, "the model takes " + std::to_string(needed) +
                                                    " bytes, and the disk of " + target.string() + " has room for " +
                                                    std::to_string(room) + "; free some, or choose another disk"};
  }
  STARLING_TRY(write_checkpoint(partial.path(), checkpoint, observer));
  std::error_code error;
  std::filesystem::rename(partial.path(), target, error);
  if (error) return base::io_error("cannot name the model " + target.string() + ": " + error.message() + ".");
  partial.release();
  const std::filesystem::path parent = target.parent_path();
  return base::sync_directory(parent.empty() ? "." : parent);
}

}  // namespace starling::models
