#include "train/trained_vae.h"

#include <cmath>

#include "base/file.h"
#include "models/checkpoint.h"
#include "models/safetensors.h"
#include "models/wan_vae.h"
#include "train/clip_batch.h"

namespace starling::train {
namespace {

using exact::Builder;
using exact::Tensor;
using exact::Type;

constexpr const char* kConfigFile = "config.json";
constexpr const char* kStem = "diffusion_pytorch_model";
constexpr std::string_view kPrefix = "vae/";
constexpr std::size_t kMaxConfig = std::size_t{1} << 20;
constexpr std::uint64_t kMaxWeightsFile = std::uint64_t{4} << 30;

base::Result<std::vector<models::Parameter>> vae_parameters(const models::VaeConfig& config) {
  Builder b;
  models::Parameters parameters(b, "vae");
  const std::int64_t size = config.spatial_stride();
  const auto video = b.input("video", Type::kF32, {1, config.frames(2), size, size, 3});
  const auto moments = models::vae_encode(parameters, config, video, models::ClipPart::whole());
  b.output("video",
           models::vae_decode(parameters, config, b.slice(moments, -1, 0, config.z_dim), models::ClipPart::whole()));
  STARLING_TRY(b.finish());
  return parameters.list();
}

base::Result<NamedTensors> rounded(const NamedTensors& weights) {
  NamedTensors result;
  for (const auto& [name, tensor] : weights) {
    STARLING_ASSIGN(const Tensor narrow, tensor.rounded(Type::kF16));
    STARLING_ASSIGN(Tensor wide, narrow.widened());
    result.emplace(name, std::move(wide));
  }
  return result;
}

base::Hash vae_hash(const models::VaeConfig& config, const NamedTensors& weights, bool encoder_only) {
  base::Sha256 hash;
  hash.update(base::as_bytes(models::write_vae_config(config)));
  for (const auto& [name, tensor] : weights) {
    if (encoder_only && !is_encoder_parameter(name)) continue;
    hash.update(base::as_bytes(name));
    hash.update(tensor.bytes());
  }
  return hash.finish();
}

// Sets latents_mean and latents_std.
base::Status measure(exact::Engine& engine, models::VaeConfig& config, const NamedTensors& weights,
                     const Dataset& dataset, const ClipShape& shape, std::int64_t clips) {
  STARLING_ASSIGN(const VaeEncoder encoder, VaeEncoder::make(config, weights, shape));
  const auto channels = static_cast<std::size_t>(config.z_dim);
  std::vector<double> sum(channels, 0.0);
  std::vector<double> square(channels, 0.0);
  double count = 0.0;
  for (std::int64_t first = 0; first < clips; first += VaeEncoder::kClips) {
    STARLING_ASSIGN(const Tensor video, VaeEncoder::draw(dataset, shape, static_cast<std::uint64_t>(first)));
    STARLING_ASSIGN(const Tensor latents, encoder.encode(engine, video));
    const auto values = latents.f32();
    for (std::size_t i = 0; i < values.size(); ++i) {
      const auto value = static_cast<double>(values[i]);
      sum[i % channels] += value;
      square[i % channels] += value * value;
    }
    const std::size_t pixels = values.size() / channels;
    count += static_cast<double>(pixels);
  }
  for (std::size_t channel = 0; channel < channels; ++channel) {
    const double mean = sum[channel] / count;
    const double variance = std::max(square[channel] / count - mean * mean, 1e-12);
    config.latents_mean[channel] = static_cast<float>(mean);
    config.latents_std[channel] = static_cast<float>(std::sqrt(variance));
  }
  return {};
}

}  // namespace

bool is_encoder_parameter(std::string_view name) {
  return name.starts_with("vae/encoder.") || name.starts_with("vae/quant_conv.");
}

base::Result<VaeEncoder> VaeEncoder::make(const models::VaeConfig& config, const NamedTensors& weights,
                                          const ClipShape& shape) {
  Builder b;
  models::Parameters parameters(b, "vae");
  const auto video = b.input("video", Type::kF32, {kClips, shape.frames, shape.height, shape.width, 3});
  const auto moments = models::vae_encode(parameters, config, video, models::ClipPart::whole());
  b.output("latents", b.slice(moments, -1, 0, config.z_dim));
  STARLING_ASSIGN(exact::Graph graph, b.finish());
  NamedTensors tensors = weights;
  tensors.insert_or_assign("video", Tensor(Type::kF32, {kClips, shape.frames, shape.height, shape.width, 3}));
  STARLING_ASSIGN(std::vector<Tensor> inputs, bind_inputs(graph, tensors));
  const auto place = static_cast<std::size_t>(graph.find_input("video"));
  STARLING_ASSIGN(exact::Plan plan, exact::Plan::make(std::move(graph)));
  VaeEncoder encoder(std::move(plan));
  encoder.inputs_ = std::move(inputs);
  encoder.video_ = place;
  return encoder;
}

base::Result<Tensor> VaeEncoder::encode(exact::Engine& engine, const Tensor& video) const {
  std::vector<Tensor> inputs = inputs_;
  inputs[video_] = video;
  STARLING_ASSIGN(const std::vector<Tensor> outputs, engine.run(plan_, inputs));
  return outputs[0];
}

base::Result<Tensor> VaeEncoder::draw(const Dataset& dataset, const ClipShape& shape, std::uint64_t first) {
  STARLING_ASSIGN(Tensor video, Tensor::allocate(Type::kF32, {kClips, shape.frames, shape.height, shape.width, 3}));
  const std::size_t clip_values = video.f32().size() / static_cast<std::size_t>(kClips);
  for (std::uint64_t i = 0; i < static_cast<std::uint64_t>(kClips); ++i) {
    STARLING_ASSIGN(const Clip clip, dataset.clip(first + i));
    const Crop whole{0, 0, shape.height, shape.width};
    copy_crop(clip.rgb, shape, whole, video.f32().subspan(i * clip_values, clip_values));
  }
  return video;
}

base::Status measure_and_save_vae(exact::Engine& engine, const std::filesystem::path& folder, models::VaeConfig config,
                                  const NamedTensors& weights, const Dataset& dataset, const ClipShape& shape,
                                  std::int64_t clips) {
  STARLING_ASSIGN(const NamedTensors stored, rounded(weights));
  STARLING_TRY(measure(engine, config, stored, dataset, shape, clips));
  return save_vae(folder, config, stored);
}

base::Status save_vae(const std::filesystem::path& folder, const models::VaeConfig& config,
                      const NamedTensors& weights) {
  STARLING_TRY(base::make_directories(folder));
  std::vector<models::TensorSource> sources;
  for (const auto& [name, tensor] : weights) {
    STARLING_ASSIGN(Tensor narrow, tensor.rounded(Type::kF16));
    sources.push_back(models::TensorSource::of(name.substr(kPrefix.size()), std::move(narrow)));
  }
  STARLING_TRY(models::write_weights(folder, kStem, std::move(sources), kMaxWeightsFile));
  return base::write_file(folder / kConfigFile, base::as_bytes(models::write_vae_config(config)));
}

namespace {

base::Result<TrainedVae> read_vae(const std::filesystem::path& folder) {
  TrainedVae vae;
  STARLING_ASSIGN(const std::string text, base::read_text_file(folder / kConfigFile, kMaxConfig));
  STARLING_ASSIGN(vae.config, models::parse_vae_config(text));
  STARLING_ASSIGN(const std::vector<models::Parameter> parameters, vae_parameters(vae.config));
  STARLING_ASSIGN(const models::WeightFiles files, models::WeightFiles::open(folder, kStem));
  for (const models::Parameter& parameter : parameters) {
    const std::string name = parameter.name.substr(kPrefix.size());
    const models::TensorEntry* entry = files.find(name);
    if (entry == nullptr || !(entry->shape == parameter.shape)) {
      return base::corrupt("the autoencoder in '" + folder.string() + "' has no tensor '" + name + "' of shape " +
                           parameter.shape.text());
    }
    STARLING_ASSIGN(const Tensor stored, files.tensor(name));
    STARLING_ASSIGN(Tensor wide, stored.widened());
    vae.weights.emplace(parameter.name, std::move(wide));
  }
  vae.hash = vae_hash(vae.config, vae.weights, false);
  vae.latent_hash = vae_hash(vae.config, vae.weights, true);
  return vae;
}

}  // namespace

base::Result<TrainedVae> load_vae(const std::filesystem::path& folder) {
  base::Result<TrainedVae> vae = read_vae(folder);
  if (!vae.ok()) {
    return models::with_remedy(vae.error(), "give the folder \"vae\" of a run of starling train vae.");
  }
  return vae;
}

}  // namespace starling::train
