#include "models/config.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <span>
#include <utility>

#include "models/json_fields.h"

namespace starling::models {
namespace {

using base::Json;

// Bounds: far above any published model, far below what would overflow a size.
constexpr std::int64_t kMaxWidth = 65536;
constexpr std::int64_t kLargestVocabulary = 4'000'000;
constexpr std::int64_t kMaxLayers = 256;
constexpr std::int64_t kMaxHeads = 512;
constexpr std::int64_t kMaxChannels = 1024;
constexpr std::int64_t kMaxPatch = 16;
constexpr std::size_t kMaxLevels = 6;
constexpr std::int64_t kMaxStudentSteps = 64;
constexpr float kMinEpsilon = 1e-12F;
constexpr float kMaxEpsilon = 1e-2F;

// One rule of a configuration.
struct Bound {
  const char* name;
  std::int64_t value;
  std::int64_t low;
  std::int64_t high;
};

base::Status check(const char* model, std::initializer_list<Bound> bounds) {
  for (const Bound& bound : bounds) {
    if (bound.value < bound.low || bound.value > bound.high) {
      return base::invalid(std::string(model) + ": '" + bound.name + "' is " + std::to_string(bound.value) +
                           "; it must be from " + std::to_string(bound.low) + " to " + std::to_string(bound.high) +
                           ".");
    }
  }
  return {};
}

base::Status check_epsilon(const char* model, float epsilon) {
  if (epsilon >= kMinEpsilon && epsilon <= kMaxEpsilon) return {};
  return base::invalid(std::string(model) + ": the norms' epsilon must be from 1e-12 to 1e-2.");
}

template <typename T>
base::Result<T> validated(T config) {
  STARLING_TRY(validate(config));
  return config;
}

// A float as the shortest decimal that reads back as the same float; the library would print it as a double.
Json number(float value) {
  std::array<char, 32> text{};
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), value);
  double read = 0.0;
  std::from_chars(text.data(), end, read);
  return read;
}

template <typename T, typename Convert>
Json list(const T& values, Convert convert) {
  Json items = Json::empty_array();
  for (const auto& value : values) items.push(convert(value));
  return items;
}

Json integers(std::span<const std::int64_t> values) {
  return list(values, [](std::int64_t value) { return Json(value); });
}
Json texts(std::initializer_list<const char*> values) {
  return list(values, [](const char* value) { return Json(value); });
}

Json object_of(std::initializer_list<std::pair<const char*, Json>> members) {
  Json object = Json::empty_object();
  for (const auto& [key, value] : members) object.set(key, value);
  return object;
}

std::string text_of(const Json& object) { return object.to_text(2) + "\n"; }

std::string object_text(std::initializer_list<std::pair<const char*, Json>> members) {
  return text_of(object_of(members));
}

// A part of a pipeline is given as ["LIBRARY", "CLASS"].
base::Status check_parts(const Json& index) {
  struct Part {
    const char* name;
    std::string_view type;  // empty: the part's own file says which it is
  };
  constexpr std::array<Part, 5> kParts{{{"scheduler", ""},
                                        {"text_encoder", "UMT5EncoderModel"},
                                        {"tokenizer", ""},
                                        {"transformer", "WanTransformer3DModel"},
                                        {"vae", "AutoencoderKLWan"}}};
  for (const Part& part : kParts) {
    const Json* entry = index.find(part.name);
    const bool is_pair = entry != nullptr && entry->is_array() && entry->elements().size() == 2;
    const base::Result<std::string> type = is_pair ? entry->elements()[1].as_text() : base::corrupt("no pair");
    if (type.ok() && (part.type.empty() || *type == part.type)) continue;
    const std::string wanted = part.type.empty() ? "\"CLASS\"" : "\"" + std::string(part.type) + "\"";
    return base::Error{type.ok() ? base::ErrorCode::kUnsupported : base::ErrorCode::kCorrupt,
                       std::string("model_index.json: '") + part.name + "' must be [\"LIBRARY\", " + wanted +
                           "]; choose the folder of a Wan model, or fetch it again."};
  }
  return {};
}

}  // namespace

