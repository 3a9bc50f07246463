#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "exact/engine.h"
#include "models/safetensors.h"

namespace starling::models {

// A file that make_fixture.py wrote: weights, inputs and expected outputs.
class Fixture {
 public:
  explicit Fixture(const std::string& name) {
    auto files = WeightFiles::open_file(std::string(STARLING_TEST_DATA) + "/" + name + ".safetensors");
    if (!files.ok()) throw std::runtime_error(files.error().message);
    files_ = *std::move(files);
  }
  std::string config() const { return files_.metadata().at("config"); }
  exact::Tensor operator[](const std::string& name) const {
    auto tensor = files_.tensor(name);
    if (!tensor.ok()) throw std::runtime_error(tensor.error().message);
    return *tensor;
  }
  const WeightFiles& files() const { return files_; }

 private:
  WeightFiles files_;
};

using NamedTensors = std::map<std::string, exact::Tensor>;

// Runs the graph with inputs by name, from `given` or else from the fixture's weights. Outputs by name.
inline NamedTensors run(const exact::Graph& graph, const Fixture& fixture, const NamedTensors& given) {
  std::vector<exact::Tensor> inputs;
  for (const exact::GraphInput& input : graph.inputs()) {
    const auto found = given.find(input.name);
    inputs.push_back(found != given.end() ? found->second : fixture[input.name]);
  }
  auto engine = exact::Engine::create({"", 1});
  auto plan = exact::Plan::make(graph);
  if (!engine.ok() || !plan.ok()) throw std::runtime_error("no engine or no plan");
  auto outputs = engine->run(*plan, inputs);
  if (!outputs.ok()) throw std::runtime_error(outputs.error().message);
  NamedTensors named;
  for (std::size_t i = 0; i < outputs->size(); ++i) named[graph.outputs()[i].name] = (*outputs)[i];
  return named;
}

// The largest difference, over the largest expected magnitude.
inline double relative_error(const exact::Tensor& actual, const exact::Tensor& expected) {
  EXPECT_EQ(actual.shape().text(), expected.shape().text());
  double difference = 0.0;
  double magnitude = 0.0;
  for (std::size_t i = 0; i < static_cast<std::size_t>(expected.elements()); ++i) {
    const double error = std::fabs(static_cast<double>(actual.f32()[i]) - expected.f32()[i]);
    difference = std::isfinite(error) ? std::max(difference, error) : INFINITY;
    magnitude = std::max(magnitude, std::fabs(static_cast<double>(expected.f32()[i])));
  }
  testing::Test::RecordProperty("relative_error", std::to_string(difference / magnitude));
  return difference / magnitude;
}

}  // namespace starling::models
