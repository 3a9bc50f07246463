#include "cli/verify_training.h"

#include <filesystem>
#include <memory>
#include <system_error>

#include "base/file.h"
#include "base/interrupt.h"
#include "base/json.h"
#include "base/progress.h"
#include "base/random.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/temporary_home.h"
#include "cli/training_objective.h"
#include "train/training_check.h"

namespace starling::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxModelFile = std::size_t{4} << 30;

// Whether the files of a model's folder are those that the receipt is of.
base::Result<std::optional<proof::Difference>> compare_files(const train::TrainingReceipt& receipt,
                                                             const fs::path& folder) {
  for (const auto& file : receipt.files) {
    const fs::path path = folder / file.first;
    std::error_code error;
    if (!fs::exists(path, error)) {
      return std::optional(proof::Difference{"the model '" + folder.string() + "' has no " + file.first});
    }
    STARLING_ASSIGN(const base::MappedFile bytes, base::MappedFile::open(path));
    if (bytes.bytes().size() > kMaxModelFile || base::sha256(bytes.bytes()) != file.second) {
      return std::optional(proof::Difference{"the model's " + file.first + " is not the one that the receipt is of"});
    }
  }
  return std::optional<proof::Difference>();
}

// Whether the list of step roots is the receipt's, where there is one.
base::Result<std::optional<proof::Difference>> compare_list(const train::TrainingReceipt& receipt,
                                                            const fs::path& folder) {
  auto difference = train::check_step_list(receipt, folder);
  if (!difference.ok() && difference.error().code == base::ErrorCode::kNotFound) {
    return std::optional<proof::Difference>();
  }
  return difference;
}

fs::path folder_of(const std::string& receipt) {
  const fs::path folder = fs::path(receipt).parent_path();
  return folder.empty() ? fs::path(".") : folder;
}

// Of a receipt that is shipped with a model: in its folder, or in those of its autoencoder and of its kin of few steps.
void find_beside(const train::Recipe& recipe, TrainingVerification& asked) {
  std::error_code error;
  const fs::path folder = fs::absolute(folder_of(asked.receipt), error).lexically_normal();
  if (error) return;
  const auto is_model = [&](const fs::path& path) { return fs::exists(path / "model_index.json", error); };
  const fs::path above = folder.has_filename() ? folder.parent_path() : folder.parent_path().parent_path();
  if (asked.model.empty() && is_model(folder)) asked.model = folder.string();
  const bool is_vae = recipe.part == train::ModelPart::kVae;
  if (asked.model.empty() && is_vae && fs::equivalent(above / "vae", folder, error)) asked.model = above.string();
  if (is_vae || asked.model.empty()) return;
  if (asked.vae.empty()) asked.vae = (fs::path(asked.model) / "vae").string();
  if (asked.start.empty() && recipe.student_steps > 0 && is_model(above)) asked.start = above.string();
}

base::Result<train::TrainingCheckResult> check(TrainingVerification& asked, const train::TrainingReceipt& receipt) {
  find_beside(receipt.recipe, asked);
  if (!asked.model.empty()) {
    STARLING_ASSIGN(std::optional<proof::Difference> difference, compare_files(receipt, asked.model));
    if (!difference) {
      STARLING_ASSIGN(difference, compare_list(receipt, folder_of(asked.receipt)));
    }
    if (difference || !asked.steps) return train::TrainingCheckResult{.difference = difference};
  }
  if (receipt.recipe.part == train::ModelPart::kTransformer && asked.vae.empty()) {
    return base::invalid(
        "a transformer's steps need the autoencoder that it was trained on: give its folder with --vae");
  }
  if (!receipt.recipe.start_hash.empty() && asked.start.empty()) {
    return base::invalid("this training started from a trained model: give its folder with --from");
  }
  std::error_code error;
  if (!asked.checkpoints.empty() && !fs::is_directory(asked.checkpoints, error)) {
    return base::not_found("there is no folder '" + asked.checkpoints + "': name one with checkpoints of the run");
  }
  STARLING_ASSIGN(const std::unique_ptr<TemporaryHome> scratch, TemporaryHome::make("verify"));
  train::Recipe recipe = receipt.recipe;
  STARLING_ASSIGN(const std::unique_ptr<train::Objective> objective,
                  open_objective(recipe, {.folder = scratch->path(), .vae = asked.vae, .start = asked.start}));
  if (recipe.vae_hash != receipt.recipe.vae_hash) {
    return base::invalid("the autoencoder in '" + asked.vae + "' is not the one that this transformer was trained on");
  }
  if (recipe.start_hash != receipt.recipe.start_hash) {
    return base::invalid("what is in '" + asked.start + "' is not what this training started from");
  }
  STARLING_ASSIGN(exact::Engine engine, exact::Engine::create({"", static_cast<int>(asked.threads)}));
  base::Progress progress("verify", 0, "step");
  train::TrainingCheckOptions options;
  options.folder = folder_of(asked.receipt);
  options.checkpoints = asked.checkpoints;
  if (asked.steps) options.steps = static_cast<std::uint64_t>(*asked.steps);
  if (asked.within) options.within = static_cast<std::uint64_t>(*asked.within);
  options.random = base::random_u64;
  options.stop = [] { return base::check_interrupt(); };
  options.progress = [&](std::uint64_t made, std::uint64_t of) {
    progress.update(made, "of " + std::to_string(of) + " to make again");
  };
  return train::check_training(engine, receipt, *objective, scratch->path(), options);
}

}  // namespace

base::Result<int> verify_training(TrainingVerification asked, const std::string& text) {
  base::Result<train::TrainingReceipt> receipt = train::parse_training_receipt(text);
  train::TrainingCheckResult result;
  if (!receipt.ok()) {
    result.difference = proof::Difference{"receipt: " + receipt.error().message};
  } else {
    STARLING_ASSIGN(result, check(asked, *receipt));
  }
  const bool valid = !result.difference;
  if (asked.json) {
    base::Json json = base::Json::empty_object();
    json.set("valid", valid);
    json.set("steps", receipt.ok() ? base::Json(receipt->steps) : base::Json());
    json.set("reachable_steps", result.reachable);
    json.set("drawn_steps", result.drawn);
    json.set("made_steps", result.made);
    json.set("model_made_again", result.model);
    json.set("first_difference", valid ? base::Json() : base::Json(result.difference->message));
    print_json(json);
  } else if (!valid) {
    print("The check failed. First difference: " + result.difference->message);
  } else {
    if (!asked.model.empty()) print("The model's files are those of the receipt.");
    if (result.made > 0) {
      print("The training holds: " + std::to_string(result.made) + " steps were made again and gave the same bits, " +
            std::to_string(result.drawn) + " of them drawn, the others before those; " +
            std::to_string(result.reachable) + " of its " + std::to_string(receipt->steps) +
            " steps were near enough to a state at hand.");
    }
    if (result.model) print("The last state gives the receipt's model, bit for bit.");
  }
  return valid ? kFine : kCheckFailed;
}

}  // namespace starling::cli
