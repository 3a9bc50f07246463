#include "train/vae_objective.h"

#include <cmath>

#include "models/bundled.h"
#include "models/wan_vae.h"
#include "train/clip_batch.h"
#include "train/draws.h"
#include "video/frames.h"
#include "video/picture.h"

namespace starling::train {
namespace {

using exact::Builder;
using exact::Plan;
using exact::Shape;
using exact::Tensor;
using exact::Type;
using Value = Builder::Value;

// diffusers' bounds of a posterior's log-variance.
constexpr float kLeastLogVariance = -30.0F;
constexpr float kMostLogVariance = 20.0F;
constexpr std::int64_t kValidationClips = 16;
constexpr std::int64_t kClipsAtOnce = 4;
constexpr std::int64_t kMeasuredClips = 128;
constexpr std::uint32_t kNoiseStream = 1;

Value mean_of_all(Builder& b, Value x) {
  // Rows first, so that threads share the work.
  const std::int64_t row = b.size(x, -1) * b.size(x, -2);
  const Value rows = b.sum(b.reshape(x, {-1, row}), 1);
  const Value total = b.sum(b.reshape(rows, {-1}), 0);
  return b.reshape(b.mul(total, 1.0F / static_cast<float>(b.shape(x).elements())), Shape{});
}

// The bundled autoencoder with the recipe's numbers of channels.
models::VaeConfig vae_config(const Recipe& recipe) {
  models::VaeConfig config = models::bundled_vae_config();
  config.base_dim = recipe.channels;
  config.decoder_base_dim = recipe.channels;
  config.z_dim = recipe.latent_channels;
  config.latents_mean.assign(static_cast<std::size_t>(config.z_dim), 0.0F);
  config.latents_std.assign(static_cast<std::size_t>(config.z_dim), 1.0F);
  return config;
}

class VaeObjective final : public Objective {
 public:
  VaeObjective(const Recipe& recipe, TrainedVae start, Datasets datasets)
      : recipe_(recipe),
        shape_(clip_shape(recipe)),
        config_(std::move(start.config)),
        start_(std::move(start.weights)),
        datasets_(std::move(datasets)) {
    if (recipe_.decoder_only == 0) return;
    for (const auto& [name, tensor] : start_) {
      if (is_encoder_parameter(name)) frozen_.emplace(name, tensor);
    }
  }

  base::Result<Loss> loss() override {
    Builder b;
    models::Parameters parameters(b, "vae");
    const Value video = b.input("video", Type::kF32, {recipe_.batch, recipe_.frames, recipe_.crop, recipe_.crop, 3});
    const Value seed = b.input("seed", Type::kI32, {2});
    const Value moments = models::vae_encode(parameters, config_, video, models::ClipPart::whole());
    const Value mean = b.slice(moments, -1, 0, config_.z_dim);
    const Value log_variance =
        b.minimum(b.maximum(b.slice(moments, -1, config_.z_dim, config_.z_dim), b.fill(kLeastLogVariance)),
                  b.fill(kMostLogVariance));
    const Value deviation = b.exp(b.mul(log_variance, 0.5F));
    const Value latents = b.fma(deviation, b.normal(seed, kNoiseStream, b.shape(mean)), mean);
    const Value decoded = models::vae_decode(parameters, config_, latents, models::ClipPart::whole());
    const Value error = b.sub(decoded, video);
    const Value absolute = mean_of_all(b, b.abs(error));
    const Value square = mean_of_all(b, b.mul(error, error));
    const Value divergence_terms = b.sub(b.fma(mean, mean, b.mul(deviation, deviation)), b.add(log_variance, 1.0F));
    const Value divergence = b.mul(mean_of_all(b, divergence_terms), 0.5F);
    Value loss = b.mul(absolute, recipe_.absolute_weight);
    loss = b.fma(square, b.fill(recipe_.square_weight), loss);
    loss = b.fma(divergence, b.fill(recipe_.divergence_weight), loss);
    b.output("loss", loss);
    STARLING_ASSIGN(exact::Graph graph, b.finish());
    std::vector<models::Parameter> trained;
    for (const models::Parameter& parameter : parameters.list()) {
      if (!frozen_.contains(parameter.name)) trained.push_back(parameter);
    }
    Loss made{{}, std::move(trained), start_};
    made.graphs.push_back(std::move(graph));
    return made;
  }