std::int64_t VaeConfig::temporal_stride() const {
  return std::int64_t{1} << std::count(temperal_downsample.begin(), temperal_downsample.end(), true);
}

// --- validation

base::Status validate(const Umt5Config& c) {
  STARLING_TRY(check("UMT5", {{"vocab_size", c.vocab_size, 4, kLargestVocabulary},
                              {"d_model", c.d_model, 1, kMaxWidth},
                              {"d_kv", c.d_kv, 1, kMaxWidth},
                              {"d_ff", c.d_ff, 1, kMaxWidth},
                              {"num_layers", c.num_layers, 1, kMaxLayers},
                              {"num_heads", c.num_heads, 1, kMaxHeads},
                              {"relative_attention_num_buckets", c.relative_attention_num_buckets, 4, 256},
                              {"relative_attention_max_distance", c.relative_attention_max_distance,
                               c.relative_attention_num_buckets / 2, 65536}}));
  if (c.relative_attention_num_buckets % 4 != 0) {
    return base::invalid("UMT5: 'relative_attention_num_buckets' must be a multiple of 4.");
  }
  return check_epsilon("UMT5", c.layer_norm_epsilon);
}

base::Status validate(const TransformerConfig& c) {
  STARLING_TRY(check("WanTransformer3DModel", {{"patch_size", c.patch_size[0], 1, kMaxPatch},
                                               {"patch_size", c.patch_size[1], 1, kMaxPatch},
                                               {"patch_size", c.patch_size[2], 1, kMaxPatch},
                                               {"num_attention_heads", c.num_attention_heads, 1, kMaxHeads},
                                               {"attention_head_dim", c.attention_head_dim, 2, 1024},
                                               {"in_channels", c.in_channels, 1, kMaxChannels},
                                               {"out_channels", c.out_channels, 1, kMaxChannels},
                                               {"text_dim", c.text_dim, 1, kMaxWidth},
                                               {"freq_dim", c.freq_dim, 2, kMaxWidth},
                                               {"ffn_dim", c.ffn_dim, 1, 4 * kMaxWidth},
                                               {"num_layers", c.num_layers, 1, kMaxLayers},
                                               {"rope_max_seq_len", c.rope_max_seq_len, 1, 1 << 20}}));
  if (c.width() > kMaxWidth) {
    return base::invalid("WanTransformer3DModel: 'num_attention_heads' times 'attention_head_dim' is over " +
                         std::to_string(kMaxWidth) + ".");
  }
  if (c.attention_head_dim % 2 != 0 || c.freq_dim % 2 != 0) {
    return base::invalid("WanTransformer3DModel: 'attention_head_dim' and 'freq_dim' must be even.");
  }
  return check_epsilon("WanTransformer3DModel", c.eps);
}

