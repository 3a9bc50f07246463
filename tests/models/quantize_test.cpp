#include "models/quantize.h"

#include <algorithm>
#include <cmath>
#include <limits>
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

  static std::string text_of(const std::filesystem::path& path) {
    const base::Bytes bytes = *base::read_file(path, 1 << 20);
    return {bytes.begin(), bytes.end()};
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

// Every edit that the root sees is a difference that is named; without one there is none.
TEST_F(QuantizeTest, AnyEditIsADifference) {
  const auto made = quantize(*source_, *source_->root(), engine_);
  ASSERT_TRUE(made.ok());
  EXPECT_EQ(*first_difference(*quantized_, *made), "");
  const auto edited = [&](const std::string& file, const std::string& from, const std::string& to) {
    const std::filesystem::path path = folder_ / "w8a8" / file;
    const std::string before = text_of(path);
    std::string after = before;
    EXPECT_NE(before.find(from), std::string::npos) << file;
    after.replace(before.find(from), from.size(), to);
    EXPECT_TRUE(base::write_file(path, base::as_bytes(after)).ok());
    const auto opened = Checkpoint::open(folder_ / "w8a8");
    EXPECT_TRUE(opened.ok()) << opened.error().message;
    std::string difference = opened.ok() ? *first_difference(*opened, *made) : "";
    EXPECT_TRUE(base::write_file(path, base::as_bytes(before)).ok());
    return difference;
  };
  EXPECT_EQ(edited("scheduler/scheduler_config.json", "\"shift\": ", "\"shift\": 1"),
            "the file 'scheduler/scheduler_config.json' differs");
  EXPECT_EQ(edited("transformer/config.json", "\"eps\": ", "\"eps\": 0.00"),
            "the file 'transformer/config.json' differs");
  const std::string words = source_->known_words().to_text();
  EXPECT_EQ(edited("tokenizer/known_words.txt", words.substr(0, words.find('\n') + 1), ""),
            "the file 'tokenizer/known_words.txt' differs");
  EXPECT_EQ(edited("model_index.json", "{", "{ "), "the file 'model_index.json' differs");

  // One weight more than the configuration asks for.
  const std::filesystem::path file = folder_ / "w8a8/vae/diffusion_pytorch_model.safetensors";
  const auto weights = WeightFiles::open_file(file);
  ASSERT_TRUE(weights.ok());
  std::vector<TensorSource> tensors{TensorSource::of("extra", Tensor(Type::kF32, {1}))};
  for (const std::string& name : weights->names()) tensors.push_back(TensorSource::of(name, *weights->tensor(name)));
  ASSERT_TRUE(write_safetensors(file, std::move(tensors), weights->metadata()).ok());
  EXPECT_EQ(*first_difference(*Checkpoint::open(folder_ / "w8a8"), *made), "the weight 'vae/extra' is one too many");
}

TEST_F(QuantizeTest, AShardedModelIsComparedAsWell) {
  auto made = quantize(*source_, *source_->root(), engine_);
  ASSERT_TRUE(made.ok());
  made->max_file_bytes = 20000;
  ASSERT_TRUE(write_checkpoint(folder_ / "shards", *made).ok());
  const auto written = Checkpoint::open(folder_ / "shards");
  ASSERT_TRUE(written.ok());
  EXPECT_EQ(*first_difference(*written, *made), "");
  EXPECT_NE(first_difference(*quantized_, *made)->find(".safetensors"), std::string::npos);
}

TEST_F(QuantizeTest, AConfigurationThatNamesAnotherProgramDoesNotOpen) {
  const std::filesystem::path path = folder_ / "w8a8/transformer/config.json";
  const std::string before = text_of(path);
  const auto refusal = [&](const std::string& from, const std::string& to) {
    std::string after = before;
    EXPECT_NE(before.find(from), std::string::npos);
    after.replace(before.find(from), from.size(), to);
    EXPECT_TRUE(base::write_file(path, base::as_bytes(after)).ok());
    const auto opened = Checkpoint::open(folder_ / "w8a8");
    EXPECT_FALSE(opened.ok());
    return opened.ok() ? std::string() : opened.error().message;
  };
  const std::string program = "\"" + quantized_->config().transformer.quantisation->program.hex() + "\"";
  const std::string other = refusal(program, "\"" + base::Hash().hex() + "\"");
  EXPECT_NE(other.find("are made by"), std::string::npos) << other;
  EXPECT_NE(other.find("starling model quantize"), std::string::npos) << other;
  for (const char* wrong : {"\"abc\"", "\"abcd\"", "7", "null", "{}"}) {
    const std::string text = refusal(program, wrong);
    EXPECT_NE(text.find("config.json: 'program' of quantization_config"), std::string::npos) << text;
  }
}

TEST_F(QuantizeTest, AWeightThatIsNotFiniteIsNamed) {
  NewCheckpoint damaged = tiny_model();
  const auto linear = std::ranges::find_if(
      damaged.weights, [](const auto& one) { return one.first == "transformer/blocks.1.attn1.to_q.weight"; });
  ASSERT_NE(linear, damaged.weights.end());
  ASSERT_TRUE(write_checkpoint(folder_ / "damaged", damaged).ok());
  const std::filesystem::path file = folder_ / "damaged/transformer/diffusion_pytorch_model.safetensors";
  const auto weights = WeightFiles::open_file(file);
  std::vector<TensorSource> tensors;
  for (const std::string& name : weights->names()) {
    Tensor tensor = *weights->tensor(name)->widened();
    if (name == "blocks.1.attn1.to_q.weight") {
      std::vector<float> values(tensor.f32().begin(), tensor.f32().end());
      values[3] = std::numeric_limits<float>::infinity();
      tensor = Tensor::from_f32(tensor.shape(), values);
    }
    tensors.push_back(TensorSource::of(name, tensor));
  }
  ASSERT_TRUE(write_safetensors(file, std::move(tensors), {}).ok());
  const Checkpoint model = *Checkpoint::open(folder_ / "damaged");
  const auto made = quantize(model, *model.root(), engine_);
  ASSERT_FALSE(made.ok());
  EXPECT_EQ(made.error().code, base::ErrorCode::kNonFinite);
  EXPECT_NE(made.error().message.find("'" + linear->first + "'"), std::string::npos) << made.error().message;
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
