// What a request may ask, and how it is written down.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <numeric>

#include "exact/integer_limits.h"
#include "generate/text_to_video.h"
#include "generate/token_bound.h"

namespace starling::generate {
namespace {

constexpr std::int64_t kMaxSide = 8192;
constexpr std::int64_t kMaxFrames = 100'000;
constexpr std::int64_t kMaxContext = 64;  // latent frames

std::string float_text(float value) {
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value);
  return {text.data(), end.ptr};
}

base::Result<float> float_from_text(const std::string& text) {
  float value = 0.0F;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end.ec != std::errc() || end.ptr != text.data() + text.size() || !std::isfinite(value) ||
      float_text(value) != text) {
    return base::corrupt("\"" + text + "\" is not a number in its shortest form");
  }
  return value;
}

constexpr std::size_t kMaxShown = 60;  // bytes of a receipt in a message

std::string field_name(const std::string& key) {
  return "the field " + base::Json(std::string_view(key).substr(0, kMaxShown)).to_text();
}

// A value that is kept as a text.
template <typename Read>
auto read_field(const base::Json& json, const char* key, const Read& read) -> decltype(read(std::string())) {
  STARLING_ASSIGN(const std::string text, json.text(key));
  auto value = read(text.substr(0, kMaxShown));
  if (!value.ok()) return base::corrupt(field_name(key) + ": " + value.error().message);
  return value;
}

bool read_integer(std::string_view text, std::int64_t& value) {
  const auto end = std::from_chars(text.data(), text.data() + text.size(), value);
  return end.ec == std::errc() && end.ptr == text.data() + text.size();
}

// The multiples of stride around a value, plus offset, as "the nearest are 48 and 64". Values are of any size.
std::string neighbours(std::int64_t value, std::int64_t stride, std::int64_t offset, std::int64_t low,
                       std::int64_t high) {
  const std::int64_t below = (std::clamp<std::int64_t>(value, 0, high + 1) - offset) / stride * stride + offset;
  const std::int64_t above = below + stride;
  if (below < low) return "the nearest is " + std::to_string(low);
  if (above > high) return "the nearest is " + std::to_string((high - offset) / stride * stride + offset);
  return "the nearest are " + std::to_string(below) + " and " + std::to_string(above);
}

base::Status check_side(const char* what, std::int64_t value, std::int64_t stride) {
  if (value >= stride && value <= kMaxSide && value % stride == 0) return {};
  return base::invalid(std::string(what) + " " + std::to_string(value) +
                       " does not work with this model, whose sizes are multiples of " + std::to_string(stride) +
                       " up to " + std::to_string(kMaxSide / stride * stride) + ": " +
                       neighbours(value, stride, 0, stride, kMaxSide));
}

base::Result<std::int64_t> integer_or(const base::Json& json, const char* key, std::int64_t high,
                                      std::int64_t otherwise) {
  if (json.find(key) == nullptr) return otherwise;
  return json.integer(key, 0, high);
}

// The fields that are there only if they are used.
base::Status read_ways_in(const base::Json& json, TextToVideo& request) {
  STARLING_ASSIGN(request.start, integer_or(json, "start", kMaxFrames, 0));
  STARLING_ASSIGN(request.end, integer_or(json, "end", kMaxFrames, 0));
  STARLING_ASSIGN(request.window, integer_or(json, "window", kMaxFrames, 0));
  STARLING_ASSIGN(request.context, integer_or(json, "context", kMaxContext, kDefaultContext));
  if (json.find("given") != nullptr) {
    STARLING_ASSIGN(const std::string given, json.text("given"));
    STARLING_ASSIGN(request.given, base::Hash::from_hex(given));
  }
  if (json.find("strength") != nullptr) {
    STARLING_ASSIGN(request.strength, read_field(json, "strength", float_from_text));
  }
  if (json.find("loop") != nullptr) {
    STARLING_ASSIGN(request.loop, json.boolean("loop"));
  }
  return {};
}