base::Status validate(const VaeConfig& c) {
  STARLING_TRY(check("AutoencoderKLWan", {{"base_dim", c.base_dim, 1, kMaxChannels},
                                          {"decoder_base_dim", c.decoder_base_dim, 1, kMaxChannels},
                                          {"z_dim", c.z_dim, 1, kMaxChannels},
                                          {"dim_mult", c.levels(), 1, kMaxLevels},
                                          {"num_res_blocks", c.num_res_blocks, 1, 16},
                                          {"in_channels", c.in_channels, 1, kMaxChannels},
                                          {"out_channels", c.out_channels, 1, kMaxChannels},
                                          {"patch_size", c.patch_size, 1, kMaxPatch}}));
  for (const std::int64_t mult : c.dim_mult) {
    STARLING_TRY(check("AutoencoderKLWan", {{"dim_mult", mult, 1, 64}}));
  }
  if (c.temperal_downsample.size() + 1 != c.dim_mult.size()) {
    return base::invalid("AutoencoderKLWan: 'temperal_downsample' must have one entry less than 'dim_mult'.");
  }
  const auto z = static_cast<std::size_t>(c.z_dim);
  if (c.latents_mean.size() != z || c.latents_std.size() != z) {
    return base::invalid("AutoencoderKLWan: 'latents_mean' and 'latents_std' must have 'z_dim' entries.");
  }
  for (std::size_t i = 0; i < z; ++i) {
    if (!std::isfinite(c.latents_mean[i]) || !(c.latents_std[i] > 0.0F) || !std::isfinite(c.latents_std[i])) {
      return base::invalid("AutoencoderKLWan: 'latents_mean' must be finite and 'latents_std' positive.");
    }
  }
  const std::int64_t pixels = c.patch_size * c.patch_size;
  if (c.in_channels % pixels != 0 || c.out_channels % pixels != 0) {
    return base::invalid("AutoencoderKLWan: channels must be multiples of 'patch_size' squared.");
  }
  // Shortcuts and halvings need whole groups of channels.
  for (std::size_t i = 0; i < c.dim_mult.size(); ++i) {
    const bool last = i + 1 == c.dim_mult.size();
    const std::int64_t factor = last ? 1 : (c.temperal_downsample[i] ? 8 : 4);
    const std::int64_t narrow = i == 0 ? 1 : c.dim_mult[i - 1];
    const std::int64_t below = last ? c.dim_mult[i] : c.dim_mult[i + 1];
    const bool down = narrow * factor % c.dim_mult[i] == 0;
    const bool up = last || c.dim_mult[i] * factor % below == 0;
    if (c.is_residual && !(down && up)) {
      return base::invalid("AutoencoderKLWan: 'dim_mult' does not divide into the residual shortcuts' groups.");
    }
    if (!c.is_residual && !last && below * c.decoder_base_dim % 2 != 0) {
      return base::invalid("AutoencoderKLWan: the decoder's widths must be even.");
    }
  }
  return {};
}

base::Status validate(const SchedulerConfig& c) {
  STARLING_TRY(check("scheduler", {{"num_train_timesteps", c.num_train_timesteps, 1, 1'000'000}}));
  if (!(c.shift >= 0.01F && c.shift <= 100.0F)) {
    return base::invalid("scheduler: the shift must be from 0.01 to 100.");
  }
  if (!(c.noise_mean_amplitude >= 0.0F && c.noise_mean_amplitude <= 100.0F)) {
    return base::invalid("scheduler: the noise_mean_amplitude must be from 0 to 100.");
  }
  return check("scheduler", {{"student_steps", c.student_steps, 0, kMaxStudentSteps}});
}

// --- reading

base::Result<Umt5Config> parse_umt5_config(std::string_view json) {
  STARLING_ASSIGN(const Json object, parse_json_object(json, "the text encoder's config.json"));
  JsonFields fields(object, "the text encoder's config.json");
  Umt5Config c;
  fields.only("model_type", {"umt5"});
  fields.only("feed_forward_proj", {"gated-gelu"});
  fields.absent("is_decoder");
  fields.integer("vocab_size", c.vocab_size, 4, kLargestVocabulary);
  fields.integer("d_model", c.d_model, 1, kMaxWidth);
  fields.integer("d_kv", c.d_kv, 1, kMaxWidth);
  fields.integer("d_ff", c.d_ff, 1, kMaxWidth);
  fields.integer("num_layers", c.num_layers, 1, kMaxLayers);
  fields.integer("num_heads", c.num_heads, 1, kMaxHeads);
  fields.integer("relative_attention_num_buckets", c.relative_attention_num_buckets, 4, 256);
  fields.integer("relative_attention_max_distance", c.relative_attention_max_distance, 2, 65536);
  fields.number("layer_norm_epsilon", c.layer_norm_epsilon, kMinEpsilon, kMaxEpsilon);
  STARLING_TRY(fields.status());
  return validated(c);
}

