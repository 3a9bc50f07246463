#include "generate/random_model.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "models/parameters.h"
#include "models/published.h"

namespace starling::generate {
namespace {

const std::vector<std::string> kSentences{"a red ball bounces", "a blue box slides", "the ball rolls"};

// The parts of a weight, one after another.
std::vector<float> values_of(const models::NewWeight& weight) {
  std::vector<float> values;
  const base::Status status = weight.parts([&](const exact::Tensor& part) {
    values.insert(values.end(), part.f32().begin(), part.f32().end());
    return base::Status{};
  });
  EXPECT_TRUE(status.ok());
  return values;
}

TEST(RandomModel, WeightsAreThoseOfTheInitialisationGraph) {
  exact::Engine engine = *exact::Engine::create({});
  const auto model = random_model(RandomModelSize::kTiny, kSentences, (std::uint64_t{7} << 32U) | 3U, engine);
  ASSERT_TRUE(model.ok()) << model.error().message;
  auto parameters = models::model_parameters(model->config);
  ASSERT_TRUE(parameters.ok()) << parameters.error().message;
  for (models::Parameter& parameter : *parameters) {
    if (parameter.initial.deviation == 0.0F) parameter.initial.deviation = 0.05F;
  }
  const auto graph = models::initialization_graph(*parameters);
  ASSERT_TRUE(graph.ok()) << graph.error().message;
  const auto plan = exact::Plan::make(*graph);
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  const std::vector<exact::Tensor> seed{exact::Tensor::from_i32({2}, std::vector<std::int32_t>{3, 7})};
  const auto values = engine.run(*plan, seed);
  ASSERT_TRUE(values.ok()) << values.error().message;
  ASSERT_EQ(values->size(), model->weights.size());
  for (std::size_t i = 0; i < values->size(); ++i) {
    const std::string& name = plan->graph().outputs()[i].name;
    EXPECT_TRUE(std::ranges::equal((*values)[i].f32(), values_of(model->weights.at(name)))) << name;
  }
}

// The parts of a large weight must join without a seam: 1536 × 8960 elements are made in four.
TEST(RandomModel, LargeWeightsAreMadeInParts) {
  exact::Engine engine = *exact::Engine::create({});
  const auto model = random_model(RandomModelSize::kWan21T2v1x3B, kSentences, 5, engine);
  ASSERT_TRUE(model.ok()) << model.error().message;
  models::Parameter wanted;
  const auto parameters = models::model_parameters(model->config);
  ASSERT_TRUE(parameters.ok()) << parameters.error().message;
  for (const models::Parameter& parameter : *parameters) {
    if (parameter.name == "transformer/blocks.29.ffn.net.2.weight") wanted = parameter;
  }
  ASSERT_EQ(wanted.shape, (exact::Shape{1536, 8960}));
  const auto plan = exact::Plan::make(*models::initialization_graph({wanted}));
  const std::vector<exact::Tensor> seed{exact::Tensor::from_i32({2}, std::vector<std::int32_t>{5, 0})};
  const auto values = engine.run(*plan, seed);
  ASSERT_TRUE(values.ok()) << values.error().message;
  EXPECT_TRUE(std::ranges::equal((*values)[0].f32(), values_of(model->weights.at(wanted.name))));
}

// Parameters of the published models, as their libraries count them (sum of numel).
TEST(RandomModel, WanHasThePublishedNumberOfParameters) {
  std::map<std::string, std::uint64_t> count;
  const auto parameters = models::model_parameters(models::wan_2_1_t2v_1_3b_config());
  ASSERT_TRUE(parameters.ok()) << parameters.error().message;
  for (const models::Parameter& parameter : *parameters) {
    count[parameter.name.substr(0, parameter.name.find('/'))] += static_cast<std::uint64_t>(parameter.shape.elements());
  }
  EXPECT_EQ(count["transformer"], 1'418'996'800U);
  EXPECT_EQ(count["vae"], 126'892'531U);
  EXPECT_EQ(count["text_encoder"], 5'680'910'336U);
}

}  // namespace
}  // namespace starling::generate
