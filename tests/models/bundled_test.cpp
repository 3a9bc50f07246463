#include "models/bundled.h"

#include <gtest/gtest.h>

#include "models/umt5.h"
#include "models/wan_transformer.h"
#include "models/wan_vae.h"

namespace starling::models {
namespace {

using exact::Builder;
using exact::Type;

struct Size {
  double parameters;
  double multiply_adds;
};

template <typename Build>
Size measure(const Build& build) {
  Builder b;
  Parameters parameters(b, "x");
  b.output("out", build(b, parameters));
  auto graph = b.finish();
  if (!graph.ok()) throw std::runtime_error(graph.error().message);
  Size size{0.0, static_cast<double>(graph->work().f32_multiply_adds)};
  for (const Parameter& parameter : parameters.list())
    size.parameters += static_cast<double>(parameter.shape.elements());
  return size;
}

// Training was planned for these sizes on two cores; a change of configuration must be meant.
TEST(Bundled, IsAsSmallAsPlanned) {
  const Size encoder = measure([](Builder& b, Parameters& p) {
    return vae_encode(p, bundled_vae_config(), b.input("in", Type::kF32, {1, 17, 64, 64, 3}), ClipPart::whole());
  });
  const Size decoder = measure([](Builder& b, Parameters& p) {
    return vae_decode(p, bundled_vae_config(), b.input("in", Type::kF32, {1, 5, 8, 8, 16}), ClipPart::whole());
  });
  const Size text = measure([](Builder& b, Parameters& p) {
    return umt5_encode(p, bundled_umt5_config(kBundledVocabulary), b.input("ids", Type::kI32, {1, kBundledTextLength}),
                       b.input("mask", Type::kF32, {1, kBundledTextLength}));
  });
  const Size transformer = measure([](Builder& b, Parameters& p) {
    const auto config = bundled_transformer_config();
    const auto contexts =
        wan_text_contexts(p, config, b.input("text", Type::kF32, {1, kBundledTextLength, config.text_dim}));
    return wan_transformer(p, config, b.input("latents", Type::kF32, {1, 5, 8, 8, 16}),
                           b.input("timesteps", Type::kF32, {1, 5}), contexts);
  });
  EXPECT_LT(encoder.parameters + decoder.parameters, 2.8e6);
  EXPECT_LT(encoder.multiply_adds, 1.9e9);
  EXPECT_LT(decoder.multiply_adds, 4.8e9);
  EXPECT_LT(text.parameters, 0.5e6);
  EXPECT_LT(transformer.parameters, 5.0e6);
  EXPECT_LT(transformer.multiply_adds, 0.5e9);
}

}  // namespace
}  // namespace starling::models