base::Status check_count(const TextToVideo& request, std::int64_t stride) {
  const std::int64_t offset = request.loop ? 0 : 1;
  const std::int64_t least = request.loop ? 2 * stride : 1;
  if (request.frames >= least && request.frames <= kMaxFrames && (request.frames - offset) % stride == 0) return {};
  return base::invalid(std::to_string(request.frames) + " frames do not work with this model, which makes " +
                       (request.loop ? "loops of " : "") + std::to_string(least) + ", " +
                       std::to_string(least + stride) + ", " + std::to_string(least + 2 * stride) +
                       ", ...: " + neighbours(request.frames, stride, offset, least, kMaxFrames));
}

// What a video goes on from, and in what windows.
base::Status check_ways_in(const models::ModelConfig& config, const TextToVideo& request) {
  const std::int64_t stride = frame_stride(config);
  if (request.start < 0 || request.start > request.frames || (request.start > 0 && (request.start - 1) % stride != 0)) {
    return base::invalid(std::to_string(request.start) + " frames cannot be the start of this video: give 1, " +
                         std::to_string(1 + stride) + ", ..., and not more than it has");
  }
  if (request.end < 0 || request.end > request.frames || request.end % stride != 0) {
    return base::invalid(std::to_string(request.end) + " frames cannot be the end of this video: give " +
                         std::to_string(stride) + ", " + std::to_string(2 * stride) +
                         ", ..., and not more than it has");
  }
  if (request.has_given() != request.given.has_value()) {
    return base::invalid("a video that goes on from frames names their root, and no other does");
  }
  if (request.strength && !(*request.strength >= 0.0F && *request.strength <= 1.0F)) {
    return base::invalid("strength goes from 0, which leaves the video as it is, to 1, which leaves nothing of it");
  }
  if (request.strength && (request.start != request.frames || request.end > 0 || request.loop)) {
    return base::invalid("what is made anew is a whole video: it has neither an end of its own nor a loop");
  }
  if (request.loop && request.end > 0) {
    return base::invalid("a loop ends where it begins: give it no other end");
  }
  if (!request.strength && request.start + request.end >= request.frames + (request.loop ? 1 : 0)) {
    return base::invalid("all " + std::to_string(request.frames) +
                         " frames of the video are given: ask for a longer one");
  }
  if (request.context < 1 || request.context > kMaxContext) {
    return base::invalid("windows go on from 1 to " + std::to_string(kMaxContext) + " latent frames");
  }
  const std::int64_t least = (request.end > 0 || request.loop ? 2 : 1) * request.context + 1;
  if (request.window < 0 || (request.window > 0 && request.window < least)) {
    return base::invalid("windows of " + std::to_string(request.window) +
                         " latent frames leave nothing to make beside " + std::to_string(request.context) +
                         " that they go on from: give " + std::to_string(least) + " or more");
  }
  const bool needs_times = request.loop || (request.has_given() && !request.strength) ||
                           plan_windows(timeline_of(config, request)).size() > 1;
  if (needs_times && (!config.pipeline.expand_timesteps || config.transformer.patch_size[0] != 1)) {
    return base::unsupported(
        "this model makes all frames of a video at once and cannot go on from some of them: take one whose "
        "model_index.json has expand_timesteps, or ask for a video from text");
  }
  return {};
}

// How many tokens a window of so many latent frames has.
std::int64_t tokens_of(const models::ModelConfig& config, std::int64_t width, std::int64_t height,
                       std::int64_t latent_frames) {
  const auto& patch = config.transformer.patch_size;
  const std::int64_t stride = config.vae.spatial_stride();
  return latent_frames / patch[0] * (height / stride / patch[1]) * (width / stride / patch[2]);
}

}  // namespace

base::Result<FrameRate> FrameRate::from_text(std::string_view text) {
  const std::size_t slash = text.find('/');
  FrameRate rate;
  const bool whole = slash == std::string_view::npos;
  if (!read_integer(text.substr(0, slash), rate.numerator) ||
      (!whole && !read_integer(text.substr(slash + 1), rate.denominator)) || rate.numerator < 1 ||
      rate.denominator < 1 || rate.numerator > 1'000'000 || rate.denominator > 1'000'000 || rate.per_second() > 240.0 ||
      rate.per_second() < 0.01) {
    return base::invalid("\"" + std::string(text) +
                         "\" is not a frame rate: give frames a second up to 240, such as 8 or 30000/1001");
  }
  const std::int64_t common = std::gcd(rate.numerator, rate.denominator);
  rate.numerator /= common;
  rate.denominator /= common;
  return rate;
}

