#include "train/flow_objective.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/file.h"
#include "base/interrupt.h"
#include "models/bundled.h"
#include "models/checkpoint.h"
#include "train/dataset_choice.h"
#include "train/draws.h"
#include "train/flow_batch.h"
#include "train/flow_data.h"
#include "train/flow_loss.h"
#include "train/flow_samples.h"
#include "train/latent_source.h"

namespace starling::train {
namespace {

using exact::Plan;
using exact::Shape;
using exact::Tensor;

constexpr std::size_t kTokenizerCaptions = 20000;
constexpr std::size_t kMaxTokenizer = std::size_t{64} << 20;
constexpr std::uint64_t kFlowValidationClips = 64;
constexpr std::int64_t kWidening = 4;  // of a block's hidden layer

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
    if (distils()) {
      config_.scheduler.shift = recipe_.shift;
      config_.scheduler.student_steps = recipe_.student_steps;
    }
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
    for (const Shape& shape : data_->shapes()) {
      STARLING_ASSIGN(FlowLoss made, loss_of(recipe_, shape));
      loss.graphs.push_back(std::move(made.graph));
      if (loss.parameters.empty()) {
        loss.parameters = std::move(made.trained);
        if (distils()) STARLING_TRY(freeze(made.frozen));
      }
    }
    for (const models::Parameter& parameter : loss.parameters) {
      if (!setting_.start) break;
      STARLING_ASSIGN(Tensor weight, start_weight(parameter.name));
      loss.start.emplace(parameter.name, std::move(weight));
    }
    return loss;
  }

  base::Status prepare(exact::Engine& engine, std::uint64_t index, const Stop& stop) override {
    return data_->prepare(engine, index, stop);
  }

  base::Result<Batch> batch(std::uint64_t index) override {
    STARLING_ASSIGN(Batch batch, data_->batch(index, *text_.tokenizer));
    batch.inputs.insert(frozen_.begin(), frozen_.end());
    return batch;
  }

  base::Result<std::vector<Metric>> validate(exact::Engine& engine, const NamedTensors& weights) override {
    STARLING_TRY(prepare_validation(engine));
    std::vector<Metric> metrics;
    for (const bool with_text : {true, false}) {
      double total = 0.0;
      for (std::size_t i = 0; i < validation_.size(); ++i) {
        NamedTensors tensors = weights;
        tensors.insert(frozen_.begin(), frozen_.end());
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
    SampleSettings settings;
    if (distils()) settings = {.steps = recipe_.student_steps, .guidance = 1.0F};
    return draw_samples(engine, config_, *text_.tokenizer, all_weights(weights), *setting_.held_out,
                        clip_shape(recipe_), settings, folder / "samples.png");
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
  bool distils() const { return recipe_.student_steps > 0; }

  base::Result<FlowLoss> loss_of(const Recipe& recipe, const Shape& clips) const {
    return distils() ? distilled_loss(recipe, config_, clips) : flow_loss(recipe, config_, clips);
  }

  // From the model that training starts from.
  base::Result<Tensor> start_weight(std::string_view name) const {
    STARLING_ASSIGN(const Tensor stored, setting_.start->weight(name));
    return stored.widened();
  }

  // The teacher's weights, the text encoder's, and the text that guidance leads away from.
  base::Status freeze(const std::vector<models::Parameter>& parameters) {
    constexpr std::string_view kTeacher = "teacher/";
    for (const models::Parameter& parameter : parameters) {
      const std::string_view name = parameter.name;
      const std::string stored =
          name.starts_with(kTeacher) ? "transformer/" + std::string(name.substr(kTeacher.size())) : parameter.name;
      STARLING_ASSIGN(Tensor weight, start_weight(stored));
      frozen_.insert_or_assign(parameter.name, std::move(weight));
    }
    STARLING_ASSIGN(const models::Tokens empty, text_.tokenizer->encode("", recipe_.text_length));
    const std::int64_t length = recipe_.text_length;
    Tensor tokens(exact::Type::kI32, {1, length});
    Tensor mask(exact::Type::kF32, {1, length});
    std::ranges::copy(empty.padded_ids(length).i32(), tokens.i32().begin());
    std::ranges::copy(empty.mask(length).f32(), mask.f32().begin());
    frozen_.insert_or_assign("negative_tokens", std::move(tokens));
    frozen_.insert_or_assign("negative_mask", std::move(mask));
    return {};
  }

  base::Status prepare_validation(exact::Engine& engine) {
    if (validation_plan_) return {};
    Recipe each_once = recipe_;
    each_once.draws_per_clip = 1;
    STARLING_ASSIGN(FlowLoss loss, loss_of(each_once, data_->shapes().front()));
    STARLING_ASSIGN(Plan plan, Plan::make(std::move(loss.graph)));
    const auto batch = static_cast<std::uint64_t>(recipe_.batch);
    const std::uint64_t batches = std::max<std::uint64_t>(1, kFlowValidationClips / batch);
    STARLING_ASSIGN(const auto held_out, LatentSource::open(setting_.folder / "held_out_latents.bin", setting_.vae,
                                                            setting_.held_out, clip_shape(recipe_)));
    STARLING_TRY(held_out->grow(engine, batches * batch, [](std::uint64_t) { return base::check_interrupt(); }));
    for (std::uint64_t i = 0; i < batches; ++i) {
      for (const bool with_text : {true, false}) {
        BatchParts parts(recipe_.batch, held_out->shape(), recipe_.batch, recipe_.text_length);
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
    for (const auto& [name, tensor] : frozen_) {
      if (name.starts_with("text_encoder/")) weights.emplace(name, tensor);
    }
    return weights;
  }

  Recipe recipe_;
  FlowSetting setting_;
  TextTools text_;
  std::unique_ptr<FlowData> data_;
  models::ModelConfig config_;
  NamedTensors frozen_;
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