namespace {

constexpr const char* kQuantisationMethod = "starling_w8a8";

base::Result<Quantisation> parse_quantisation(const Json& object) {
  const std::string where = "the transformer's config.json: ";
  if (!object.is_object()) return base::unsupported(where + "'quantization_config' is not an object");
  JsonFields fields(object, where + "quantization_config");
  if (!fields.is_text("quant_method", kQuantisationMethod)) {
    return base::unsupported(where + "its weights are quantised in a way that this program does not know ('" +
                             "quant_method' of quantization_config is not " + kQuantisationMethod + ")");
  }
  Quantisation quantisation;
  for (const auto& [key, root] : {std::pair{"source", &quantisation.source}, {"program", &quantisation.program}}) {
    const Json* text = fields.find(key);
    const auto hex = text == nullptr ? base::Result<std::string>(base::corrupt("missing")) : text->as_text();
    const auto read = hex.ok() ? base::Hash::from_hex(*hex) : base::Result<base::Hash>(hex.error());
    if (!read.ok()) {
      return base::corrupt(where + "'" + key + "' of quantization_config is " +
                           (text == nullptr ? "missing" : "wrong") + ": a root of 64 hexadecimal digits belongs there");
    }
    *root = *read;
  }
  return quantisation;
}

}  // namespace

base::Result<TransformerConfig> parse_transformer_config(std::string_view json) {
  STARLING_ASSIGN(const Json object, parse_json_object(json, "the transformer's config.json"));
  JsonFields fields(object, "the transformer's config.json");
  TransformerConfig c;
  std::vector<std::int64_t> patch{c.patch_size.begin(), c.patch_size.end()};
  fields.only("_class_name", {"WanTransformer3DModel"});
  fields.only("qk_norm", {"rms_norm_across_heads"});
  fields.absent("image_dim");
  fields.absent("added_kv_proj_dim");
  fields.absent("pos_embed_seq_len");
  fields.integers("patch_size", patch, 3, 1, kMaxPatch);
  fields.integer("num_attention_heads", c.num_attention_heads, 1, kMaxHeads);
  fields.integer("attention_head_dim", c.attention_head_dim, 2, 1024);
  fields.integer("in_channels", c.in_channels, 1, kMaxChannels);
  fields.integer("out_channels", c.out_channels, 1, kMaxChannels);
  fields.integer("text_dim", c.text_dim, 1, kMaxWidth);
  fields.integer("freq_dim", c.freq_dim, 2, kMaxWidth);
  fields.integer("ffn_dim", c.ffn_dim, 1, 4 * kMaxWidth);
  fields.integer("num_layers", c.num_layers, 1, kMaxLayers);
  fields.integer("rope_max_seq_len", c.rope_max_seq_len, 1, 1 << 20);
  fields.boolean("cross_attn_norm", c.cross_attn_norm);
  fields.number("eps", c.eps, kMinEpsilon, kMaxEpsilon);
  STARLING_TRY(fields.status());
  if (const Json* quantisation = fields.find("quantization_config"); quantisation != nullptr) {
    STARLING_ASSIGN(c.quantisation, parse_quantisation(*quantisation));
  }
  if (patch.size() != 3) return base::corrupt("the transformer's config.json: 'patch_size' must have three entries.");
  std::copy(patch.begin(), patch.end(), c.patch_size.begin());
  return validated(c);
}

base::Result<VaeConfig> parse_vae_config(std::string_view json) {
  STARLING_ASSIGN(const Json object, parse_json_object(json, "the VAE's config.json"));
  JsonFields fields(object, "the VAE's config.json");
  VaeConfig c;
  fields.only("_class_name", {"AutoencoderKLWan"});
  fields.absent("attn_scales");
  fields.integer("base_dim", c.base_dim, 1, kMaxChannels);
  c.decoder_base_dim = c.base_dim;
  fields.integer("decoder_base_dim", c.decoder_base_dim, 1, kMaxChannels);
  fields.integer("z_dim", c.z_dim, 1, kMaxChannels);
  fields.integers("dim_mult", c.dim_mult, kMaxLevels, 1, 64);
  fields.integer("num_res_blocks", c.num_res_blocks, 1, 16);
  fields.booleans("temperal_downsample", c.temperal_downsample, kMaxLevels);
  fields.numbers("latents_mean", c.latents_mean, kMaxChannels, -1e6F, 1e6F);
  fields.numbers("latents_std", c.latents_std, kMaxChannels, 1e-6F, 1e6F);
  fields.boolean("is_residual", c.is_residual);
  fields.integer("in_channels", c.in_channels, 1, kMaxChannels);
  fields.integer("out_channels", c.out_channels, 1, kMaxChannels);
  fields.integer("patch_size", c.patch_size, 1, kMaxPatch);
  STARLING_TRY(fields.status());
  return validated(std::move(c));
}

