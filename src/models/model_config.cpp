#include "models/checkpoint.h"
#include "models/umt5.h"
#include "models/wan_transformer.h"
#include "models/wan_vae.h"

namespace starling::models {
namespace {

using exact::Builder;
using exact::Type;
using Value = Builder::Value;

constexpr std::int64_t kMaxTextLength = 4096;

base::Error mismatch(const std::string& what, std::int64_t first, std::int64_t second) {
  return base::corrupt("the model's parts do not fit each other: " + what + " (" + std::to_string(first) + " against " +
                       std::to_string(second) + ").");
}

// Builds the smallest graph of one component for the sake of its parameters.
template <typename Build>
base::Status collect(std::vector<Parameter>& all, const char* component, const Build& build) {
  Builder b;
  Parameters parameters(b, component);
  b.output("out", build(b, parameters));
  const auto graph = b.finish();
  if (!graph.ok()) return graph.error();
  all.insert(all.end(), parameters.list().begin(), parameters.list().end());
  return {};
}

}  // namespace

base::Status validate(const ModelConfig& config) {
  STARLING_TRY(validate(config.scheduler));
  STARLING_TRY(validate(config.text_encoder));
  STARLING_TRY(validate(config.transformer));
  STARLING_TRY(validate(config.vae));
  if (config.transformer.text_dim != config.text_encoder.d_model) {
    return mismatch("text width", config.transformer.text_dim, config.text_encoder.d_model);
  }
  if (config.transformer.in_channels != config.vae.z_dim) {
    return mismatch("latent channels in", config.transformer.in_channels, config.vae.z_dim);
  }
  if (config.transformer.out_channels != config.vae.z_dim) {
    return mismatch("latent channels out", config.transformer.out_channels, config.vae.z_dim);
  }
  if (config.text_length < 1 || config.text_length > kMaxTextLength) {
    return base::corrupt("the tokenizer's length must be from 1 to " + std::to_string(kMaxTextLength) + " tokens.");
  }
  return {};
}

base::Result<std::vector<Parameter>> model_parameters(const ModelConfig& config) {
  STARLING_TRY(validate(config));
  std::vector<Parameter> all;
  STARLING_TRY(collect(all, "text_encoder", [&](Builder& b, Parameters& parameters) {
    return umt5_encode(parameters, config.text_encoder, b.input("ids", Type::kI32, {1, 2}),
                       b.input("mask", Type::kF32, {1, 2}));
  }));
  STARLING_TRY(collect(all, "transformer", [&](Builder& b, Parameters& parameters) {
    const auto [pt, ph, pw] = config.transformer.patch_size;
    const Value text = b.input("text", Type::kF32, {1, 2, config.transformer.text_dim});
    const auto contexts = wan_text_contexts(parameters, config.transformer, text);
    const Value latents = b.input("latents", Type::kF32, {1, pt, ph, pw, config.transformer.in_channels});
    return wan_transformer(parameters, config.transformer, latents, b.input("timesteps", Type::kF32, {1, 1}), contexts);
  }));
  STARLING_TRY(collect(all, "vae", [&](Builder& b, Parameters& parameters) {
    const VaeConfig& vae = config.vae;
    const std::int64_t side = vae.spatial_stride();
    const std::int64_t channels = vae.in_channels / (vae.patch_size * vae.patch_size);
    const Value video = b.input("video", Type::kF32, {1, vae.frames(2), side, side, channels});
    const Value latents = b.input("latents", Type::kF32, {1, 2, 1, 1, vae.z_dim});
    const Value moments = vae_encode(parameters, vae, video, ClipPart::whole());
    const Value decoded = vae_decode(parameters, vae, latents, ClipPart::whole());
    return b.concat(
        {b.reshape(moments, {b.shape(moments).elements()}), b.reshape(decoded, {b.shape(decoded).elements()})}, 0);
  }));
  return all;
}

}  // namespace starling::models
