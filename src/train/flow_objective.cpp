#include "train/flow_objective.h"

#include <algorithm>
#include <limits>

#include "base/file.h"
#include "base/interrupt.h"
#include "models/bundled.h"
#include "models/checkpoint.h"
#include "models/latent_noise.h"
#include "models/umt5.h"
#include "models/wan_transformer.h"
#include "models/wan_vae.h"
#include "train/dataset_choice.h"
#include "train/draws.h"
#include "train/flow_batch.h"
#include "train/flow_samples.h"
#include "train/latent_source.h"

namespace starling::train {
namespace {

using exact::Builder;
using exact::Plan;
using exact::Shape;
using exact::Tensor;
using exact::Type;
using Value = Builder::Value;

constexpr std::uint32_t kNoiseStream = 1;
constexpr std::uint32_t kTimeStream = 2;
constexpr std::size_t kTokenizerCaptions = 20000;
constexpr std::size_t kMaxTokenizer = std::size_t{64} << 20;
constexpr std::uint64_t kValidationClips = 64;
constexpr float kTimesteps = 1000.0F;

// Trains the tokenizer on the data set's captions, or reads the one that this run has trained.
base::Result<TextTools> text_tools(const FlowSetting& setting) {
  const std::filesystem::path file = setting.folder / "spiece.model";
  TextTools tools;
  std::vector<std::string> captions;
  for (std::uint64_t i = 0; i < kTokenizerCaptions; ++i) captions.push_back(setting.training->caption(i, 0));
  for (const std::string& caption : captions) tools.known_words.add(caption);
  if (setting.start) {
    tools.tokenizer = setting.start->tokenizer();
    return tools;
  }
  if (std::filesystem::exists(file)) {
    STARLING_ASSIGN(base::Bytes model, base::read_file(file, kMaxTokenizer));
    STARLING_ASSIGN(tools.tokenizer, models::Tokenizer::load(std::move(model)));
    return tools;
  }
  STARLING_ASSIGN(base::Bytes model, models::train_tokenizer(captions, models::kBundledVocabulary));
  STARLING_TRY(base::write_file(file, model));
  STARLING_ASSIGN(tools.tokenizer, models::Tokenizer::load(std::move(model)));
  return tools;
}

class FlowObjective final : public Objective {
 public:
  FlowObjective(const Recipe& recipe, FlowSetting setting, TextTools text, std::unique_ptr<LatentSource> latents)
      : recipe_(recipe), setting_(std::move(setting)), text_(std::move(text)), latents_(std::move(latents)) {
    config_.pipeline = models::bundled_pipeline_config();
    config_.scheduler = models::bundled_scheduler_config();
    config_.scheduler.noise_mean_amplitude = recipe_.noise_mean_amplitude;
    config_.text_encoder = models::bundled_umt5_config(text_.tokenizer->vocab_size());
    config_.vae = setting_.vae.config;
    config_.transformer = models::bundled_transformer_config();
    config_.transformer.in_channels = config_.vae.z_dim;
    config_.transformer.out_channels = config_.vae.z_dim;
    config_.text_length = recipe_.text_length;
  }

