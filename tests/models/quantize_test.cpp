#include "models/quantize.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/file.h"
#include "models/wan_transformer.h"
#include "temporary_folder.h"
#include "tiny_model.h"

namespace starling::models {
namespace {

using exact::Builder;
using exact::Tensor;
using exact::Type;

class QuantizeTest : public FolderTest {
 protected:
  void SetUp() override {
    ASSERT_TRUE(write_checkpoint(folder_ / "f32", tiny_model()).ok());
    source_.emplace(*Checkpoint::open(folder_ / "f32"));
    auto made = quantize(*source_, *source_->root(), engine_);
    ASSERT_TRUE(made.ok()) << made.error().message;
    ASSERT_TRUE(write_checkpoint(folder_ / "w8a8", *made).ok());
    auto written = Checkpoint::open(folder_ / "w8a8");
    ASSERT_TRUE(written.ok()) << written.error().message;
    quantized_.emplace(*std::move(written));
  }
  // What a transformer makes of the same inputs.
  std::vector<float> flow(const Checkpoint& model) {
    const ModelConfig& config = model.config();
    Builder b;
    Parameters weights(b, "transformer");
    const auto latents = b.input("latents", Type::kF32, {1, 2, 4, 4, config.transformer.in_channels});
    const auto times = b.input("times", Type::kF32, {1, 1});
    const auto text = b.input("text", Type::kF32, {1, 5, config.transformer.text_dim});
    const auto contexts = wan_text_contexts(weights, config.transformer, text);
    b.output("flow", wan_transformer(weights, config.transformer, latents, times, contexts));
    const exact::Graph graph = *b.finish();
    std::vector<Tensor> inputs;
    for (const exact::GraphInput& input : graph.inputs()) {
      if (input.name.find('/') != std::string::npos) {
        const Tensor weight = (*model.weights({&input, 1}))[0];
        inputs.push_back(input.type == Type::kF32 ? *weight.widened() : weight);
        continue;
      }
      std::vector<float> values(static_cast<std::size_t>(input.shape.elements()));
      for (std::size_t i = 0; i < values.size(); ++i) values[i] = std::sin(static_cast<float>(i + 1));
      inputs.push_back(Tensor::from_f32(input.shape, values));
    }
    const auto outputs = engine_.run(*exact::Plan::make(graph), inputs);
    EXPECT_TRUE(outputs.ok()) << outputs.error().message;
    const auto values = (*outputs)[0].f32();
    return {values.begin(), values.end()};
  }

  exact::Engine engine_ = *exact::Engine::create({});
  std::optional<Checkpoint> source_;
  std::optional<Checkpoint> quantized_;
};

TEST_F(QuantizeTest, LinearWeightsOfBlocksBecomeIntegersAndNothingElseChanges) {
  int integers = 0;
  const auto parameters = model_parameters(source_->config());
  for (const Parameter& parameter : *parameters) {
    const Tensor before = *source_->weight(parameter.name);
    const Tensor after = *quantized_->weight(parameter.name);
    ASSERT_EQ(after.shape(), before.shape());
    const bool linear = parameter.name.starts_with("transformer/blocks.") && parameter.name.ends_with(".weight") &&
                        before.shape().rank() == 2;
    EXPECT_EQ(after.type(), linear ? Type::kI8 : before.type()) << parameter.name;
    if (!linear) {
      EXPECT_TRUE(std::ranges::equal(before.bytes(), after.bytes())) << parameter.name;
      continue;
    }
    ++integers;
    const Tensor wide = *before.widened();
    const Tensor scale = *quantized_->weight(parameter.name + "_scale");
    ASSERT_EQ(scale.shape(), (exact::Shape{before.shape()[0]}));
    const std::int64_t columns = before.shape()[1];
    for (std::int64_t i = 0; i < before.elements(); ++i) {
      const auto at = static_cast<std::size_t>(i);
      const float step = scale.f32()[static_cast<std::size_t>(i / columns)];
      ASSERT_NEAR(static_cast<float>(after.i8()[at]) * step, wide.f32()[at], 0.501F * step) << parameter.name;
    }
  }
  EXPECT_EQ(integers, 2 * 10);
  const auto& quantisation = quantized_->config().transformer.quantisation;
  ASSERT_TRUE(quantisation.has_value());
  EXPECT_EQ(quantisation->source, *source_->root());
  EXPECT_EQ(quantisation->program, quantization_program(source_->config())->root());
}

TEST_F(QuantizeTest, ItsTransformerIsNearTheOneItWasMadeOf) {
  const std::vector<float> exact = flow(*source_);
  const std::vector<float> near = flow(*quantized_);
  ASSERT_EQ(near.size(), exact.size());
  double error = 0;
  double energy = 0;
  for (std::size_t i = 0; i < exact.size(); ++i) {
    error += std::pow(static_cast<double>(near[i]) - exact[i], 2);
    energy += std::pow(static_cast<double>(exact[i]), 2);
  }
  EXPECT_GT(error, 0) << "nothing was quantised";
  EXPECT_LT(error, 1e-3 * energy);
}

TEST_F(QuantizeTest, WhatIsQuantisedIsNotQuantisedAgain) {
  const auto again = quantize(*quantized_, *quantized_->root(), engine_);
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().code, base::ErrorCode::kUnsupported);
}

TEST_F(QuantizeTest, IntegersWithoutTheirConfigurationAreRefused) {
  const TransformerConfig plain = source_->config().transformer;
  ASSERT_TRUE(
      base::write_file(folder_ / "w8a8/transformer/config.json", base::as_bytes(write_transformer_config(plain))).ok());
  const auto opened = Checkpoint::open(folder_ / "w8a8");
  ASSERT_FALSE(opened.ok());
  EXPECT_NE(opened.error().message.find("asks for floating point"), std::string::npos) << opened.error().message;
}

}  // namespace
}  // namespace starling::models
