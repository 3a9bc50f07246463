#include "models/checkpoint.h"

#include <algorithm>
#include <system_error>

#include "base/file.h"
#include "models/json_fields.h"
#include "models/model_layout.h"
#include "models/packed_weights.h"
#include "models/quantize.h"
#include "models/weight_places.h"
#include "proof/model_root.h"

namespace starling::models {
namespace {

constexpr std::size_t kMaxConfigBytes = std::size_t{1} << 20U;
constexpr std::size_t kMaxTokenizerBytes = std::size_t{64} << 20U;
constexpr std::int64_t kDefaultTextLength = 512;

std::string_view checkpoint_text(const base::Bytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// model_max_length, where it is a real bound: transformers writes 1e30 for "none".
base::Result<std::int64_t> parse_text_length(std::string_view json) {
  STARLING_ASSIGN(const base::Json object, parse_json_object(json, std::string(kTokenizerConfigFile)));
  const base::Json* length = object.find("model_max_length");
  if (length == nullptr) return kDefaultTextLength;
  const auto value = length->as_integer(1, kDefaultTextLength);
  return value.ok() ? *value : kDefaultTextLength;
}

// The program that made the weights follows from the configuration.
base::Status check_quantisation(const ModelConfig& config) {
  const auto& quantisation = config.transformer.quantisation;
  if (!quantisation) return {};
  STARLING_ASSIGN(const exact::Program program, quantization_program(config));
  if (program.root() == quantisation->program) return {};
  return base::corrupt("transformer/config.json: 'program' of quantization_config is " + quantisation->program.hex() +
                       ", and weights of this configuration are made by " + program.root().hex() +
                       "; fetch the model again, or make it with starling model quantize");
}

std::string join(std::string_view folder, std::string_view name) {
  return std::string(folder) + "/" + std::string(name);
}

}  // namespace

base::Error with_remedy(base::Error error, std::string_view remedy) {
  using enum base::ErrorCode;
  if (error.code == kIo || error.code == kCancelled || error.code == kInternal) return error;
  for (const std::string_view verb : {"fetch ", "; use ", "; give ", ": give "}) {
    if (error.message.find(verb) != std::string::npos) return error;
  }
  if (error.message.ends_with('.')) error.message.pop_back();
  error.message += "; " + std::string(remedy);
  return error;
}

base::Result<Checkpoint> Checkpoint::open(const std::filesystem::path& folder) {
  std::error_code error;
  if (!std::filesystem::is_directory(folder, error)) {
    return base::not_found("there is no model folder " + folder.string() +
                           "; give the path of a folder in the diffusers layout.");
  }
  if (!std::filesystem::exists(folder / kIndexFile, error)) {
    return base::not_found(folder.string() +
                           " is not a complete model: it has no model_index.json; fetch or write it "
                           "again.");
  }
  base::Result<Checkpoint> checkpoint = open_files(folder);
  if (!checkpoint.ok()) {
    const bool other = checkpoint.error().code == base::ErrorCode::kUnsupported;
    return with_remedy(checkpoint.error(),
                       other ? "use another model." : "fetch the model " + folder.string() + " again, or use another.");
  }
  return checkpoint;
}

base::Result<Checkpoint> Checkpoint::open_files(const std::filesystem::path& folder) {
  STARLING_ASSIGN(base::Bytes model, base::read_file(folder / kTokenizerFile, kMaxTokenizerBytes));
  STARLING_ASSIGN(Tokenizer tokenizer, Tokenizer::load(std::move(model)));
  Checkpoint checkpoint(folder, std::move(tokenizer));
  STARLING_TRY(checkpoint.read_configs());
  STARLING_TRY(checkpoint.open_weights());
  return checkpoint;
}

base::Status Checkpoint::read_configs() {
  const auto read = [&](std::string_view name) -> base::Result<std::string_view> {
    STARLING_ASSIGN(base::Bytes bytes, base::read_file(folder_ / name, kMaxConfigBytes));
    return checkpoint_text(small_files_[std::string(name)] = std::move(bytes));
  };
  STARLING_ASSIGN(const std::string_view index, read(kIndexFile));
  STARLING_ASSIGN(config_.pipeline, parse_pipeline_config(index));
  STARLING_ASSIGN(const std::string_view scheduler, read(kSchedulerFile));
  STARLING_ASSIGN(config_.scheduler, parse_scheduler_config(scheduler));
  STARLING_ASSIGN(const std::string_view text_encoder, read("text_encoder/config.json"));
  STARLING_ASSIGN(config_.text_encoder, parse_umt5_config(text_encoder));
  STARLING_ASSIGN(const std::string_view transformer, read("transformer/config.json"));
  STARLING_ASSIGN(config_.transformer, parse_transformer_config(transformer));
  STARLING_ASSIGN(const std::string_view vae, read("vae/config.json"));
  STARLING_ASSIGN(config_.vae, parse_vae_config(vae));
  std::error_code error;
  if (std::filesystem::exists(folder_ / kTokenizerConfigFile, error)) {
    STARLING_ASSIGN(const std::string_view tokenizer, read(kTokenizerConfigFile));
    STARLING_ASSIGN(config_.text_length, parse_text_length(tokenizer));
  }
  if (std::filesystem::exists(folder_ / kKnownWordsFile, error)) {
    STARLING_ASSIGN(const std::string_view words, read(kKnownWordsFile));
    STARLING_ASSIGN(known_words_, KnownWords::parse(words));
  }
  if (tokenizer_.vocab_size() > config_.text_encoder.vocab_size) {
    return base::corrupt(folder_.string() + ": the tokenizer has " + std::to_string(tokenizer_.vocab_size()) +
                         " pieces, the text encoder only " + std::to_string(config_.text_encoder.vocab_size) + ".");
  }
  small_files_[std::string(kTokenizerFile)] = tokenizer_.model();
  return validate(config_);
}

base::Status Checkpoint::open_weights() {
  for (const Component& component : kComponents) {
    STARLING_ASSIGN(WeightFiles files, WeightFiles::open(folder_ / component.folder, std::string(component.stem)));
    weights_.emplace(component.folder, std::move(files));
  }
  STARLING_TRY(check_quantisation(config_));
  STARLING_ASSIGN(const std::vector<Parameter> needed, model_parameters(config_));
  for (const Parameter& parameter : needed) {
    STARLING_ASSIGN(const exact::Tensor tensor, weight(parameter.name));
    if (!(tensor.shape() == parameter.shape) || !is_stored_as(tensor.type(), parameter.type)) {
      return base::corrupt(folder_.string() + ": weight '" + parameter.name + "' is " +
                           exact::type_name(tensor.type()) + " " + tensor.shape().text() +
                           "; the configuration asks for " +
                           (parameter.type == exact::Type::kF32 ? "floating point" : exact::type_name(parameter.type)) +
                           " " + parameter.shape.text() + ".");
    }
  }
  return {};
}

base::Result<exact::Tensor> Checkpoint::weight(std::string_view name) const {
  const std::size_t slash = name.find('/');
  const auto component = weights_.find(name.substr(0, slash));
  if (slash == std::string_view::npos || component == weights_.end()) {
    return base::not_found("no part of a model has a weight '" + std::string(name) + "'.");
  }
  std::string_view tensor = name.substr(slash + 1);
  if (tensor == kEmbedding && component->second.find(tensor) == nullptr) tensor = kTiedEmbedding;
  if (component->second.find(tensor) == nullptr) {
    return base::corrupt(folder_.string() + " has no weight '" + std::string(name) +
                         "', which its configuration asks for; fetch the model again.");
  }
  return component->second.tensor(tensor);
}

base::Result<std::vector<exact::Tensor>> Checkpoint::weights(std::span<const exact::GraphInput> wanted) const {
  std::vector<exact::Tensor> tensors;
  for (const exact::GraphInput& input : wanted) {
    STARLING_ASSIGN(exact::Tensor tensor, weight(input.name));
    if (!(tensor.shape() == input.shape)) {
      return base::corrupt(folder_.string() + ": weight '" + input.name + "' is " + tensor.shape().text() + ", where " +
                           input.shape.text() + " is needed.");
    }
    if (packed_ != nullptr) {
      tensor = tensor.with_packed(packed_->find(input.name, tensor.type(), tensor.shape()));
    }
    tensors.push_back(std::move(tensor));
  }
  return tensors;
}

base::Result<std::map<std::string, exact::Tensor>> Checkpoint::product_weights() const {
  STARLING_ASSIGN(const std::vector<Parameter> parameters, model_parameters(config_));
  std::map<std::string, exact::Tensor> weights;
  for (const Parameter& parameter : parameters) {
    // Tables are matrices, too.
    const bool is_table =
        parameter.name.ends_with(kEmbedding) || parameter.name.find("relative_attention_bias") != std::string::npos;
    STARLING_ASSIGN(exact::Tensor tensor, weight(parameter.name));
    if (is_table || !exact::Packer::packs(tensor.type(), tensor.shape())) continue;
    weights.emplace(parameter.name, std::move(tensor));
  }
  return weights;
}

std::vector<std::string> Checkpoint::weight_names() const {
  std::vector<std::string> names;
  for (const auto& [component, files] : weights_) {
    for (const std::string& name : files.names()) names.push_back(join(component, name));
  }
  return names;
}

std::map<std::string, base::Hash> Checkpoint::file_hashes() const {
  std::map<std::string, base::Hash> hashes;
  for (const auto& [name, bytes] : small_files_) hashes.emplace(name, base::sha256(bytes));
  for (const auto& [component, files] : weights_) {
    for (const auto& [name, hash] : files.framing()) hashes.emplace(join(component, name), hash);
  }
  return hashes;
}

base::Result<base::Hash> Checkpoint::root(base::ThreadPool* pool) const {
  STARLING_ASSIGN(const auto roots, weight_roots(*this, pool));
  return proof::model_root(file_hashes(), roots);
}

std::uint64_t Checkpoint::parameter_count() const {
  std::uint64_t count = 0;
  for (const auto& [component, files] : weights_) {
    for (const std::string& name : files.names()) {
      // A tied embedding that is stored twice is one.
      if (name == kTiedEmbedding && files.find(kEmbedding) != nullptr) continue;
      count += static_cast<std::uint64_t>(files.find(name)->shape.elements());
    }
  }
  return count;
}

base::Result<std::vector<Checkpoint::File>> Checkpoint::files() const {
  std::vector<File> files;
  for (const auto& [name, bytes] : small_files_) files.push_back({name, bytes.size()});
  for (const Component& component : kComponents) {
    std::error_code error;
    for (std::filesystem::directory_iterator it(folder_ / component.folder, error), end; !error && it != end;
         it.increment(error)) {
      const std::string name = it->path().filename().string();
      if (!name.starts_with(component.stem) || name.find(".safetensors") == std::string::npos) continue;
      const std::uint64_t bytes = it->file_size(error);
      if (!error) files.push_back({join(component.folder, name), bytes});
    }
    if (error) return base::io_error("cannot list " + folder_.string() + ": " + error.message() + ".");
  }
  std::ranges::sort(files, {}, &File::name);
  return files;
}

}  // namespace starling::models