  base::Status prepare(exact::Engine&, std::uint64_t, const Stop&) override { return {}; }

  base::Result<Batch> batch(std::uint64_t index) override {
    STARLING_ASSIGN(Tensor video,
                    Tensor::allocate(Type::kF32, {recipe_.batch, recipe_.frames, recipe_.crop, recipe_.crop, 3}));
    const auto clips = static_cast<std::uint64_t>(recipe_.batch / recipe_.crops_per_clip);
    const std::size_t crop_values = static_cast<std::size_t>(recipe_.frames * recipe_.crop * recipe_.crop * 3);
    Draws draws(recipe_.seed, Purpose::kCrop, index);
    std::span<float> out = video.f32();
    for (std::uint64_t i = 0; i < clips; ++i) {
      STARLING_ASSIGN(const Clip clip, datasets_.training->clip(index * clips + i));
      for (std::int64_t j = 0; j < recipe_.crops_per_clip; ++j) {
        copy_crop(clip.rgb, shape_, choose_crop(clip.rgb, draws), out.first(crop_values));
        out = out.subspan(crop_values);
      }
    }
    Batch batch{0, frozen_};
    batch.inputs.emplace("video", std::move(video));
    batch.inputs.emplace("seed", seed_tensor(recipe_.seed, Purpose::kNoise, index));
    return batch;
  }

  base::Result<std::vector<Metric>> validate(exact::Engine& engine, const NamedTensors& weights) override {
    STARLING_TRY(prepare_reconstruction());
    double square = 0.0;
    double absolute = 0.0;
    double values = 0.0;
    for (std::int64_t first = 0; first < kValidationClips; first += kClipsAtOnce) {
      STARLING_ASSIGN(const Tensor video, held_out(first));
      STARLING_ASSIGN(const Tensor decoded, reconstruct(engine, weights, video));
      for (std::size_t i = 0; i < video.f32().size(); ++i) {
        // As pixels are: values beyond the range are clamped when they are shown.
        const double shown = std::fmin(1.0, std::fmax(-1.0, static_cast<double>(decoded.f32()[i])));
        const double error = shown - static_cast<double>(video.f32()[i]);
        square += error * error;
        absolute += std::fabs(error);
      }
      values += static_cast<double>(video.elements());
    }
    // Values span 2, so the peak's square is 4.
    return std::vector<Metric>{{"psnr_db", 10.0 * std::log10(4.0 * values / square)},
                               {"mean_absolute_error", absolute / values}};
  }

  // reconstruction.png: held-out clips, each above its reconstruction.
  base::Status draw(exact::Engine& engine, const NamedTensors& weights, const std::filesystem::path& folder) override {
    STARLING_TRY(prepare_reconstruction());
    STARLING_ASSIGN(const Tensor real, held_out(0));
    STARLING_ASSIGN(const Tensor decoded, reconstruct(engine, weights, real));
    std::vector<video::Frames> clips;
    std::vector<video::SheetRow> rows;
    const std::size_t clip_values = real.f32().size() / static_cast<std::size_t>(kClipsAtOnce);
    for (std::size_t i = 0; i < static_cast<std::size_t>(kClipsAtOnce); ++i) {
      for (const Tensor* source : {&real, &decoded}) {
        STARLING_ASSIGN(video::Frames clip,
                        video::frames_from_values(source->f32().subspan(i * clip_values, clip_values),
                                                  static_cast<int>(recipe_.width), static_cast<int>(recipe_.height),
                                                  static_cast<int>(recipe_.frames),
                                                  {static_cast<int>(recipe_.frames_per_second), 1}));
        clips.push_back(std::move(clip));
      }
    }
    for (std::size_t i = 0; i < clips.size(); ++i) rows.push_back({i % 2 == 0 ? "real" : "decoded", &clips[i]});
    STARLING_ASSIGN(const video::Picture sheet, video::contact_sheet(rows, {.columns = 6, .scale = 2}));
    return video::write_png(folder / "reconstruction.png", sheet);
  }

