#include "cli/bench_training.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "base/interrupt.h"
#include "exact/engine.h"
#include "models/bundled.h"
#include "train/flow_objective.h"
#include "train/recipe.h"
#include "train/step.h"
#include "train/vae_objective.h"

namespace starling::cli {
namespace {

constexpr int kRounds = 7;

train::Recipe vae_recipe() {
  train::Recipe recipe = train::default_recipe(train::ModelPart::kVae);
  recipe.batch = 4;
  return recipe;
}

train::Recipe transformer_recipe() {
  train::Recipe recipe = train::default_recipe(train::ModelPart::kTransformer);
  recipe.batch = 16;
  recipe.first_latent_clips = recipe.batch;
  recipe.latent_clips = recipe.batch;
  return recipe;
}

// Steps of one part with each engine in turns.
base::Result<std::vector<Measurement>> measure(const std::string& name, const std::string& shape,
                                               const train::Recipe& recipe, train::Objective& objective,
                                               std::vector<exact::Engine>& engines) {
  STARLING_ASSIGN(const train::Loss loss, objective.loss());
  STARLING_ASSIGN(train::Step step, train::Step::make(loss, recipe.optimizer, 1));
  STARLING_TRY(objective.prepare(engines.back(), 0, base::check_interrupt));
  STARLING_ASSIGN(train::Batch batch, objective.batch(0));
  const std::vector<train::Batch> batches{std::move(batch)};
  STARLING_ASSIGN(train::TrainingState state,
                  train::initial_state(engines.back(), loss.parameters, recipe.seed, loss.start));
  std::vector<std::vector<double>> seconds(engines.size());
  for (int round = 0; round <= kRounds; ++round) {
    for (std::size_t i = 0; i < engines.size(); ++i) {
      STARLING_TRY(base::check_interrupt());
      const auto start = std::chrono::steady_clock::now();
      STARLING_TRY(step.run(engines[i], state, batches, train::learning_rate(recipe.schedule, state.step),
                            train::average_decay(recipe.average_decay, state.step)));
      // The first round meets cold memory and makes constants.
      if (round == 0) continue;
      seconds[i].push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    }
  }
  std::vector<Measurement> results;
  for (std::size_t i = 0; i < engines.size(); ++i) {
    std::ranges::sort(seconds[i]);
    const double median = seconds[i][seconds[i].size() / 2];
    Measurement rate;
    rate.name = "training step, " + name;
    rate.shape = shape;
    rate.threads = engines[i].threads();
    rate.ours = static_cast<double>(recipe.batch) / median;
    rate.unit = "samples/s";
    Measurement products = rate;
    products.ours = 2e-9 * static_cast<double>(step.work()) / median;
    products.unit = "GFLOP/s";
    results.push_back(std::move(rate));
    results.push_back(std::move(products));
  }
  return results;
}

}  // namespace

base::Result<std::vector<Measurement>> bench_training(const std::vector<int>& threads,
                                                      const std::filesystem::path& folder) {
  std::vector<exact::Engine> engines;
  for (const int count : threads) {
    STARLING_ASSIGN(exact::Engine engine, exact::Engine::create({"", count}));
    engines.push_back(std::move(engine));
  }
  const train::Recipe small = vae_recipe();
  STARLING_ASSIGN(train::Datasets crops, train::open_datasets(small));
  const auto vae = train::make_vae_objective(small, std::move(crops));
  STARLING_ASSIGN(std::vector<Measurement> results,
                  measure("autoencoder", "4 crops of 17x32x32", small, *vae, engines));

  // Latents of an untrained autoencoder cost what others cost.
  STARLING_ASSIGN(const train::Loss loss, vae->loss());
  STARLING_ASSIGN(const train::TrainingState state,
                  train::initial_state(engines.back(), loss.parameters, small.seed, loss.start));
  const train::Recipe recipe = transformer_recipe();
  train::FlowSetting setting{
      .folder = folder,
      .vae = {models::bundled_vae_config(), train::averaged_weights(state), base::Hash{}, base::Hash{}}};
  STARLING_TRY(train::open_data(recipe, setting));
  STARLING_ASSIGN(const auto flow, train::make_flow_objective(recipe, std::move(setting)));
  STARLING_ASSIGN(const std::vector<Measurement> more,
                  measure("transformer", "16 clips of 17x64x64", recipe, *flow, engines));
  results.insert(results.end(), more.begin(), more.end());
  return results;
}

}  // namespace starling::cli
