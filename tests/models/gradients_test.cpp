// The graphs can be trained: gradients exist, are finite, and say how a loss changes.
#include <gtest/gtest.h>

#include <cmath>

#include "exact/autodiff.h"
#include "fixture.h"
#include "models/layers.h"
#include "models/umt5.h"
#include "models/wan_transformer.h"
#include "models/wan_vae.h"

namespace starling::models {
namespace {

using exact::Builder;
using exact::Tensor;
using Value = Builder::Value;

// A step along the gradient changes the loss by the gradient's square, up to the step's second order (2 % here) and the
// rounding of the two losses.
constexpr double kGradientTolerance = 0.05;
constexpr double kChange = 1e-2;  // of the loss

template <typename Build>
void check_gradients(const Fixture& fixture, const char* component, const NamedTensors& inputs, const Build& build) {
  Builder b;
  Parameters parameters(b, component);
  NamedTensors given;
  std::map<std::string, Value> values;
  for (const auto& [name, tensor] : inputs) {
    given[name] = tensor;
    values[name] = b.input(name, tensor.type(), tensor.shape());
  }
  const Value out = build(parameters, values);
  const Value square = b.mul(out, out);
  b.output("loss", b.reshape(b.mean(b.reshape(square, {b.shape(out).elements()}), 0), exact::Shape{}));
  const auto graph = b.finish();
  ASSERT_TRUE(graph.ok()) << graph.error().message;
  std::vector<std::string> names;
  for (const Parameter& parameter : parameters.list()) names.push_back(parameter.name);
  const auto differentiated = exact::differentiate(*graph, "loss", names);
  ASSERT_TRUE(differentiated.ok()) << differentiated.error().message;

  const NamedTensors gradients = run(*differentiated, fixture, given);
  double square_length = 0.0;
  for (const std::string& name : names) {
    double length = 0.0;
    for (const float value : gradients.at("d." + name).f32()) length += static_cast<double>(value) * value;
    EXPECT_GT(length, 0.0) << name << " has no gradient";
    square_length += length;
  }
  const auto loss_at = [&](double step) {
    NamedTensors moved = given;
    for (const std::string& name : names) {
      const Tensor weight = fixture[name];
      std::vector<float> values(weight.f32().begin(), weight.f32().end());
      const auto gradient = gradients.at("d." + name).f32();
      for (std::size_t i = 0; i < values.size(); ++i) values[i] += static_cast<float>(step * gradient[i]);
      moved[name] = Tensor::from_f32(weight.shape(), values);
    }
    return static_cast<double>(run(*graph, fixture, moved).at("loss").f32()[0]);
  };
  const double step = kChange * gradients.at("loss").f32()[0] / square_length;
  const double slope = (loss_at(step) - loss_at(-step)) / (2.0 * step);
  EXPECT_NEAR(slope / square_length, 1.0, kGradientTolerance);
}

TEST(Gradients, Umt5) {
  const Fixture fixture("umt5");
  const auto config = *parse_umt5_config(fixture.config());
  check_gradients(fixture, "text_encoder", {{"ids", fixture["in.ids"]}, {"mask", fixture["in.mask"]}},
                  [&](Parameters& p, auto& in) { return umt5_encode(p, config, in["ids"], in["mask"]); });
}

TEST(Gradients, Transformer) {
  const Fixture fixture("transformer");
  const auto config = *parse_transformer_config(fixture.config());
  check_gradients(fixture, "transformer",
                  {{"latents", fixture["in.latents"]}, {"text", fixture["in.text"]}, {"t", fixture["in.timesteps"]}},
                  [&](Parameters& p, auto& in) {
                    return wan_transformer(p, config, in["latents"], in["t"], wan_text_contexts(p, config, in["text"]));
                  });
}

TEST(Gradients, Autoencoder) {
  for (const char* name : {"vae_2_1", "vae_2_2"}) {
    const Fixture fixture(name);
    const auto config = *parse_vae_config(fixture.config());
    check_gradients(fixture, "vae", {{"video", fixture["in.video"]}}, [&](Parameters& p, auto& in) {
      const Value moments = vae_encode(p, config, in["video"], ClipPart::whole());
      Builder& b = p.builder();
      const Value mean = b.slice(moments, 4, 0, config.z_dim);
      const Value log_variance = b.slice(moments, 4, config.z_dim, config.z_dim);
      return vae_decode(p, config, b.add(mean, log_variance), ClipPart::whole());
    });
  }
}

TEST(Attention, BlocksOfQueriesGiveTheSameBits) {
  const auto run_with = [](std::int64_t max_scores) {
    Builder b;
    const Value seed = b.input("seed", exact::Type::kI32, {2});
    const Value q = b.normal(seed, 1, {1, 2, 200, 8});
    const Value k = b.normal(seed, 2, {1, 2, 30, 8});
    const Value v = b.normal(seed, 3, {1, 2, 8, 30});
    const Value bias = b.normal(seed, 4, {1, 2, 200, 30});
    b.output("out", attention(b, q, k, v, &bias, max_scores));
    const auto graph = b.finish();
    const std::vector<std::int32_t> number{1, 2};
    const auto out = exact::run_reference(*graph, std::vector{Tensor::from_i32({2}, number)});
    return std::vector<float>((*out)[0].f32().begin(), (*out)[0].f32().end());
  };
  EXPECT_EQ(run_with(1), run_with(kMaxScores));
}

}  // namespace
}  // namespace starling::models
