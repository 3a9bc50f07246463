#include "train/flow_loss.h"

#include <utility>

#include "generate/schedule.h"
#include "models/latent_noise.h"
#include "models/layers.h"
#include "models/umt5.h"
#include "models/wan_transformer.h"
#include "models/wan_vae.h"

namespace starling::train {
namespace {

using exact::Builder;
using exact::Shape;
using exact::Type;
using Value = Builder::Value;

constexpr std::uint32_t kLossNoiseStream = 1;
constexpr std::uint32_t kTimeStream = 2;
constexpr float kTimesteps = 1000.0F;

// What both losses begin with.
struct Clips {
  Clips(Builder& builder, const Recipe& recipe, const models::ModelConfig& model, const Shape& of)
      : b(builder),
        config(model),
        shape(of),
        texts(of[0] / recipe.draws_per_clip),
        noisy(b.input("noisy", Type::kF32, {of[0], of[1]})),
        ids(b.input("tokens", Type::kI32, {texts, recipe.text_length})),
        mask(b.input("mask", Type::kF32, {texts, recipe.text_length})),
        seed(b.input("seed", Type::kI32, {2})),
        data(models::vae_normalize(b, model.vae, b.input("latents", Type::kF32, of))),
        flow(b.sub(models::latent_noise(b, seed, kLossNoiseStream, b.shape(data), model.scheduler.noise_mean_amplitude),
                   data)) {}

  // Of each frame, [clips, frames], for all of its elements.
  Value by_frame(Value x) const { return b.reshape(x, {shape[0], shape[1], 1, 1, 1}); }
  // The clips with as much noise as each frame's sigma says.
  Value at(Value sigma) const { return b.fma(by_frame(sigma), flow, data); }

  // The mean square of an error over the frames that are noisy.
  Value mean_square(Value error) const {
    const std::int64_t frames = shape[0] * shape[1];
    const std::int64_t elements = shape[2] * shape[3] * shape[4];  // of a frame
    const Value squares = b.sum(b.reshape(b.mul(error, error), {shape[0], shape[1], elements}), 2);
    const Value counted = b.mul(b.reshape(squares, {shape[0], shape[1]}), noisy);
    const Value total = b.sum(b.reshape(counted, {frames}), 0);
    const Value count = b.mul(b.sum(b.reshape(noisy, {frames}), 0), static_cast<float>(elements));
    return b.reshape(b.div(total, count), Shape{});
  }

