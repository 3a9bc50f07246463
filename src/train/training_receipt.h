#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "base/hash.h"
#include "base/result.h"
#include "base/thread_pool.h"
#include "train/recipe.h"
#include "train/state.h"

namespace starling::train {

inline constexpr std::string_view kTrainingReceiptName = "training.receipt.json";
inline constexpr std::size_t kMaxTrainingReceiptBytes = std::size_t{1} << 20;

// What a run claims of itself. Recipe, data and start decide every bit of it, so each step can be made again from a
// state before it, and compared with the list of step roots that this names.
struct TrainingReceipt {
  Recipe recipe;
  std::uint64_t first = 0;  // the updates made when the list of step roots begins
  std::uint64_t steps = 0;  // the updates made in all
  base::Hash step_roots;    // SHA-256 of the file steps.roots
  base::Hash averages;      // tensors_root() of the running averages: the weights, before they are rounded
  // SHA-256 of the files that hold the weights, by their names within a model's folder ("vae/config.json").
  std::map<std::string, base::Hash> files;
};

std::string write_training_receipt(const TrainingReceipt& receipt);
base::Result<TrainingReceipt> parse_training_receipt(std::string_view text);
// Whether a text says of itself that it is one.
bool is_training_receipt(std::string_view text);

// The files that a run of this part left under its folder, by their names within a model's folder; not its receipt.
base::Result<std::map<std::string, base::Hash>> model_files(ModelPart part, const std::filesystem::path& folder);

// Writes training.receipt.json for a run's folder as it is, and again, with the list of step roots, into the folder of
// what was trained, which so can be handed on and checked.
base::Status write_training_receipt(const std::filesystem::path& folder, const Recipe& recipe,
                                    const TrainingState& state, base::ThreadPool* pool);

}  // namespace starling::train