std::string FrameRate::text() const {
  return denominator == 1 ? std::to_string(numerator) : std::to_string(numerator) + "/" + std::to_string(denominator);
}

base::Json to_json(const TextToVideo& request) {
  base::Json json = base::Json::empty_object();
  json.set("frames", request.frames);
  json.set("guidance", float_text(request.guidance));
  json.set("height", request.height);
  json.set("negative", request.negative);
  json.set("prompt", request.prompt);
  json.set("rate", request.rate.text());
  json.set("seed", request.seed);
  json.set("shift", float_text(request.shift));
  json.set("steps", request.steps);
  json.set("width", request.width);
  if (request.start > 0) json.set("start", request.start);
  if (request.end > 0) json.set("end", request.end);
  if (request.given) json.set("given", request.given->hex());
  if (request.strength) json.set("strength", float_text(*request.strength));
  if (request.loop) json.set("loop", true);
  if (request.window > 0) json.set("window", request.window);
  if (request.goes_on()) json.set("context", request.context);
  return json;
}

base::Result<TextToVideo> text_to_video_from_json(const base::Json& json) {
  TextToVideo request;
  STARLING_ASSIGN(request.prompt, json.text("prompt"));
  STARLING_ASSIGN(request.negative, json.text("negative"));
  STARLING_ASSIGN(request.width, json.integer("width", 1, kMaxSide));
  STARLING_ASSIGN(request.height, json.integer("height", 1, kMaxSide));
  STARLING_ASSIGN(request.frames, json.integer("frames", 1, kMaxFrames));
  STARLING_ASSIGN(request.steps, json.integer("steps", 1, kMaxSteps));
  STARLING_ASSIGN(request.seed, json.u64("seed"));
  STARLING_ASSIGN(request.rate,
                  read_field(json, "rate", [](const std::string& text) { return FrameRate::from_text(text); }));
  STARLING_ASSIGN(request.guidance, read_field(json, "guidance", float_from_text));
  STARLING_ASSIGN(request.shift, read_field(json, "shift", float_from_text));
  STARLING_TRY(read_ways_in(json, request));
  // Exactly what to_json() writes, so that nothing unread hides in a receipt.
  const base::Json again = to_json(request);
  for (const base::JsonMember& member : json.members()) {
    const base::Json* written = again.find(member.key);
    if (written == nullptr) return base::corrupt(field_name(member.key) + " is none of a video's");
    if (written->to_text() != member.value.to_text()) {
      return base::corrupt(field_name(member.key) + " is " + member.value.to_text().substr(0, kMaxShown) +
                           ", which is written " + written->to_text());
    }
  }
  return request;
}

std::int64_t size_stride(const models::ModelConfig& config) {
  return config.vae.spatial_stride() * std::lcm(config.transformer.patch_size[1], config.transformer.patch_size[2]);
}

std::int64_t frame_stride(const models::ModelConfig& config) { return config.vae.temporal_stride(); }

std::int64_t frames_for_seconds(const models::ModelConfig& config, double seconds, const FrameRate& rate) {
  const auto stride = static_cast<double>(frame_stride(config));
  const double wanted = seconds * rate.per_second();
  const double blocks = std::floor((std::fmax(wanted, 1.0) - 1.0) / stride + 0.5);
  return 1 + static_cast<std::int64_t>(std::fmin(blocks, static_cast<double>(kMaxFrames)) * stride);
}

