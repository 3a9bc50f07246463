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
#include "train/flow_data.h"
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
constexpr std::int64_t kWidening = 4;  // of a block's hidden layer
constexpr float kTimesteps = 1000.0F;

// Trains the tokenizer on the data set's captions, or reads the one that this run has trained.
base::Result<TextTools> text_tools(const Recipe& recipe, const FlowSetting& setting) {
  const std::filesystem::path file = setting.folder / "spiece.model";
  TextTools tools;
  std::vector<std::string> captions;
  const std::size_t shapes = setting.training.size();
  for (std::uint64_t i = 0; i < kTokenizerCaptions; ++i) {
    captions.push_back(setting.training[i % shapes]->caption(i / shapes, 0));
  }
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
  STARLING_ASSIGN(base::Bytes model, models::train_tokenizer(captions, recipe.vocabulary));
  STARLING_TRY(base::write_file(file, model));
  STARLING_ASSIGN(tools.tokenizer, models::Tokenizer::load(std::move(model)));
  return tools;
}

class FlowObjective final : public Objective {
 public:
  FlowObjective(const Recipe& recipe, FlowSetting setting, TextTools text, std::unique_ptr<FlowData> data)
      : recipe_(recipe), setting_(std::move(setting)), text_(std::move(text)), data_(std::move(data)) {
    config_.pipeline = models::bundled_pipeline_config();
    config_.scheduler = models::bundled_scheduler_config();
    config_.scheduler.noise_mean_amplitude = recipe_.noise_mean_amplitude;
    config_.text_encoder = models::bundled_umt5_config(text_.tokenizer->vocab_size());
    config_.vae = setting_.vae.config;
    config_.transformer = models::bundled_transformer_config();
    config_.transformer.num_layers = recipe_.blocks;
    config_.transformer.num_attention_heads = recipe_.heads;
    config_.transformer.ffn_dim = kWidening * recipe_.heads * config_.transformer.attention_head_dim;
    config_.transformer.in_channels = config_.vae.z_dim;
    config_.transformer.out_channels = config_.vae.z_dim;
    config_.text_length = recipe_.text_length;
  }

  base::Result<Loss> loss() override {
    Loss loss;
    for (const Shape& shape : data_->shapes()) STARLING_TRY(add_loss(shape, loss));
    for (const models::Parameter& parameter : loss.parameters) {
      if (!setting_.start) break;
      STARLING_ASSIGN(const Tensor stored, setting_.start->weight(parameter.name));
      STARLING_ASSIGN(Tensor wide, stored.widened());
      loss.start.emplace(parameter.name, std::move(wide));
    }
    return loss;
  }

  base::Status prepare(exact::Engine& engine, std::uint64_t index, const Stop& stop) override {
    return data_->prepare(engine, index, stop);
  }

  base::Result<Batch> batch(std::uint64_t index) override { return data_->batch(index, *text_.tokenizer); }

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
  // The loss of clips of one more shape: [clips, frames', height', width', z].
  base::Status add_loss(const Shape& clips, Loss& loss) const {
    Builder b;
    models::Parameters transformer(b, "transformer");
    models::Parameters text_encoder(b, "text_encoder");
    const std::int64_t batch = clips[0];
    const std::int64_t frames = clips[1];
    const std::int64_t elements = clips[2] * clips[3] * clips[4];  // of a frame
    const Value raw = b.input("latents", Type::kF32, clips);
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
    const Value squares = b.sum(b.reshape(b.mul(error, error), {batch, frames, elements}), 2);
    const Value counted = b.mul(b.reshape(squares, {batch, frames}), noisy);
    const Value total = b.sum(b.reshape(counted, {batch * frames}), 0);
    const Value count = b.mul(b.sum(b.reshape(noisy, {batch * frames}), 0), static_cast<float>(elements));
    b.output("loss", b.reshape(b.div(total, count), Shape{}));
    STARLING_ASSIGN(exact::Graph graph, b.finish());
    std::vector<models::Parameter> parameters = transformer.list();
    parameters.insert(parameters.end(), text_encoder.list().begin(), text_encoder.list().end());
    loss.graphs.push_back(std::move(graph));
    if (loss.parameters.empty()) loss.parameters = std::move(parameters);
    return {};
  }

  base::Status prepare_validation(exact::Engine& engine) {
    if (validation_plan_) return {};
    Loss loss;
    STARLING_TRY(add_loss(data_->shapes().front(), loss));
    STARLING_ASSIGN(Plan plan, Plan::make(std::move(loss.graphs.front())));
    const auto batch = static_cast<std::uint64_t>(recipe_.batch);
    const std::uint64_t batches = std::max<std::uint64_t>(1, kValidationClips / batch);
    STARLING_ASSIGN(const auto held_out, LatentSource::open(setting_.folder / "held_out_latents.bin", setting_.vae,
                                                            setting_.held_out, clip_shape(recipe_)));
    STARLING_TRY(held_out->grow(engine, batches * batch, [](std::uint64_t) { return base::check_interrupt(); }));
    for (std::uint64_t i = 0; i < batches; ++i) {
      for (const bool with_text : {true, false}) {
        BatchParts parts(recipe_.batch, held_out->shape(), recipe_.text_length);
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
  std::unique_ptr<FlowData> data_;
  models::ModelConfig config_;
  std::unique_ptr<Plan> validation_plan_;
  std::vector<NamedTensors> validation_;
  std::vector<NamedTensors> validation_without_text_;
};

}  // namespace

base::Status open_data(const Recipe& recipe, FlowSetting& setting) {
  STARLING_ASSIGN(const std::vector<BatchShape> shapes, batch_shapes(recipe));
  for (const BatchShape& shape : shapes) {
    STARLING_ASSIGN(Datasets datasets, open_datasets(recipe, shape.clip));
    setting.training.push_back(std::move(datasets.training));
    if (setting.held_out == nullptr) setting.held_out = std::move(datasets.held_out);
  }
  return {};
}

base::Result<std::unique_ptr<Objective>> make_flow_objective(const Recipe& recipe, FlowSetting setting) {
  STARLING_TRY(base::make_directories(setting.folder));
  STARLING_ASSIGN(TextTools text, text_tools(recipe, setting));
  if (setting.start) {
    const models::TransformerConfig& config = setting.start->config().transformer;
    if (config.num_layers != recipe.blocks || config.num_attention_heads != recipe.heads) {
      return base::invalid("the model to start from has " + std::to_string(config.num_layers) + " blocks of " +
                           std::to_string(config.num_attention_heads) +
                           " heads: write these into the recipe's blocks and heads");
    }
  }
  STARLING_ASSIGN(std::unique_ptr<FlowData> data,
                  FlowData::open(recipe, setting.folder, setting.vae, setting.training));
  return std::unique_ptr<Objective>(
      std::make_unique<FlowObjective>(recipe, std::move(setting), std::move(text), std::move(data)));
}

}  // namespace starling::train