base::Result<SchedulerConfig> parse_scheduler_config(std::string_view json) {
  const std::string what = "scheduler_config.json";
  STARLING_ASSIGN(const Json object, parse_json_object(json, what));
  JsonFields fields(object, what);
  SchedulerConfig c;
  const bool is_unipc = fields.is_text("_class_name", "UniPCMultistepScheduler");
  if (fields.find("_class_name") == nullptr) return base::corrupt(what + " does not name its class.");
  fields.only("_class_name", {"FlowMatchEulerDiscreteScheduler", "UniPCMultistepScheduler"});
  for (const char* key : {"use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas", "use_dynamic_shifting",
                          "stochastic_sampling", "invert_sigmas", "shift_terminal"}) {
    fields.absent(key);
  }
  if (is_unipc) {
    bool flow = false;
    fields.boolean("use_flow_sigmas", flow);
    fields.only("prediction_type", {"flow_prediction"});
    if (!flow) return base::unsupported(what + ": only flow matching is supported; 'use_flow_sigmas' must be true.");
  }
  fields.integer("num_train_timesteps", c.num_train_timesteps, 1, 1'000'000);
  fields.number(is_unipc ? "flow_shift" : "shift", c.shift, 0.01F, 100.0F);
  fields.number("noise_mean_amplitude", c.noise_mean_amplitude, 0.0F, 100.0F);
  fields.integer("student_steps", c.student_steps, 0, kMaxStudentSteps);
  STARLING_TRY(fields.status());
  return validated(c);
}

base::Result<PipelineConfig> parse_pipeline_config(std::string_view json) {
  STARLING_ASSIGN(const Json object, parse_json_object(json, "model_index.json"));
  JsonFields fields(object, "model_index.json");
  PipelineConfig c;
  if (!fields.is_text("_class_name", "WanPipeline") && !fields.is_text("_class_name", "WanImageToVideoPipeline")) {
    const bool named = fields.find("_class_name") != nullptr;
    return base::Error{named ? base::ErrorCode::kUnsupported : base::ErrorCode::kCorrupt,
                       "model_index.json: '_class_name' must be \"WanPipeline\" or \"WanImageToVideoPipeline\"; choose "
                       "the folder of a Wan model, or fetch it again."};
  }
  STARLING_TRY(check_parts(object));
  fields.absent("boundary_ratio");
  fields.boolean("expand_timesteps", c.expand_timesteps);
  if (const Json* second = fields.find("transformer_2"); second != nullptr) {
    if (std::ranges::any_of(second->elements(), [](const Json& item) { return !item.is_null(); })) {
      return base::unsupported("model_index.json: models of two transformers are not supported.");
    }
  }
  STARLING_TRY(fields.status());
  return c;
}

// --- writing

std::string write_umt5_config(const Umt5Config& c) {
  return object_text({{"architectures", texts({"UMT5EncoderModel"})},
                      {"model_type", "umt5"},
                      {"vocab_size", c.vocab_size},
                      {"d_model", c.d_model},
                      {"d_kv", c.d_kv},
                      {"d_ff", c.d_ff},
                      {"num_layers", c.num_layers},
                      {"num_heads", c.num_heads},
                      {"relative_attention_num_buckets", c.relative_attention_num_buckets},
                      {"relative_attention_max_distance", c.relative_attention_max_distance},
                      {"layer_norm_epsilon", number(c.layer_norm_epsilon)},
                      {"feed_forward_proj", "gated-gelu"},
                      {"is_encoder_decoder", false},
                      {"use_cache", false},
                      {"pad_token_id", 0},
                      {"eos_token_id", 1},
                      {"decoder_start_token_id", 0}});
}

