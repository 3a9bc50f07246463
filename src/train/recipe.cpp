#include "train/recipe.h"

#include <algorithm>
#include <limits>
#include <numbers>
#include <type_traits>

#include "base/json.h"
#include "exact/math.h"

namespace starling::train {
namespace {

// Calls visit(key, field, low, high) for every field but `part`: the one list that writing, reading, checking and
// comparing share.
template <typename RecipeType, typename Visitor>
void visit_fields(RecipeType& r, const Visitor& visit) {
  visit("seed", r.seed, 0.0, 0.0);
  visit("source", r.source, 0.0, 0.0);
  visit("world", r.world, 1.0, 2.0);
  visit("width", r.width, 8.0, 1024.0);
  visit("height", r.height, 8.0, 1024.0);
  visit("frames", r.frames, 1.0, 4096.0);
  visit("frames_per_second", r.frames_per_second, 1.0, 240.0);
  visit("batch", r.batch, 1.0, 4096.0);
  visit("gradients", r.gradients, 1.0, 64.0);
  visit("steps", r.schedule.steps, 1.0, 1e9);
  visit("warmup_steps", r.schedule.warmup, 0.0, 1e9);
  visit("decay_steps", r.schedule.decay, 0.0, 1e9);
  visit("learning_rate", r.schedule.rate, 1e-8, 1.0);
  visit("final_fraction", r.schedule.final_fraction, 0.0, 1.0);
  visit("beta1", r.optimizer.beta1, 0.0, 0.9999);
  visit("beta2", r.optimizer.beta2, 0.0, 0.99999);
  visit("epsilon", r.optimizer.epsilon, 1e-12, 1e-2);
  visit("weight_decay", r.optimizer.weight_decay, 0.0, 10.0);
  visit("clip", r.optimizer.clip, 1e-6, 1e6);
  visit("matrix_momentum", r.optimizer.matrix_momentum, 0.0, 0.9999);
  visit("average_decay", r.average_decay, 0.0, 0.99999);
  visit("start_hash", r.start_hash, 0.0, 0.0);
  if (r.part == ModelPart::kVae) {
    visit("crop", r.crop, 8.0, 1024.0);
    visit("crops_per_clip", r.crops_per_clip, 1.0, 64.0);
    visit("crop_candidates", r.crop_candidates, 1.0, 64.0);
    visit("channels", r.channels, 8.0, 1024.0);
    visit("latent_channels", r.latent_channels, 1.0, 256.0);
    visit("absolute_weight", r.absolute_weight, 0.0, 1e3);
    visit("square_weight", r.square_weight, 0.0, 1e3);
    visit("divergence_weight", r.divergence_weight, 0.0, 1e3);
    visit("decoder_only", r.decoder_only, 0.0, 1.0);
  } else {
    visit("vae_hash", r.vae_hash, 0.0, 0.0);
    visit("latent_clips", r.latent_clips, 1.0, 1e7);
    visit("first_latent_clips", r.first_latent_clips, 1.0, 1e7);
    visit("latent_clips_per_step", r.latent_clips_per_step, 0.0, 1e4);
    visit("shapes", r.shapes, 0.0, 0.0);
    visit("window_permille", r.window_permille, 0.0, 1000.0);
    visit("blocks", r.blocks, 1.0, 64.0);
    visit("heads", r.heads, 1.0, 64.0);
    visit("text_rate", r.optimizer.text_rate, 0.0, 1.0);
    visit("vocabulary", r.vocabulary, 64.0, 65536.0);
    visit("text_length", r.text_length, 1.0, 4096.0);
    visit("shift", r.shift, 0.01, 100.0);
    visit("noise_mean_amplitude", r.noise_mean_amplitude, 0.0, 100.0);
    visit("logit_normal_times", r.logit_normal_times, 0.0, 1.0);
    visit("draws_per_clip", r.draws_per_clip, 1.0, 64.0);
    visit("drop_caption_permille", r.drop_caption_permille, 0.0, 1000.0);
    visit("clean_frames_permille", r.clean_frames_permille, 0.0, 1000.0);
    visit("student_steps", r.student_steps, 0.0, 64.0);
    visit("teacher_steps", r.teacher_steps, 1.0, 64.0);
    visit("teacher_guidance", r.teacher_guidance, 1.0, 100.0);
  }
}

const char* part_name(ModelPart part) { return part == ModelPart::kVae ? "vae" : "transformer"; }

// Shortest text that gives the same float back, by way of the shortest double.
double as_double(float value) {
  for (int digits = 1; digits < 10; ++digits) {
    char text[32];
    std::snprintf(text, sizeof(text), "%.*g", digits, static_cast<double>(value));
    const double candidate = std::strtod(text, nullptr);
    if (static_cast<float>(candidate) == value) return candidate;
  }
  return value;
}

template <typename T>
base::Json to_json(const T& field) {
  if constexpr (std::is_same_v<T, float>) {
    return base::Json(as_double(field));
  } else {
    return base::Json(field);
  }
}

template <typename T>
base::Status read_field(const base::Json& json, T& field) {
  if constexpr (std::is_same_v<T, std::string>) {
    STARLING_ASSIGN(field, json.as_text());
  } else if constexpr (std::is_same_v<T, float>) {
    STARLING_ASSIGN(const double value, json.as_number());
    field = static_cast<float>(value);
  } else if constexpr (std::is_same_v<T, std::uint64_t>) {
    STARLING_ASSIGN(field, json.as_u64());
  } else {
    STARLING_ASSIGN(field, json.as_integer());
  }
  return {};
}

}  // namespace

float learning_rate(const Schedule& schedule, std::uint64_t step) {
  const std::uint64_t decay = std::min(schedule.decay, schedule.steps);
  if (step < schedule.warmup) {
    return schedule.rate * (static_cast<float>(step + 1) / static_cast<float>(schedule.warmup));
  }
  const std::uint64_t flat_end = schedule.steps - decay;
  if (step < flat_end) return schedule.rate;
  const float progress = static_cast<float>(std::min(step - flat_end + 1, decay)) / static_cast<float>(decay);
  const float half_cosine = 0.5F + 0.5F * exact::math::cos(std::numbers::pi_v<float> * progress);
  return schedule.rate * (schedule.final_fraction + (1.0F - schedule.final_fraction) * half_cosine);
}

float average_decay(float limit, std::uint64_t step) {
  const auto t = static_cast<float>(step);
  return std::min(limit, (1.0F + t) / (10.0F + t));
}

Recipe default_recipe(ModelPart part) {
  Recipe recipe;
  recipe.part = part;
  if (part == ModelPart::kTransformer) {
    recipe.batch = 16;
    recipe.schedule = {.steps = 30000, .warmup = 200, .decay = 10000, .rate = 1.5e-3F, .final_fraction = 0.02F};
  } else {
    recipe.schedule = {.steps = 12000, .warmup = 100, .decay = 6000, .rate = 1e-3F, .final_fraction = 0.02F};
  }
  return recipe;
}

base::Status validate(const Recipe& recipe) {
  base::Status status;
  visit_fields(recipe, [&](const char* key, const auto& field, double low, double high) {
    if constexpr (!std::is_same_v<std::decay_t<decltype(field)>, std::string>) {
      const auto value = static_cast<double>(field);
      if (status.ok() && low < high && !(value >= low && value <= high)) {
        status = base::invalid("the recipe's " + std::string(key) + " is " + std::to_string(value) +
                               "; it must be from " + std::to_string(low) + " to " + std::to_string(high));
      }
    }
  });
  STARLING_TRY(status);
  if (recipe.part == ModelPart::kVae && (recipe.crop > recipe.width || recipe.crop > recipe.height)) {
    return base::invalid("the recipe's crop of " + std::to_string(recipe.crop) +
                         " pixels is larger than its clips of " + std::to_string(recipe.width) + "x" +
                         std::to_string(recipe.height) + ": make it smaller");
  }
  if (recipe.part == ModelPart::kVae && recipe.batch % recipe.crops_per_clip != 0) {
    const std::int64_t crops = recipe.crops_per_clip;
    return base::invalid("a batch of " + std::to_string(recipe.batch) + " cannot be made of " + std::to_string(crops) +
                         " crops from each clip (the recipe's crops_per_clip): give a batch of " +
                         std::to_string((recipe.batch / crops + 1) * crops) + ", or another multiple of " +
                         std::to_string(crops));
  }
  if (recipe.part == ModelPart::kTransformer && recipe.batch % recipe.draws_per_clip != 0) {
    const std::int64_t draws = recipe.draws_per_clip;
    return base::invalid("a batch of " + std::to_string(recipe.batch) + " cannot be made of " + std::to_string(draws) +
                         " draws of each clip (the recipe's draws_per_clip): give a batch of " +
                         std::to_string((recipe.batch / draws + 1) * draws) + ", or another multiple of " +
                         std::to_string(draws));
  }
  if (recipe.decoder_only != 0 && recipe.start_hash.empty()) {
    return base::invalid("to train only a decoder, name the autoencoder to start from");
  }
  if (recipe.student_steps > 0 && recipe.start_hash.empty()) {
    return base::invalid("to teach a model to make videos in few steps, name the model to start from");
  }
  if (recipe.schedule.decay > recipe.schedule.steps) {
    return base::invalid("the recipe's decay_steps, " + std::to_string(recipe.schedule.decay) +
                         ", are more than its steps, " + std::to_string(recipe.schedule.steps) +
                         ": give as many at most");
  }
  return {};
}

std::string write_recipe(const Recipe& recipe) {
  base::Json json = base::Json::empty_object();
  json.set("part", part_name(recipe.part));
  visit_fields(recipe, [&](const char* key, const auto& field, double, double) { json.set(key, to_json(field)); });
  return json.to_text(2) + "\n";
}

base::Result<Recipe> parse_recipe(std::string_view text) {
  STARLING_ASSIGN(const base::Json json, base::Json::parse(text, "the recipe"));
  if (!json.is_object()) return base::corrupt("the recipe is not a JSON object");
  STARLING_ASSIGN(const std::string part, json.text("part"));
  if (part != "vae" && part != "transformer") {
    return base::corrupt("the recipe's part must be \"vae\" or \"transformer\"");
  }
  Recipe recipe = default_recipe(part == "vae" ? ModelPart::kVae : ModelPart::kTransformer);
  base::Status status;
  std::size_t known = 1;
  visit_fields(recipe, [&](const char* key, auto& field, double, double) {
    const base::Json* member = json.find(key);
    if (member == nullptr) return;
    ++known;
    if (const base::Status read = read_field(*member, field); status.ok() && !read.ok()) {
      status = base::corrupt("the recipe's " + std::string(key) + ": " + read.error().message);
    }
  });
  STARLING_TRY(status);
  if (known != json.members().size()) return base::corrupt("the recipe has a member that no " + part + " recipe has");
  return recipe;
}

base::Status may_resume(const Recipe& begun, const Recipe& wanted, std::uint64_t step) {
  if (begun.part != wanted.part) {
    return base::invalid(std::string("the checkpoint is of a ") + part_name(begun.part) + ", not of a " +
                         part_name(wanted.part));
  }
  Recipe aligned = wanted;
  aligned.schedule.steps = begun.schedule.steps;
  aligned.schedule.decay = begun.schedule.decay;
  STARLING_ASSIGN(const base::Json before, base::Json::parse(write_recipe(begun), "the recipe"));
  STARLING_ASSIGN(const base::Json after, base::Json::parse(write_recipe(aligned), "the recipe"));
  for (const base::JsonMember& member : before.members()) {
    const base::Json* other = after.find(member.key);
    if (other == nullptr || other->to_text() != member.value.to_text()) {
      return base::invalid("the run began with " + member.key + " = " + member.value.to_text() + ", not " +
                           (other == nullptr ? "nothing" : other->to_text()) +
                           "; resume it as it began, or train into another folder");
    }
  }
  if (wanted.schedule.steps < step) {
    return base::invalid("the run has already made " + std::to_string(step) + " steps, more than the " +
                         std::to_string(wanted.schedule.steps) + " asked for");
  }
  for (std::uint64_t i = 0; i < step; ++i) {
    if (learning_rate(begun.schedule, i) != learning_rate(wanted.schedule, i)) {
      return base::invalid("with steps = " + std::to_string(wanted.schedule.steps) + " and decay_steps = " +
                           std::to_string(wanted.schedule.decay) + " the learning rate at step " + std::to_string(i) +
                           " would have been another one; give more steps, or train into another folder");
    }
  }
  return {};
}

}  // namespace starling::train
