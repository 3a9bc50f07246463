#include "train/training_receipt.h"

#include <system_error>

#include "base/file.h"
#include "base/json.h"
#include "train/step_roots.h"

namespace starling::train {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kFormat = "starling.training/1";
constexpr std::size_t kMaxHashedFile = std::size_t{4} << 30;
constexpr std::size_t kMaxFiles = 1000;

base::Result<base::Hash> hash_file(const fs::path& path) {
  STARLING_ASSIGN(const base::MappedFile file, base::MappedFile::open(path));
  if (file.bytes().size() > kMaxHashedFile) return base::limit_error("the file '" + path.string() + "' is too large");
  return base::sha256(file.bytes());
}

base::Result<base::Hash> hash_member(const base::Json& json, std::string_view key) {
  STARLING_ASSIGN(const std::string text, json.text(key));
  return base::Hash::from_hex(text);
}

// What a run leaves its model in.
fs::path trained_folder(ModelPart part, const fs::path& folder) {
  return folder / (part == ModelPart::kVae ? "vae" : "model");
}

}  // namespace

std::string write_training_receipt(const TrainingReceipt& receipt) {
  base::Json json = base::Json::empty_object();
  json.set("format", kFormat);
  // What write_recipe() writes is JSON.
  json.set("recipe", *base::Json::parse(write_recipe(receipt.recipe), "the recipe"));
  json.set("first", receipt.first);
  json.set("steps", receipt.steps);
  json.set("step_roots", receipt.step_roots.hex());
  json.set("averages", receipt.averages.hex());
  base::Json files = base::Json::empty_object();
  for (const auto& file : receipt.files) files.set(file.first, file.second.hex());
  json.set("files", std::move(files));
  return json.to_text(2) + "\n";
}

base::Result<TrainingReceipt> parse_training_receipt(std::string_view text) {
  STARLING_ASSIGN(const base::Json json, base::Json::parse(text, "the training receipt"));
  STARLING_ASSIGN(const std::string format, json.text("format"));
  if (format != kFormat) return base::corrupt("the training receipt's format is not " + std::string(kFormat));
  TrainingReceipt receipt;
  STARLING_ASSIGN(const base::Json* recipe, json.object("recipe"));
  STARLING_ASSIGN(receipt.recipe, parse_recipe(recipe->to_text()));
  STARLING_TRY(validate(receipt.recipe));
  STARLING_ASSIGN(receipt.first, json.u64("first"));
  STARLING_ASSIGN(receipt.steps, json.u64("steps"));
  if (receipt.first > receipt.steps || receipt.steps > receipt.recipe.schedule.steps) {
    return base::corrupt("the training receipt's first, steps and the recipe's steps do not ascend");
  }
  STARLING_ASSIGN(receipt.step_roots, hash_member(json, "step_roots"));
  STARLING_ASSIGN(receipt.averages, hash_member(json, "averages"));
  STARLING_ASSIGN(const base::Json* files, json.object("files"));
  if (files->members().size() > kMaxFiles) return base::corrupt("the training receipt names too many files");
  for (const base::JsonMember& file : files->members()) {
    const fs::path name(file.key);
    if (name.empty() || name.is_absolute() || name.lexically_normal() != name || *name.begin() == "..") {
      return base::corrupt("the training receipt names a file that is not within a model's folder");
    }
    STARLING_ASSIGN(const base::Hash hash, hash_member(*files, file.key));
    receipt.files.emplace(file.key, hash);
  }
  if (json.members().size() != 7) return base::corrupt("the training receipt has a member that none has");
  return receipt;
}

bool is_training_receipt(std::string_view text) {
  if (text.size() > kMaxTrainingReceiptBytes) return false;
  const base::Result<base::Json> json = base::Json::parse(text, "the receipt");
  if (!json.ok()) return false;
  const base::Result<std::string> format = json->text("format");
  return format.ok() && *format == kFormat;
}

base::Result<std::map<std::string, base::Hash>> model_files(ModelPart part, const fs::path& folder) {
  const fs::path top = trained_folder(part, folder);
  const fs::path root = part == ModelPart::kVae ? folder : top;
  std::map<std::string, base::Hash> files;
  std::error_code error;
  for (fs::recursive_directory_iterator entry(top, error), end; !error && entry != end; entry.increment(error)) {
    const fs::path name = entry->path().filename();
    if (!entry->is_regular_file(error) || name == kTrainingReceiptName || name == kStepRootsName) continue;
    STARLING_ASSIGN(const base::Hash hash, hash_file(entry->path()));
    files.emplace(entry->path().lexically_relative(root).generic_string(), hash);
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    return base::io_error("cannot list the folder '" + top.string() + "': " + error.message());
  }
  return files;
}

base::Status write_training_receipt(const fs::path& folder, const Recipe& recipe, const TrainingState& state,
                                    base::ThreadPool* pool) {
  STARLING_ASSIGN(const base::MappedFile list, base::MappedFile::open(folder / kStepRootsName));
  STARLING_ASSIGN(const StepRoots roots, decode_step_roots(list.bytes()));
  TrainingReceipt receipt;
  receipt.recipe = recipe;
  receipt.first = roots.first;
  receipt.steps = state.step;
  receipt.step_roots = base::sha256(list.bytes());
  receipt.averages = tensors_root(state.averages, pool);
  STARLING_ASSIGN(receipt.files, model_files(recipe.part, folder));
  const std::string text = write_training_receipt(receipt);
  const fs::path trained = trained_folder(recipe.part, folder);
  std::error_code error;
  if (fs::is_directory(trained, error)) {
    STARLING_TRY(base::write_file(trained / kStepRootsName, list.bytes()));
    STARLING_TRY(base::write_file(trained / kTrainingReceiptName, base::as_bytes(text)));
  }
  return base::write_file(folder / kTrainingReceiptName, base::as_bytes(text));
}

}  // namespace starling::train