std::string write_transformer_config(const TransformerConfig& c) {
  Json object = object_of({{"_class_name", "WanTransformer3DModel"},
                           {"patch_size", integers(c.patch_size)},
                           {"num_attention_heads", c.num_attention_heads},
                           {"attention_head_dim", c.attention_head_dim},
                           {"in_channels", c.in_channels},
                           {"out_channels", c.out_channels},
                           {"text_dim", c.text_dim},
                           {"freq_dim", c.freq_dim},
                           {"ffn_dim", c.ffn_dim},
                           {"num_layers", c.num_layers},
                           {"cross_attn_norm", c.cross_attn_norm},
                           {"qk_norm", "rms_norm_across_heads"},
                           {"eps", number(c.eps)},
                           {"image_dim", Json()},
                           {"added_kv_proj_dim", Json()},
                           {"pos_embed_seq_len", Json()},
                           {"rope_max_seq_len", c.rope_max_seq_len}});
  if (c.quantisation) {
    object.set("quantization_config", object_of({{"quant_method", kQuantisationMethod},
                                                 {"source", c.quantisation->source.hex()},
                                                 {"program", c.quantisation->program.hex()}}));
  }
  return text_of(object);
}

std::string write_vae_config(const VaeConfig& c) {
  return object_text({{"_class_name", "AutoencoderKLWan"},
                      {"base_dim", c.base_dim},
                      {"decoder_base_dim", c.decoder_base_dim},
                      {"z_dim", c.z_dim},
                      {"dim_mult", integers(c.dim_mult)},
                      {"num_res_blocks", c.num_res_blocks},
                      {"attn_scales", Json::empty_array()},
                      {"temperal_downsample", list(c.temperal_downsample, [](bool value) { return Json(value); })},
                      {"dropout", 0.0},
                      {"latents_mean", list(c.latents_mean, number)},
                      {"latents_std", list(c.latents_std, number)},
                      {"is_residual", c.is_residual},
                      {"in_channels", c.in_channels},
                      {"out_channels", c.out_channels},
                      {"patch_size", c.patch_size == 1 ? Json() : Json(c.patch_size)},
                      {"scale_factor_temporal", c.temporal_stride()},
                      {"scale_factor_spatial", c.spatial_stride()}});
}

std::string write_scheduler_config(const SchedulerConfig& c) {
  Json object = Json::empty_object();
  object.set("_class_name", "FlowMatchEulerDiscreteScheduler");
  object.set("num_train_timesteps", c.num_train_timesteps);
  object.set("shift", number(c.shift));
  object.set("use_dynamic_shifting", false);
  if (c.noise_mean_amplitude != 0.0F) object.set("noise_mean_amplitude", number(c.noise_mean_amplitude));
  if (c.student_steps != 0) object.set("student_steps", c.student_steps);
  return object.to_text(2) + "\n";
}

std::string write_pipeline_config(const PipelineConfig& c) {
  return object_text({{"_class_name", "WanPipeline"},
                      {"_diffusers_version", "0.35.0"},
                      {"boundary_ratio", Json()},
                      {"expand_timesteps", c.expand_timesteps},
                      {"scheduler", texts({"diffusers", "FlowMatchEulerDiscreteScheduler"})},
                      {"text_encoder", texts({"transformers", "UMT5EncoderModel"})},
                      {"tokenizer", texts({"transformers", "T5TokenizerFast"})},
                      {"transformer", texts({"diffusers", "WanTransformer3DModel"})},
                      {"transformer_2", Json(std::vector<Json>(2))},
                      {"vae", texts({"diffusers", "AutoencoderKLWan"})}});
}

}  // namespace starling::models
