#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "base/file.h"
#include "exact/graph.h"
#include "exact/tensor.h"
#include "models/parameters.h"
#include "train/draws.h"
#include "train/objective.h"
#include "train/recipe.h"

namespace starling::train {

// Fits y = tanh(W x + b) to a fixed W.
class ToyObjective final : public Objective {
 public:
  static constexpr std::int64_t kInputs = 16;
  static constexpr std::uint64_t kNever = 1 << 20;
  explicit ToyObjective(const Recipe& recipe, std::uint64_t slow_step = kNever)
      : recipe_(recipe), slow_step_(slow_step) {}

  base::Result<Loss> loss() override {
    exact::Builder b;
    models::Parameters parameters(b, "toy");
    const auto x = b.input("x", exact::Type::kF32, {recipe_.batch, kInputs});
    const auto weight = parameters.get("weight", {4, kInputs}, models::Initializer::normal(0.1F));
    const auto bias = parameters.get("bias", {4}, models::Initializer::constant(0.0F));
    const auto y = b.tanh(b.linear(x, weight, bias));
    const auto wanted = b.tanh(b.slice(x, 1, 0, 4));
    const auto error = b.sub(y, wanted);
    b.output("loss", b.reshape(b.mean(b.reshape(b.mul(error, error), {-1}), 0), {}));
    STARLING_ASSIGN(exact::Graph graph, b.finish());
    Loss made{{}, parameters.list()};
    made.graphs.push_back(std::move(graph));
    return made;
  }
  // Long work before the step of that number.
  base::Status prepare(exact::Engine&, std::uint64_t index, const Stop& stop) override {
    while (index / 2 == slow_step_) STARLING_TRY(stop());
    return {};
  }
  base::Result<Batch> batch(std::uint64_t index) override {
    exact::Tensor x(exact::Type::kF32, {recipe_.batch, kInputs});
    Draws draws(recipe_.seed, Purpose::kChoice, index);
    for (float& value : x.f32()) value = static_cast<float>(draws.below(2001)) / 1000.0F - 1.0F;
    Batch batch;
    batch.inputs.emplace("x", x);
    return batch;
  }
  base::Result<std::vector<Metric>> validate(exact::Engine&, const NamedTensors& weights) override {
    return std::vector<Metric>{{"first_weight", static_cast<double>(weights.at("toy/weight").f32()[0])}};
  }
  base::Status draw(exact::Engine&, const NamedTensors&, const std::filesystem::path&) override { return {}; }
  // The weights' bytes.
  base::Status save_model(exact::Engine&, const NamedTensors& weights, const std::filesystem::path& folder) override {
    STARLING_TRY(base::make_directories(folder / "vae"));
    return base::write_file(folder / "vae" / "weights", weights.at("toy/weight").bytes());
  }

 private:
  Recipe recipe_;
  std::uint64_t slow_step_;
};

inline Recipe toy_recipe(std::uint64_t steps) {
  Recipe recipe = default_recipe(ModelPart::kVae);
  recipe.gradients = 2;
  recipe.schedule = {.steps = steps, .warmup = 3, .decay = 5, .rate = 1e-2F, .final_fraction = 0.1F};
  return recipe;
}

}  // namespace starling::train
