#include <memory>
#include <optional>
#include <string>

#include "base/file.h"
#include "base/interrupt.h"
#include "base/json.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/training_objective.h"
#include "exact/engine.h"
#include "train/recipe.h"
#include "train/run.h"

namespace starling::cli {
namespace {

constexpr std::size_t kMaxRecipe = std::size_t{1} << 20;

// What the user may say; what is not given keeps the recipe's value.
struct TrainArguments {
  std::string folder;
  std::string recipe;
  std::string data;
  std::string start;  // a trained autoencoder or model to go on from
  std::string vae;
  bool decoder_only = false;
  bool resume = false;
  bool json = false;
  bool quiet = false;
  std::optional<double> minutes;
  std::optional<double> rate;
  std::optional<double> checkpoint_minutes;
  std::optional<std::int64_t> steps;
  std::optional<std::int64_t> decay_steps;
  std::optional<std::int64_t> batch;
  std::optional<std::int64_t> seed;
  std::optional<std::int64_t> keep_every;
  std::int64_t threads = 0;
};

void declare_common(Options& options, TrainArguments& a) {
  options.text("-o,--out", a.folder, "Folder for checkpoints, log and pictures", Options::Presence::kRequired);
  options.text("--recipe", a.recipe, "JSON file with the recipe (default: that of the bundled model)");
  options.text("--data", a.data, "\"world\", or a folder of clips with captions");
  options.flag("--resume", a.resume, "Go on from the newest checkpoint in the folder, if there is one");
  options.number("--minutes", a.minutes, 0.0, 1e6, "Stop with a checkpoint after so many minutes");
  options.number("--checkpoint-minutes", a.checkpoint_minutes, 0.0, 1e6, "Time between checkpoints");
  options.integer("--keep-every", a.keep_every, 1, 1'000'000'000,
                  "Keep a checkpoint at every multiple of so many steps, to check the training from");
  options.integer("--steps", a.steps, 1, 1'000'000'000, "Updates to make in all");
  options.integer("--decay-steps", a.decay_steps, 0, 1'000'000'000, "Last steps, over which the learning rate falls");
  options.integer("--batch", a.batch, 1, 4096, "Samples of one gradient");
  options.number("--lr", a.rate, 1e-8, 1.0, "Learning rate");
  options.integer("--seed", a.seed, 0, std::numeric_limits<std::int64_t>::max(), "Seed of everything random");
  options.integer("--threads", a.threads, 0, 512, "Threads (0: one per core)");
  options.flag("--quiet", a.quiet, "No progress on stderr");
  options.flag("--json", a.json, "Print one JSON object at the end");
}

base::Result<train::Recipe> chosen_recipe(const TrainArguments& a, train::ModelPart part) {
  train::Recipe recipe = train::default_recipe(part);
  if (!a.recipe.empty()) {
    STARLING_ASSIGN(const std::string text, base::read_text_file(a.recipe, kMaxRecipe));
    STARLING_ASSIGN(recipe, train::parse_recipe(text));
    if (recipe.part != part) return base::invalid("the recipe '" + a.recipe + "' is for the model's other part");
  }
  if (!a.data.empty()) recipe.source = a.data;
  if (a.steps) recipe.schedule.steps = static_cast<std::uint64_t>(*a.steps);
  if (a.decay_steps) recipe.schedule.decay = static_cast<std::uint64_t>(*a.decay_steps);
  if (a.steps && !a.decay_steps) recipe.schedule.decay = std::min(recipe.schedule.decay, recipe.schedule.steps);
  if (a.batch) recipe.batch = *a.batch;
  if (a.seed) recipe.seed = static_cast<std::uint64_t>(*a.seed);
  if (a.rate) recipe.schedule.rate = static_cast<float>(*a.rate);
  if (a.decoder_only) recipe.decoder_only = 1;
  return recipe;
}

train::RunOptions run_options(const TrainArguments& a) {
  train::RunOptions options;
  options.folder = a.folder;
  options.resume = a.resume;
  options.minutes = a.minutes.value_or(0.0);
  if (a.checkpoint_minutes) options.checkpoint_seconds = 60.0 * *a.checkpoint_minutes;
  if (a.keep_every) options.keep_every = static_cast<std::uint64_t>(*a.keep_every);
  options.progress = a.quiet ? base::ProgressMode::kQuiet : base::ProgressMode::kAuto;
  return options;
}

void print_summary(const TrainArguments& a, const train::RunSummary& summary) {
  base::Json json = base::Json::empty_object();
  json.set("folder", a.folder);
  json.set("steps", summary.steps);
  json.set("finished", summary.finished);
  json.set("loss", summary.loss ? base::Json(*summary.loss) : base::Json());
  json.set("parameters", summary.parameters);
  json.set("work_per_step", summary.work_per_step);
  json.set("seconds", summary.seconds);
  json.set("samples_per_second", summary.samples_per_second);
  base::Json validation = base::Json::empty_object();
  for (const train::Metric& metric : summary.validation) validation.set(metric.first, metric.second);
  json.set("validation", std::move(validation));
  if (a.json) {
    print(json.to_text());
    return;
  }
  print("Made " + std::to_string(summary.steps) + " steps in all; the checkpoint is in " + a.folder +
        (summary.finished ? "." : ". Add --resume to go on."));
}

base::Result<int> run_part(const TrainArguments& a, train::ModelPart part) {
  base::catch_interrupts();
  STARLING_ASSIGN(train::Recipe recipe, chosen_recipe(a, part));
  STARLING_ASSIGN(const auto objective, open_objective(recipe, {.folder = a.folder, .vae = a.vae, .start = a.start}));
  STARLING_ASSIGN(exact::Engine engine, exact::Engine::create({"", static_cast<int>(a.threads)}));
  STARLING_ASSIGN(const train::RunSummary summary, train::run_training(engine, recipe, *objective, run_options(a)));
  print_summary(a, summary);
  return kFine;
}

}  // namespace

Action declare_train_transformer(Options& options) {
  auto arguments = std::make_shared<TrainArguments>();
  declare_common(options, *arguments);
  options.text("--vae", arguments->vae, "Folder of the trained autoencoder: the folder vae in that run's folder",
               Options::Presence::kRequired);
  options.text("--from", arguments->start, "Folder of a model of the same sizes to start from");
  return [arguments] { return run_part(*arguments, train::ModelPart::kTransformer); };
}

Action declare_train_vae(Options& options) {
  auto arguments = std::make_shared<TrainArguments>();
  declare_common(options, *arguments);
  options.text("--from", arguments->start, "Folder of a trained autoencoder to start from");
  options.flag("--decoder-only", arguments->decoder_only, "Leave the encoder, and so every latent, as it is");
  return [arguments] { return run_part(*arguments, train::ModelPart::kVae); };
}

}  // namespace starling::cli