  Builder& b;
  const models::ModelConfig& config;
  Shape shape;
  std::int64_t texts;
  Value noisy, ids, mask, seed, data, flow;
};

base::Result<FlowLoss> finish(Builder& b, Value loss, std::vector<models::Parameter> trained,
                              std::vector<models::Parameter> frozen) {
  b.output("loss", loss);
  STARLING_ASSIGN(exact::Graph graph, b.finish());
  return FlowLoss{std::move(graph), std::move(trained), std::move(frozen)};
}

std::vector<models::Parameter> both(const models::Parameters& first, const models::Parameters& second) {
  std::vector<models::Parameter> list = first.list();
  list.insert(list.end(), second.list().begin(), second.list().end());
  return list;
}

}  // namespace

base::Result<FlowLoss> flow_loss(const Recipe& recipe, const models::ModelConfig& config, const Shape& shape) {
  Builder b;
  models::Parameters transformer(b, "transformer");
  models::Parameters text_encoder(b, "text_encoder");
  const Clips clips(b, recipe, config, shape);

  // Uniform times are those that the sampler meets. A bell-shaped distribution starves the noisiest steps, in which
  // the sampler settles the sky, the ground and the course of a motion.
  const Shape times{shape[0], 1};
  const Value u = recipe.logit_normal_times != 0 ? b.sigmoid(b.normal(clips.seed, kTimeStream, times))
                                                 : b.uniform(clips.seed, kTimeStream, times);
  const Value shifted = b.div(b.mul(u, recipe.shift), b.add(b.mul(u, recipe.shift - 1.0F), 1.0F));
  const Value sigma = b.mul(shifted, clips.noisy);

  const Value text = models::umt5_encode(text_encoder, config.text_encoder, clips.ids, clips.mask);
  const auto contexts = models::wan_text_contexts(transformer, config.transformer, text);
  const Value predicted =
      models::wan_transformer(transformer, config.transformer, clips.at(sigma), b.mul(sigma, kTimesteps), contexts);
  return finish(b, clips.mean_square(b.sub(predicted, clips.flow)), both(transformer, text_encoder), {});
}

base::Result<FlowLoss> distilled_loss(const Recipe& recipe, const models::ModelConfig& config, const Shape& shape) {
  Builder b;
  models::Parameters student(b, "transformer");
  models::Parameters teacher(b, "teacher");
  models::Parameters text_encoder(b, "text_encoder");
  const Clips clips(b, recipe, config, shape);
  const std::int64_t length = recipe.text_length;

  // The step that each clip is about: where it begins, and how far it goes, which is less than 0.
  std::vector<float> places;
  for (const generate::Step& step :
       generate::flow_match_euler(recipe.student_steps, config.scheduler.num_train_timesteps, recipe.shift)) {
    places.push_back(step.sigma);
    places.push_back(step.next_sigma - step.sigma);
  }
  const Value table = b.reshape(models::constant(b, places), {recipe.student_steps, 2});
  const Value u = b.uniform(clips.seed, kTimeStream, {shape[0]});
  const Value drawn = b.to_i32(b.sub(b.mul(u, static_cast<float>(recipe.student_steps)), b.fill(0.5F)));
  const Value step = b.gather(table, drawn);
  const Value sigma = b.mul(b.slice(step, 1, 0, 1), clips.noisy);
  const Value length_of_step = b.mul(b.slice(step, 1, 1, 1), clips.noisy);

  const bool guided = recipe.teacher_guidance != 1.0F;
  Value ids = clips.ids;
  Value mask = clips.mask;
  if (guided) {
    const Value negative_ids = b.input("negative_tokens", Type::kI32, {1, length});
    const Value negative_mask = b.input("negative_mask", Type::kF32, {1, length});
    ids = b.concat({ids, b.expand(negative_ids, {clips.texts, length})}, 0);
    mask = b.concat({mask, b.expand(negative_mask, {clips.texts, length})}, 0);
  }
  const Value texts = models::umt5_encode(text_encoder, config.text_encoder, ids, mask);
  const auto teacher_contexts = models::wan_text_contexts(teacher, config.transformer, texts);

  const Value start = clips.at(sigma);
  const float share = 1.0F / static_cast<float>(recipe.teacher_steps);
  Value x = start;
  Value flows;
  for (std::int64_t i = 0; i < recipe.teacher_steps; ++i) {
    const Value place = b.fma(length_of_step, b.fill(static_cast<float>(i) * share), sigma);
    const Value timestep = b.mul(place, kTimesteps);
    Value flow;
    if (guided) {
      const Value pair = models::wan_transformer(teacher, config.transformer, b.concat({x, x}, 0),
                                                 b.concat({timestep, timestep}, 0), teacher_contexts);
      const Value wanted = b.slice(pair, 0, 0, shape[0]);
      const Value unwanted = b.slice(pair, 0, shape[0], shape[0]);
      flow = b.fma(b.fill(recipe.teacher_guidance), b.sub(wanted, unwanted), unwanted);
    } else {
      flow = models::wan_transformer(teacher, config.transformer, x, timestep, teacher_contexts);
    }
    x = b.fma(clips.by_frame(b.mul(length_of_step, share)), flow, x);
    flows = i == 0 ? flow : b.add(flows, flow);
  }

  const Value text = guided ? b.slice(texts, 0, 0, clips.texts) : texts;
  const auto contexts = models::wan_text_contexts(student, config.transformer, text);
  const Value predicted =
      models::wan_transformer(student, config.transformer, start, b.mul(sigma, kTimesteps), contexts);
  const Value loss = clips.mean_square(b.sub(predicted, b.mul(flows, share)));
  return finish(b, loss, student.list(), both(teacher, text_encoder));
}

}  // namespace starling::train