  base::Result<LossGraph> loss() override {
    Builder b;
    models::Parameters transformer(b, "transformer");
    models::Parameters text_encoder(b, "text_encoder");
    const Shape& clip = latents_->shape();
    const std::int64_t frames = clip[0];
    const std::int64_t batch = recipe_.batch;
    const Value raw = b.input("latents", Type::kF32, {batch, frames, clip[1], clip[2], clip[3]});
    const Value noisy = b.input("noisy", Type::kF32, {batch, frames});  // 0 for a clean frame, else 1
    const Value ids = b.input("tokens", Type::kI32, {batch, recipe_.text_length});
    const Value mask = b.input("mask", Type::kF32, {batch, recipe_.text_length});
    const Value seed = b.input("seed", Type::kI32, {2});

    // Uniform times are those that the sampler meets. A bell-shaped distribution starves the noisiest steps, in which
    // the sampler settles the sky, the ground and the course of a motion.
    const Shape times{batch, 1};
    const Value u = recipe_.logit_normal_times != 0 ? b.sigmoid(b.normal(seed, kTimeStream, times))
                                                    : b.uniform(seed, kTimeStream, times);
    const Value shifted = b.div(b.mul(u, recipe_.shift), b.add(b.mul(u, recipe_.shift - 1.0F), 1.0F));
    const Value sigma = b.mul(shifted, noisy);
    const Value data = models::vae_normalize(b, config_.vae, raw);
    const float amplitude = config_.scheduler.noise_mean_amplitude;
    const Value flow = b.sub(models::latent_noise(b, seed, kNoiseStream, b.shape(data), amplitude), data);
    const Value mixed = b.fma(b.reshape(sigma, {batch, frames, 1, 1, 1}), flow, data);

    const Value text = models::umt5_encode(text_encoder, config_.text_encoder, ids, mask);
    const auto contexts = models::wan_text_contexts(transformer, config_.transformer, text);
    const Value predicted =
        models::wan_transformer(transformer, config_.transformer, mixed, b.mul(sigma, kTimesteps), contexts);
    const Value error = b.sub(predicted, flow);
    const Value squares = b.sum(b.reshape(b.mul(error, error), {batch, frames, clip[1] * clip[2] * clip[3]}), 2);
    const Value counted = b.mul(b.reshape(squares, {batch, frames}), noisy);
    const Value total = b.sum(b.reshape(counted, {batch * frames}), 0);
    const Value count =
        b.mul(b.sum(b.reshape(noisy, {batch * frames}), 0), static_cast<float>(clip[1] * clip[2] * clip[3]));
    b.output("loss", b.reshape(b.div(total, count), Shape{}));
    STARLING_ASSIGN(exact::Graph graph, b.finish());
    std::vector<models::Parameter> parameters = transformer.list();
    parameters.insert(parameters.end(), text_encoder.list().begin(), text_encoder.list().end());
    NamedTensors start;
    for (const models::Parameter& parameter : parameters) {
      if (!setting_.start) break;
      STARLING_ASSIGN(const Tensor stored, setting_.start->weight(parameter.name));
      STARLING_ASSIGN(Tensor wide, stored.widened());
      start.emplace(parameter.name, std::move(wide));
    }
    return LossGraph{std::move(graph), std::move(parameters), std::move(start)};
  }

  base::Status prepare(exact::Engine& engine, std::uint64_t index, const Stop& stop) override {
    return latents_->grow(engine, clips_at(index), [&](std::uint64_t) { return stop(); });
  }

  base::Result<NamedTensors> batch(std::uint64_t index) override {
    Draws draws(recipe_.seed, Purpose::kChoice, index);
    BatchParts parts(recipe_.batch, latents_->shape(), recipe_.text_length);
    const std::uint64_t clips = clips_at(index);
    for (std::int64_t i = 0; i < recipe_.batch; ++i) {
      const std::uint64_t clip = draws.below(static_cast<std::uint32_t>(clips));
      STARLING_TRY(latents_->read(clip, parts.latents(i)));
      choose_clean_frames(draws, parts.noisy(i));
      const std::uint64_t wording = draws.next();
      const bool dropped = draws.chance(static_cast<std::uint32_t>(recipe_.drop_caption_permille));
      STARLING_TRY(parts.set_text(i, *text_.tokenizer, dropped ? "" : setting_.training->caption(clip, wording)));
    }
    return parts.take(seed_tensor(recipe_.seed, Purpose::kNoise, index));
  }

  base::Result<std::vector<Metric>> validate(exact::Engine& engine, const NamedTensors& weights) override {
    STARLING_TRY(prepare_validation(engine));
    std::vector<Metric> metrics;
    for (const bool with_text : {true, false}) {
      double total = 0.0;
      for (std::size_t i = 0; i < validation_.size(); ++i) {
        NamedTensors tensors = weights;
        for (const auto& [name, tensor] : (with_text ? validation_ : validation_without_text_)[i]) {
          tensors.insert_or_assign(name, tensor);
        }
        STARLING_ASSIGN(const std::vector<Tensor> inputs, bind_inputs(validation_plan_->graph(), tensors));
        STARLING_ASSIGN(const std::vector<Tensor> outputs, engine.run(*validation_plan_, inputs));
        total += static_cast<double>(outputs[0].f32()[0]);
      }
      metrics.emplace_back(with_text ? "validation_loss" : "validation_loss_without_text",
                           total / static_cast<double>(validation_.size()));
    }
    return metrics;
  }

  // samples.png: videos of held-out captions.
  base::Status draw(exact::Engine& engine, const NamedTensors& weights, const std::filesystem::path& folder) override {
    return draw_samples(engine, config_, *text_.tokenizer, all_weights(weights), *setting_.held_out,
                        clip_shape(recipe_), folder / "samples.png");
  }

  base::Status save_model(exact::Engine&, const NamedTensors& weights, const std::filesystem::path& folder) override {
    models::NewCheckpoint checkpoint;
    checkpoint.config = config_;
    checkpoint.tokenizer = text_.tokenizer->model();
    checkpoint.known_words = text_.known_words;
    for (auto& [name, weight] : all_weights(weights)) checkpoint.weights.emplace(name, weight);
    return models::write_checkpoint(folder / "model", checkpoint);
  }

