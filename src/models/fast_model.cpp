#include "models/fast_model.h"

#include <system_error>

#include "base/file.h"
#include "models/config.h"

namespace starling::models {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kMaxConfig = std::size_t{1} << 20;

bool is_model(const fs::path& folder) {
  std::error_code error;
  return fs::exists(folder / "model_index.json", error);
}

base::Result<std::int64_t> student_steps(const fs::path& folder) {
  STARLING_ASSIGN(const std::string text,
                  base::read_text_file(folder / "scheduler" / "scheduler_config.json", kMaxConfig));
  STARLING_ASSIGN(const SchedulerConfig config, parse_scheduler_config(text));
  return config.student_steps;
}

}  // namespace

base::Result<FastModel> fast_model(const fs::path& model) {
  FastModel kin{model / kFastFolder, 0};
  if (!is_model(kin.folder)) {
    const base::Result<std::int64_t> own = is_model(model) ? student_steps(model) : base::Result<std::int64_t>(0);
    if (own.ok() && *own > 0) {
      return base::invalid("the model in " + model.string() + " makes videos in " + std::to_string(*own) +
                           " steps itself: leave out --fast");
    }
    return base::not_found("the model in " + model.string() +
                           " has no kin of few steps, which would be in its folder " + kFastFolder +
                           ": leave out --fast, or name another model with --model");
  }
  STARLING_ASSIGN(kin.steps, student_steps(kin.folder));
  if (kin.steps == 0) {
    return base::invalid("the model in " + kin.folder.string() +
                         " was not distilled to few steps (its scheduler has no student_steps): leave out --fast, or "
                         "put there what train made with the recipe's student_steps");
  }
  return kin;
}

std::optional<Checkpoint> kin_of_root(const fs::path& model, const base::Hash& root, base::ThreadPool* pool) {
  if (!is_model(model / kFastFolder)) return std::nullopt;
  base::Result<Checkpoint> kin = Checkpoint::open(model / kFastFolder);
  if (!kin.ok()) return std::nullopt;
  const base::Result<base::Hash> found = kin->root(pool);
  if (!found.ok() || *found != root) return std::nullopt;
  return *std::move(kin);
}

std::vector<fs::path> model_family(const fs::path& model) {
  std::vector<fs::path> family{model};
  if (fs::path kin = model / kFastFolder; is_model(kin)) family.push_back(std::move(kin));
  return family;
}

std::string model_name(const fs::path& model) {
  std::error_code error;
  fs::path folder = fs::weakly_canonical(model, error);
  if (error) folder = model;
  if (folder.filename() == kFastFolder && is_model(folder.parent_path())) {
    return folder.parent_path().filename().string() + "-" + kFastFolder;
  }
  return folder.filename().string();
}

}  // namespace starling::models
