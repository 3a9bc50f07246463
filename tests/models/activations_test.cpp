// Our graphs against what diffusers and transformers compute from the same weights and inputs.
//
// Tolerance: both sides round f32 (unit roundoff 6e-8) and differ in the order of sums and in the last bits of exp, sin
// and tanh. Some twenty layers with sums of up to 500 terms add up to a few 1e-6 of the largest activation; measured
// are 2e-7 to 2.4e-6 (docs/models.md). A wrong term anywhere gives 1e-2 and more.
#include <gtest/gtest.h>

#include "fixture.h"
#include "models/umt5.h"
#include "models/wan_transformer.h"
#include "models/wan_vae.h"

namespace starling::models {
namespace {

using exact::Builder;
using exact::Tensor;
using exact::Type;
using Value = Builder::Value;

constexpr double kTolerance = 1e-5;

Value input(Builder& b, const std::string& name, const Tensor& tensor) {
  return b.input(name, tensor.type(), tensor.shape());
}

exact::Graph finished(Builder& b) {
  auto graph = b.finish();
  if (!graph.ok()) throw std::runtime_error(graph.error().message);
  return *graph;
}

TEST(Activations, Umt5) {
  const Fixture fixture("umt5");
  auto config = parse_umt5_config(fixture.config());
  ASSERT_TRUE(config.ok()) << config.error().message;
  Builder b;
  Parameters parameters(b, "text_encoder");
  b.output("states",
           umt5_encode(parameters, *config, input(b, "ids", fixture["in.ids"]), input(b, "mask", fixture["in.mask"])));
  const auto out = run(finished(b), fixture, {{"ids", fixture["in.ids"]}, {"mask", fixture["in.mask"]}});
  EXPECT_LT(relative_error(out.at("states"), fixture["out.states"]), kTolerance);
  EXPECT_EQ(parameters.list().size() + 3, fixture.files().names().size()) << "every weight is used";
}

TEST(Activations, TransformerWithTimestepsByFrameAndByClip) {
  const Fixture fixture("transformer");
  auto config = parse_transformer_config(fixture.config());
  ASSERT_TRUE(config.ok()) << config.error().message;
  const Tensor by_frame = fixture["in.timesteps"];
  const std::vector<float> last{by_frame.f32()[2], by_frame.f32()[5]};
  const Tensor by_clip = Tensor::from_f32({2, 1}, last);
  for (const auto& [timesteps, expected] : {std::pair(by_frame, "out.by_frame"), std::pair(by_clip, "out.by_clip")}) {
    Builder b;
    Parameters parameters(b, "transformer");
    const auto contexts = wan_text_contexts(parameters, *config, input(b, "text", fixture["in.text"]));
    b.output("flow", wan_transformer(parameters, *config, input(b, "latents", fixture["in.latents"]),
                                     input(b, "timesteps", timesteps), contexts));
    const auto out = run(finished(b), fixture,
                         {{"latents", fixture["in.latents"]}, {"text", fixture["in.text"]}, {"timesteps", timesteps}});
    EXPECT_LT(relative_error(out.at("flow"), fixture[expected]), kTolerance);
    EXPECT_EQ(parameters.list().size() + 5, fixture.files().names().size()) << "every weight is used";
  }
}

class VaeActivations : public testing::TestWithParam<const char*> {
 protected:
  VaeActivations() : fixture_(GetParam()), config_(*parse_vae_config(fixture_.config())) {}
  Fixture fixture_;
  VaeConfig config_;
};

NamedTensors clamped(NamedTensors tensors) {
  for (float& x : tensors.at("video").f32()) x = std::clamp(x, -1.0F, 1.0F);
  return tensors;
}

TEST_P(VaeActivations, WholeClip) {
  Builder b;
  Parameters parameters(b, "vae");
  b.output("moments", vae_encode(parameters, config_, input(b, "in.video", fixture_["in.video"]), ClipPart::whole()));
  b.output("video", vae_decode(parameters, config_, input(b, "in.latents", fixture_["in.latents"]), ClipPart::whole()));
  const auto out = clamped(run(finished(b), fixture_, {}));
  EXPECT_LT(relative_error(out.at("moments"), fixture_["out.moments"]), kTolerance);
  EXPECT_LT(relative_error(out.at("video"), fixture_["out.video"]), kTolerance);
  EXPECT_EQ(parameters.list().size() + 4, fixture_.files().names().size()) << "every weight is used";
}

// Slices frames [start, start + count) of x[1, T, ...].
Tensor frames(const Tensor& x, std::int64_t start, std::int64_t count) {
  exact::Shape shape = x.shape();
  const auto frame = static_cast<std::size_t>(x.elements() / shape[1]);
  shape.set(1, count);
  return Tensor::from_f32(
      shape, x.f32().subspan(static_cast<std::size_t>(start) * frame, static_cast<std::size_t>(count) * frame));
}

// Runs a clip part by part and gives all output frames one after another.
template <typename Build>
std::vector<float> by_parts(const Fixture& fixture, const Tensor& in, std::int64_t step, std::int64_t frames_at_a_time,
                            const Build& build) {
  std::vector<float> all;
  NamedTensors carried;
  for (std::int64_t start = 0; start < in.shape()[1];) {
    const std::int64_t count = start == 0 ? 1 : std::min(step * frames_at_a_time, in.shape()[1] - start);
    const Tensor piece = frames(in, start, count);
    Builder b;
    Parameters parameters(b, "vae");
    b.output("out", build(parameters, input(b, "in", piece), start == 0 ? ClipPart::first() : ClipPart::later()));
    carried["in"] = piece;
    carried = run(finished(b), fixture, carried);
    all.insert(all.end(), carried["out"].f32().begin(), carried["out"].f32().end());
    start += count;
  }
  return all;
}

template <typename Build>
std::vector<float> whole(const Fixture& fixture, const Tensor& in, const Build& build) {
  Builder b;
  Parameters parameters(b, "vae");
  b.output("out", build(parameters, input(b, "in", in), ClipPart::whole()));
  const Tensor out = run(finished(b), fixture, {{"in", in}})["out"];
  return {out.f32().begin(), out.f32().end()};
}

TEST_P(VaeActivations, PartsGiveTheBitsOfTheWhole) {
  const auto encode = [&](Parameters& p, Value x, ClipPart part) { return vae_encode(p, config_, x, part); };
  const auto decode = [&](Parameters& p, Value x, ClipPart part) { return vae_decode(p, config_, x, part); };
  const Tensor video = fixture_["in.video"];
  const Tensor latents = fixture_["in.latents"];
  EXPECT_EQ(by_parts(fixture_, video, config_.temporal_stride(), 1, encode), whole(fixture_, video, encode));
  EXPECT_EQ(by_parts(fixture_, latents, 1, 1, decode), whole(fixture_, latents, decode));
  EXPECT_EQ(by_parts(fixture_, latents, 1, 2, decode), whole(fixture_, latents, decode));
}

INSTANTIATE_TEST_SUITE_P(Forms, VaeActivations, testing::Values("vae_2_1", "vae_2_2"),
                         [](const auto& info) { return std::string(info.param); });

TEST(Activations, ShapesThatDoNotFitAreErrors) {
  const VaeConfig config = *parse_vae_config(Fixture("vae_2_2").config());
  for (const exact::Shape& shape : {exact::Shape{1, 8, 16, 16, 3}, {1, 9, 12, 16, 3}, {1, 9, 16, 16, 4}, {9, 16, 3}}) {
    Builder b;
    Parameters parameters(b, "vae");
    b.output("out", vae_encode(parameters, config, b.input("in", Type::kF32, shape), ClipPart::whole()));
    EXPECT_FALSE(b.finish().ok()) << shape.text();
  }
}

}  // namespace
}  // namespace starling::models