 private:
  // Latents that gradient number `index` may use. To begin with, each item of the data set once is enough.
  std::uint64_t clips_at(std::uint64_t index) const {
    const std::uint64_t step = index / static_cast<std::uint64_t>(recipe_.gradients);
    const std::uint64_t items = setting_.training->items().value_or(std::numeric_limits<std::uint64_t>::max());
    const auto grown = std::min(static_cast<std::uint64_t>(recipe_.first_latent_clips), items) +
                       step * static_cast<std::uint64_t>(recipe_.latent_clips_per_step);
    return std::min(grown, static_cast<std::uint64_t>(recipe_.latent_clips));
  }

  // Known frames come first (a video is continued), last (led up to), or at both ends (joined).
  void choose_clean_frames(Draws& draws, std::span<float> noisy) const {
    std::ranges::fill(noisy, 1.0F);
    const bool some = draws.chance(static_cast<std::uint32_t>(recipe_.clean_frames_permille));
    const std::uint32_t wanted = 1 + draws.below(3);
    const std::uint32_t where = draws.below(10);
    const auto count = std::min<std::size_t>(wanted, noisy.size() - 1);
    if (!some || count == 0) return;
    if (where < 6) {
      std::ranges::fill(noisy.first(count), 0.0F);
    } else if (where < 8) {
      std::ranges::fill(noisy.last(count), 0.0F);
    } else {
      noisy.front() = 0.0F;
      if (noisy.size() > 2) noisy.back() = 0.0F;
    }
  }

  base::Status prepare_validation(exact::Engine& engine) {
    if (validation_plan_) return {};
    STARLING_ASSIGN(LossGraph graph, loss());
    STARLING_ASSIGN(Plan plan, Plan::make(std::move(graph.graph)));
    const auto batch = static_cast<std::uint64_t>(recipe_.batch);
    const std::uint64_t batches = std::max<std::uint64_t>(1, kValidationClips / batch);
    STARLING_ASSIGN(const auto held_out, LatentSource::open(setting_.folder / "held_out_latents.bin", setting_.vae,
                                                            setting_.held_out, clip_shape(recipe_)));
    STARLING_TRY(held_out->grow(engine, batches * batch, [](std::uint64_t) { return base::check_interrupt(); }));
    for (std::uint64_t i = 0; i < batches; ++i) {
      for (const bool with_text : {true, false}) {
        BatchParts parts(recipe_.batch, latents_->shape(), recipe_.text_length);
        for (std::uint64_t j = 0; j < batch; ++j) {
          const std::uint64_t clip = i * batch + j;
          const auto row = static_cast<std::int64_t>(j);
          STARLING_TRY(held_out->read(clip, parts.latents(row)));
          std::ranges::fill(parts.noisy(row), 1.0F);
          STARLING_TRY(
              parts.set_text(row, *text_.tokenizer, with_text ? setting_.held_out->caption(clip, 0) : std::string()));
        }
        (with_text ? validation_ : validation_without_text_)
            .push_back(parts.take(seed_tensor(recipe_.seed, Purpose::kValidation, i)));
      }
    }
    validation_plan_ = std::make_unique<Plan>(std::move(plan));
    return {};
  }

  NamedTensors all_weights(const NamedTensors& trained) const {
    NamedTensors weights = trained;
    weights.insert(setting_.vae.weights.begin(), setting_.vae.weights.end());
    return weights;
  }

  Recipe recipe_;
  FlowSetting setting_;
  TextTools text_;
  std::unique_ptr<LatentSource> latents_;
  models::ModelConfig config_;
  std::unique_ptr<Plan> validation_plan_;
  std::vector<NamedTensors> validation_;
  std::vector<NamedTensors> validation_without_text_;
};

}  // namespace

base::Result<std::unique_ptr<Objective>> make_flow_objective(const Recipe& recipe, FlowSetting setting) {
  STARLING_TRY(base::make_directories(setting.folder));
  STARLING_ASSIGN(TextTools text, text_tools(setting));
  STARLING_ASSIGN(std::unique_ptr<LatentSource> latents, LatentSource::open(setting.folder / "latents.bin", setting.vae,
                                                                            setting.training, clip_shape(recipe)));
  return std::unique_ptr<Objective>(
      std::make_unique<FlowObjective>(recipe, std::move(setting), std::move(text), std::move(latents)));
}

}  // namespace starling::train