base::Result<std::int64_t> frames_lasting(const models::ModelConfig& config, double seconds, const FrameRate& rate) {
  const std::int64_t frames = frames_for_seconds(config, seconds, rate);
  const double wanted = seconds * rate.per_second();
  const double beyond = wanted - static_cast<double>(frames - 1);  // of the moment of the last frame, in frames
  if (frames >= kMaxFrames || (beyond >= -0.5 && beyond <= 1.5)) return frames;
  const std::int64_t stride = frame_stride(config);
  const std::int64_t shorter = static_cast<std::int64_t>(wanted) / stride * stride;
  const auto duration = [&](std::int64_t intervals) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.4g s", static_cast<double>(intervals) / rate.per_second());
    return std::string(text.data()) + " (" + std::to_string(intervals + 1) + (intervals == 0 ? " frame)" : " frames)");
  };
  std::array<char, 96> text{};
  std::snprintf(text.data(), text.size(), "%.4g s at %.4g frames a second do not work with this model", seconds,
                rate.per_second());
  return base::invalid(std::string(text.data()) + ": the nearest are " + duration(shorter) + " and " +
                       duration(shorter + stride));
}

base::Status check_request(const models::ModelConfig& config, const TextToVideo& request) {
  if (request.prompt.size() > static_cast<std::size_t>(kMaxPromptBytes) ||
      request.negative.size() > static_cast<std::size_t>(kMaxPromptBytes)) {
    return base::limit_error("the prompt has more than " + std::to_string(kMaxPromptBytes) + " bytes: shorten it");
  }
  const base::Status width = check_side("width", request.width, size_stride(config));
  const base::Status height = check_side("height", request.height, size_stride(config));
  if (!width.ok() && !height.ok()) return base::invalid(width.error().message + "; " + height.error().message);
  STARLING_TRY(width);
  STARLING_TRY(height);
  STARLING_TRY(check_count(request, frame_stride(config)));
  STARLING_TRY(check_ways_in(config, request));
  const std::int64_t rows = request.height / config.vae.spatial_stride() / config.transformer.patch_size[1];
  const std::int64_t columns = request.width / config.vae.spatial_stride() / config.transformer.patch_size[2];
  const std::int64_t times = largest_window(config, request) / config.transformer.patch_size[0];
  const std::int64_t positions = config.transformer.rope_max_seq_len;
  if (rows > positions || columns > positions || times > positions) {
    return base::limit_error("this model has " + std::to_string(positions) +
                             " positions along each axis, and the video needs more: make it smaller or shorter");
  }
  if (request.steps < 1 || request.steps > kMaxSteps) {
    return base::invalid(std::to_string(request.steps) + " steps: give 1 to " + std::to_string(kMaxSteps));
  }
  if (!(request.guidance >= 0.0F && request.guidance <= 100.0F)) return base::invalid("guidance goes from 0 to 100");
  if (!(request.shift >= 0.01F && request.shift <= 100.0F)) return base::invalid("shift goes from 0.01 to 100");
  return {};
}

base::Status check_tokens(const models::ModelConfig& config, const TextToVideo& request) {
  if (!config.transformer.quantisation) return {};
  constexpr std::int64_t kMost = exact::kMostU8Depth;
  const std::int64_t window = largest_window(config, request);
  const std::int64_t tokens = tokens_of(config, request.width, request.height, window);
  if (tokens <= kMost) return {};
  const std::int64_t each = tokens_of(config, request.width, request.height, config.transformer.patch_size[0]);
  const std::int64_t fitting = kMost / each * config.transformer.patch_size[0];
  const std::int64_t stride = size_stride(config);
  std::int64_t height = request.height;
  std::int64_t width = request.width;
  while (height > stride && tokens_of(config, width, height, window) > kMost) {
    height -= stride;
    width = std::max(stride, request.width * height / request.height / stride * stride);
  }
  std::string nearest;
  const std::int64_t frames = config.vae.frames(fitting);
  if (fitting > 0) nearest = std::to_string(frames) + (frames == 1 ? " frame" : " frames") + " at a time, or ";
  return base::limit_error(
      "this model computes in integers, at most " + std::to_string(kMost) + " tokens at a time, and " +
      std::to_string(request.width) + "x" + std::to_string(request.height) + " with " +
      std::to_string(config.vae.frames(window)) + " frames at a time needs " + std::to_string(tokens) + ": ask for " +
      nearest + std::to_string(width) + "x" + std::to_string(height) + ", or take the model that it was made of");
}

}  // namespace starling::generate
