#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "base/result.h"
#include "base/thread_pool.h"
#include "exact/engine.h"
#include "generate/text_to_video.h"
#include "models/checkpoint.h"

namespace starling::cli {

// What several commands need before they can run a model.

// The folder of the model to use: `given` if it is not empty, else STARLING_MODEL, else the bundled one: beside the
// program's source tree (models/bundled in a folder above the program) or installed (../share/starling/models/bundled).
base::Result<std::filesystem::path> find_model(const std::string& given);
// The same; of a model that shall be fast its kin (models/fast_model.h), or why it has none.
base::Result<std::filesystem::path> find_model(const std::string& given, bool fast);

// An engine, and the threads that hash beside it. threads: 0 for one per core.
struct Machine {
  exact::Engine engine;
  std::unique_ptr<base::ThreadPool> pool;
};
base::Result<Machine> start_machine(std::int64_t threads);

// Gives a large model its weights as this machine's products read them, packed in a file beside it that is made when it
// is first needed (models/packed_weights.h). root is the model's.
base::Status use_packed_weights(models::Checkpoint& model, const base::Hash& root, const Machine& machine);
// The same for a model whose root has to be found.
base::Status use_packed_weights(models::Checkpoint& model, const Machine& machine);

// What is used where the user says nothing: 64×64 at 8 frames a second for small models, such as the bundled one;
// 832×480 at 16 for large ones; the steps of a model that was distilled to a few, without guidance.
generate::TextToVideo default_request(const models::ModelConfig& config);

// Latent frames that a model makes well at a time; 0 for models that cannot go on from some of a video's frames.
std::int64_t default_window(const models::ModelConfig& config);

// A sentence on the words of a prompt that the model never met, with some that it knows; empty if there is none.
std::string unknown_words_remark(const models::Checkpoint& model, const std::string& prompt);

}  // namespace starling::cli
