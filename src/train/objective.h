#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "exact/engine.h"
#include "exact/graph.h"
#include "models/parameters.h"
#include "train/state.h"

namespace starling::train {

// A measured number and its name, such as {"psnr_db", 30.1}.
using Metric = std::pair<std::string, double>;

using Stop = std::function<base::Status()>;

// A loss of the same parameters for each shape of data.
struct Loss {
  std::vector<exact::Graph> graphs;           // at least one; output: "loss" (one element, f32)
  std::vector<models::Parameter> parameters;  // graph inputs of those names; every other input comes from batch()
  NamedTensors start = {};                    // where parameters begin that do not begin with their initialisers
};

// The data of one gradient.
struct Batch {
  std::size_t graph = 0;  // of Loss::graphs, which takes these
  NamedTensors inputs;
};

// What is trained: a loss, its data, and how its progress is measured. Everything is a function of the recipe and of
// the arguments alone.
class Objective {
 public:
  virtual ~Objective() = default;
  Objective() = default;
  Objective(const Objective&) = delete;
  Objective& operator=(const Objective&) = delete;

  virtual base::Result<Loss> loss() = 0;
  // Makes the data that batch(index) reads ready. Called with ascending indices, never while batch() runs. Asks `stop`
  // every few clips and ends with its error; what is ready then stays so.
  virtual base::Status prepare(exact::Engine& engine, std::uint64_t index, const Stop& stop) = 0;
  // Those of gradient number `index` of the run. Called on a thread of its own, for one index at a time.
  virtual base::Result<Batch> batch(std::uint64_t index) = 0;
  // Measured on held-out clips, always the same ones with the same noise; the first metric is the one to watch.
  virtual base::Result<std::vector<Metric>> validate(exact::Engine& engine, const NamedTensors& weights) = 0;
  // Writes PNG files that let a person see how good the weights are, named after what they show.
  virtual base::Status draw(exact::Engine& engine, const NamedTensors& weights,
                            const std::filesystem::path& folder) = 0;
  // Writes what was trained in diffusers' layout, for use beside training, into a folder of that folder.
  virtual base::Status save_model(exact::Engine& engine, const NamedTensors& weights,
                                  const std::filesystem::path& folder) = 0;
};

}  // namespace starling::train