  base::Status save_model(exact::Engine& engine, const NamedTensors& weights,
                          const std::filesystem::path& folder) override {
    if (!frozen_.empty()) return save_vae(folder / "vae", config_, all_weights(weights));
    return measure_and_save_vae(engine, folder / "vae", config_, weights, *datasets_.training, shape_, kMeasuredClips);
  }

 private:
  // A place at random; of several candidates that where most is going on, since much of a clip is a still background.
  Crop choose_crop(std::span<const std::uint8_t> clip, Draws& draws) const {
    const auto place = [&](std::int64_t size) {
      return static_cast<std::int64_t>(draws.below(static_cast<std::uint32_t>(size - recipe_.crop + 1)));
    };
    Crop best;
    std::uint64_t most = 0;
    for (std::int64_t i = 0; i < recipe_.crop_candidates; ++i) {
      Crop crop{0, 0, recipe_.crop, recipe_.crop};
      crop.row = place(recipe_.height);
      crop.column = place(recipe_.width);
      const std::uint64_t activity = recipe_.crop_candidates > 1 ? crop_activity(clip, shape_, crop) : 0;
      if (i > 0 && activity <= most) continue;
      best = crop;
      most = activity;
    }
    return best;
  }

  base::Status prepare_reconstruction() {
    if (reconstruction_) return {};
    Builder b;
    models::Parameters parameters(b, "vae");
    const Value video = b.input("video", Type::kF32, {kClipsAtOnce, recipe_.frames, recipe_.height, recipe_.width, 3});
    const Value moments = models::vae_encode(parameters, config_, video, models::ClipPart::whole());
    const Value latents = b.slice(moments, -1, 0, config_.z_dim);
    b.output("video", models::vae_decode(parameters, config_, latents, models::ClipPart::whole()));
    STARLING_ASSIGN(exact::Graph graph, b.finish());
    STARLING_ASSIGN(Plan plan, Plan::make(std::move(graph)));
    reconstruction_ = std::make_unique<Plan>(std::move(plan));
    return {};
  }

  base::Result<Tensor> held_out(std::int64_t first) const {
    STARLING_ASSIGN(Tensor video,
                    Tensor::allocate(Type::kF32, {kClipsAtOnce, recipe_.frames, recipe_.height, recipe_.width, 3}));
    const std::size_t clip_values = video.f32().size() / static_cast<std::size_t>(kClipsAtOnce);
    for (std::int64_t i = 0; i < kClipsAtOnce; ++i) {
      STARLING_ASSIGN(const Clip clip, datasets_.held_out->clip(static_cast<std::uint64_t>(first + i)));
      copy_crop(clip.rgb, shape_, {0, 0, recipe_.height, recipe_.width},
                video.f32().subspan(static_cast<std::size_t>(i) * clip_values, clip_values));
    }
    return video;
  }

  base::Result<Tensor> reconstruct(exact::Engine& engine, const NamedTensors& weights, const Tensor& video) const {
    NamedTensors tensors = all_weights(weights);
    tensors.insert_or_assign("video", video);
    STARLING_ASSIGN(const std::vector<Tensor> inputs, bind_inputs(reconstruction_->graph(), tensors));
    STARLING_ASSIGN(const std::vector<Tensor> outputs, engine.run(*reconstruction_, inputs));
    return outputs[0];
  }

  NamedTensors all_weights(const NamedTensors& trained) const {
    NamedTensors weights = trained;
    weights.insert(frozen_.begin(), frozen_.end());
    return weights;
  }

  Recipe recipe_;
  ClipShape shape_;
  models::VaeConfig config_;
  NamedTensors start_;
  NamedTensors frozen_;
  Datasets datasets_;
  std::unique_ptr<Plan> reconstruction_;
};

}  // namespace

std::unique_ptr<Objective> make_vae_objective(const Recipe& recipe, Datasets datasets) {
  return std::make_unique<VaeObjective>(recipe, TrainedVae{vae_config(recipe), {}, {}, {}}, std::move(datasets));
}

std::unique_ptr<Objective> make_vae_objective(const Recipe& recipe, TrainedVae start, Datasets datasets) {
  return std::make_unique<VaeObjective>(recipe, std::move(start), std::move(datasets));
}

}  // namespace starling::train
