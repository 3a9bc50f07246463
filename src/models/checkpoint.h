#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "base/result.h"
#include "base/thread_pool.h"
#include "exact/graph.h"
#include "exact/tensor.h"
#include "models/config.h"
#include "models/parameters.h"
#include "models/safetensors.h"
#include "models/tokenizer.h"

namespace starling::models {

class PackedWeights;

// A Wan model in the directory layout of diffusers (docs/models.md lists its files). Weights are named
// "COMPONENT/NAME", with the components "text_encoder", "transformer" and "vae".

// Everything about a model but its weights.
struct ModelConfig {
  PipelineConfig pipeline;
  SchedulerConfig scheduler;
  Umt5Config text_encoder;
  TransformerConfig transformer;
  VaeConfig vae;
  std::int64_t text_length = 512;  // tokens that a prompt is cut or padded to
};

// Whether the parts fit each other: vocabulary, text width, latent channels.
base::Status validate(const ModelConfig& config);

// Every weight that the model's graphs need, by component in the order of their use.
base::Result<std::vector<Parameter>> model_parameters(const ModelConfig& config);

// A model on disk, opened and checked: configurations, and that each weight is there in the right shape. Weights are
// mapped, so opening is quick and copies are cheap.
class Checkpoint {
 public:
  static base::Result<Checkpoint> open(const std::filesystem::path& folder);

  const ModelConfig& config() const { return config_; }
  const Tokenizer& tokenizer() const { return tokenizer_; }
  const KnownWords& known_words() const { return known_words_; }  // empty if the model does not say

  // A weight as it is stored (f32, bf16 or f16).
  base::Result<exact::Tensor> weight(std::string_view name) const;
  // The weights of those names, for an engine: types are widened by it, shapes must match.
  base::Result<std::vector<exact::Tensor>> weights(std::span<const exact::GraphInput> wanted) const;

  // The weights that products read whole as their second operand and that are worth packing for them, by name.
  base::Result<std::map<std::string, exact::Tensor>> product_weights() const;
  // From now on weights come with the panels that there are of them (packed_weights.h).
  void take_packed(std::shared_ptr<const PackedWeights> packed) { packed_ = std::move(packed); }
  const PackedWeights* packed() const { return packed_.get(); }  // nullptr: there are none

  const std::filesystem::path& folder() const { return folder_; }
  std::vector<std::string> weight_names() const;  // also of those that the configuration has no use for; sorted
  // What its root covers beside weights, by name as "vae/config.json": of a safetensors file the bytes before its data.
  std::map<std::string, base::Hash> file_hashes() const;

  // The model's name: docs/models.md says over which bytes. Reads all weights; pool, if any, shares the work.
  base::Result<base::Hash> root(base::ThreadPool* pool = nullptr) const;

  std::uint64_t parameter_count() const;
  struct File {
    std::string name;  // as "vae/config.json"
    std::uint64_t bytes;
  };
  base::Result<std::vector<File>> files() const;  // by name

 private:
  Checkpoint(std::filesystem::path folder, Tokenizer tokenizer)
      : folder_(std::move(folder)), tokenizer_(std::move(tokenizer)) {}
  static base::Result<Checkpoint> open_files(const std::filesystem::path& folder);
  base::Status read_configs();
  base::Status open_weights();

  std::filesystem::path folder_;
  ModelConfig config_;
  Tokenizer tokenizer_;
  KnownWords known_words_;
  std::map<std::string, base::Bytes> small_files_;  // by name, as read
  std::map<std::string, WeightFiles, std::less<>> weights_;
  std::shared_ptr<const PackedWeights> packed_;
};

// A weight to be written. It hands over its elements in order, as tensors of its type, so that it need never be in
// memory whole.
struct NewWeight {
  using Sink = std::function<base::Status(const exact::Tensor& part)>;
  NewWeight() = default;
  NewWeight(const exact::Tensor& tensor);  // NOLINT(google-explicit-constructor): a tensor is its own only part
  NewWeight(exact::Type its_type, exact::Shape its_shape, std::function<base::Status(const Sink&)> make_parts)
      : type(its_type), shape(its_shape), parts(std::move(make_parts)) {}

  exact::Type type = exact::Type::kF32;
  exact::Shape shape;
  std::function<base::Status(const Sink&)> parts;
};

// A model to be written.
struct NewCheckpoint {
  ModelConfig config;
  base::Bytes tokenizer;  // spiece.model
  KnownWords known_words;
  std::map<std::string, NewWeight> weights;  // by "COMPONENT/NAME"; exactly those of model_parameters()
  exact::Type storage = exact::Type::kF16;   // what f32 weights are rounded to: kF32, kBf16 or kF16
  std::uint64_t max_file_bytes = std::uint64_t{4} << 30U;
};

// Told how many bytes of weights were written since it was last told; an error ends the writing with it.
using WriteObserver = std::function<base::Status(std::uint64_t bytes)>;

// Writes a model's folder (made if it is not there). model_index.json goes first and comes back last, so a folder
// whose writing was interrupted does not open. kNonFinite if a weight is not finite in the storage type.
base::Status write_checkpoint(const std::filesystem::path& folder, const NewCheckpoint& checkpoint,
                              const WriteObserver& observer = {});

// The same into a folder that must not be there yet and appears under its name all at once: a writing that is
// interrupted, or fails, leaves nothing, and one that is killed only what the next one of that name removes.
// kInvalidArgument if something has the name, kLimit if the disk has no room for it.
base::Status write_new_checkpoint(const std::filesystem::path& folder, const NewCheckpoint& checkpoint,
                                  const WriteObserver& observer = {});

// Whether write_new_checkpoint() can make that folder, as far as that is known before its weights are.
base::Status check_new_checkpoint(const std::filesystem::path& folder);

// The first thing in which a model is not what write_checkpoint() makes: a file, a weight, or how weights lie in their
// files. Empty: there is none, and its root is that of what is made.
base::Result<std::string> first_difference(const Checkpoint& model, const NewCheckpoint& made);

// Bytes of the weights of a component ("transformer"), or of all (empty), as they will be stored.
std::uint64_t stored_bytes(const NewCheckpoint& checkpoint, std::string_view component = {});

// The error with what to do at its end, unless it says so already or is one of the machine. For whoever opens a model's
// files: what reads a single file cannot know where it came from.
base::Error with_remedy(base::Error error, std::string_view remedy);

}  // namespace starling::models
