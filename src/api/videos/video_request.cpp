#include "api/videos/video_request.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "api/videos/errors.h"
#include "api/videos/multipart.h"
#include "generate/video_job.h"

namespace starling::api::videos {
namespace {

constexpr std::array<std::string_view, 17> kParameters = {"prompt",
                                                          "model",
                                                          "seconds",
                                                          "size",
                                                          "input_reference",
                                                          "video",
                                                          "to",
                                                          "seed",
                                                          "steps",
                                                          "num_inference_steps",
                                                          "guidance",
                                                          "guidance_scale",
                                                          "fps",
                                                          "num_frames",
                                                          "negative_prompt",
                                                          "flow_shift",
                                                          "user"};

constexpr base::JsonLimits kJsonLimits = {std::size_t{16} << 20, 16, 4096};

// A parameter that was wrong.
struct Fault {
  std::string param;
  base::Error error;
};

template <typename T>
std::optional<T> number_in(std::string_view text) {
  T value{};
  const auto end = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end.ec != std::errc() || end.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

// Reads one parameter after the other and keeps the first fault.
class Reader {
 public:
  explicit Reader(const base::Json& parameters) : parameters_(parameters) {}

  const base::Json* find(std::string_view name) const {
    const base::Json* const found = parameters_.find(name);
    return found == nullptr || found->is_null() ? nullptr : found;
  }
  void blame(std::string_view name, std::string message) {
    if (!fault_) fault_ = Fault{std::string(name), base::invalid(std::move(message))};
  }
  void text(std::string_view name, std::string& into) {
    const base::Json* const value = find(name);
    if (value == nullptr) return;
    base::Result<std::string> text = value->as_text();
    if (text.ok()) {
      into = *std::move(text);
    } else {
      blame(name, quoted(name) + " is a text");
    }
  }
  // Whole numbers, as themselves or as texts.
  template <typename T>
  void integer(std::string_view name, T& into, T low, T high) {
    const base::Json* const value = find(name);
    if (value == nullptr) return;
    std::optional<T> number;
    if (value->kind() == base::Json::Kind::kText) {
      number = number_in<T>(*value->as_text());
    } else if (value->kind() == base::Json::Kind::kInteger) {
      number = number_in<T>(value->to_text());
    }
    if (!number || *number < low || *number > high) {
      blame(name, quoted(name) + " is a whole number from " + std::to_string(low) + " to " + std::to_string(high));
      return;
    }
    into = *number;
  }
  void number(std::string_view name, float& into, double low, double high) {
    const std::optional<double> value = any_number(name);
    if (!value) return;
    if (!(*value >= low && *value <= high)) {
      std::array<char, 96> range{};
      std::snprintf(range.data(), range.size(), " is a number from %g to %g", low, high);
      blame(name, quoted(name) + range.data());
      return;
    }
    into = static_cast<float>(*value);
  }
  std::optional<double> any_number(std::string_view name) {
    const base::Json* const value = find(name);
    if (value == nullptr) return std::nullopt;
    std::optional<double> number;
    if (value->kind() == base::Json::Kind::kText) {
      number = number_in<double>(*value->as_text());
    } else if (const base::Result<double> given = value->as_number(); given.ok()) {
      number = *given;
    }
    if (!number || !std::isfinite(*number)) {
      blame(name, quoted(name) + " is a number");
      return std::nullopt;
    }
    return number;
  }
  const std::optional<Fault>& fault() const { return fault_; }

 private:
  static std::string quoted(std::string_view name) { return "'" + std::string(name) + "'"; }
  const base::Json& parameters_;
  std::optional<Fault> fault_;
};

std::string short_text(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.6g", value);
  return text.data();
}

std::string what_works(const VideoRules& rules) {
  const std::int64_t stride = generate::size_stride(rules.model->config());
  const std::int64_t frames = generate::frame_stride(rules.model->config());
  return "; this model makes sizes whose sides are multiples of " + std::to_string(stride) + " and 1, " +
         std::to_string(1 + frames) + ", " + std::to_string(1 + 2 * frames) + ", ... frames, up to " +
         std::to_string(rules.most_pixels) + " pixels in all, such as " + std::to_string(rules.usual.width) + "x" +
         std::to_string(rules.usual.height) + " for 2, 4, 8 or 12 seconds";
}

void read_size(Reader& reader, const VideoRules& rules, generate::TextToVideo& request) {
  std::string size;
  reader.text("size", size);
  if (size.empty() || size == "auto") return;
  const std::size_t cross = size.find('x');
  const auto width = number_in<std::int64_t>(std::string_view(size).substr(0, cross));
  const auto height =
      cross == std::string::npos ? std::nullopt : number_in<std::int64_t>(std::string_view(size).substr(cross + 1));
  if (!width || !height || *width < 1 || *height < 1) {
    reader.blame("size", "'size' is WIDTHxHEIGHT in pixels" + what_works(rules));
    return;
  }
  request.width = *width;
  request.height = *height;
}

// Rate, frames and the duration to show.
void read_duration(Reader& reader, const models::ModelConfig& config, jobs::NewVideo& video) {
  generate::TextToVideo& request = video.request;
  if (const base::Json* const rate = reader.find("fps")) {
    const auto given =
        generate::FrameRate::from_text(rate->kind() == base::Json::Kind::kText ? *rate->as_text() : rate->to_text());
    if (given.ok()) {
      request.rate = *given;
    } else {
      reader.blame("fps", given.error().message);
    }
  }
  const std::optional<double> seconds = reader.any_number("seconds");
  const bool counted = reader.find("num_frames") != nullptr;
  if (seconds && counted) reader.blame("num_frames", "give either 'seconds' or 'num_frames', not both");
  constexpr double kHour = 3600.0;
  if (seconds && !(*seconds > 0.0 && *seconds <= kHour)) {
    reader.blame("seconds", "'seconds' is a duration above 0, of at most an hour");
  } else if (seconds) {
    const auto frames = generate::frames_lasting(config, *seconds, request.rate);
    if (frames.ok()) {
      request.frames = *frames;
      video.seconds = short_text(*seconds);
    } else {
      reader.blame("seconds", frames.error().message);
    }
  } else if (!counted) {
    request.frames = generate::frames_for_seconds(config, 2.0, request.rate);
  }
  reader.integer<std::int64_t>("num_frames", request.frames, 1, 100'000);
  if (video.seconds.empty()) video.seconds = seconds_text(request);
}

bool is_too_much(const VideoRules& rules, const generate::TextToVideo& request) {
  const auto pixels = static_cast<std::uint64_t>(request.width) * static_cast<std::uint64_t>(request.height) *
                      static_cast<std::uint64_t>(request.frames);
  return pixels > rules.most_pixels || generate::least_memory(rules.model->config(), request) > rules.memory;
}

Fault too_much(const VideoRules& rules, const generate::TextToVideo& request) {
  const std::string size = std::to_string(request.width) + "x" + std::to_string(request.height);
  return {"size", base::invalid("a video of " + size + " with " + std::to_string(request.frames) +
                                " frames is more than this server can make" + what_works(rules))};
}

// Which parameter a request that does not suit the model is to blame on.
std::optional<Fault> check_shape(const VideoRules& rules, const generate::TextToVideo& request, bool by_seconds) {
  const char* const duration = by_seconds ? "seconds" : "num_frames";
  const models::ModelConfig& config = rules.model->config();
  generate::TextToVideo still = request;
  still.frames = 1;
  if (const base::Status fine = generate::check_request(config, still); !fine.ok()) {
    return Fault{"size", base::invalid(fine.error().message + what_works(rules))};
  }
  if (const base::Status fine = generate::check_request(config, request); !fine.ok()) {
    return Fault{duration, base::invalid(fine.error().message + what_works(rules))};
  }
  if (is_too_much(rules, request)) return too_much(rules, request);
  return std::nullopt;
}

}  // namespace

Asked<Parameters> read_parameters(const Request& request) {
  const std::string& type = request.header("content-type");
  std::string kind = type.substr(0, type.find(';'));
  while (kind.ends_with(' ')) kind.pop_back();
  std::ranges::transform(kind, kind.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (kind == "application/json") {
    base::Result<base::Json> json = base::Json::parse(request.body, "the body", kJsonLimits);
    if (!json.ok()) return refuse(400, "invalid_json", "", json.error().message);
    if (!json->is_object()) return refuse(400, "invalid_json", "", "the body is no JSON object");
    return Parameters{*std::move(json), {}};
  }
  if (kind != "multipart/form-data") {
    return refuse(415, "unsupported_media_type", "",
                  "send the parameters as application/json or multipart/form-data, and say which in Content-Type");
  }
  const base::Result<std::string> boundary = form_boundary(type);
  if (!boundary.ok()) return refuse(400, "invalid_multipart", "", boundary.error().message);
  const base::Result<std::vector<FormPart>> parts = parse_form(request.body, *boundary);
  if (!parts.ok()) return refuse(400, "invalid_multipart", "", parts.error().message);
  Parameters parameters{base::Json::empty_object(), {}};
  base::Json& json = parameters.values;
  for (const FormPart& part : *parts) {
    // "video[id]" is a member of an object.
    const std::size_t bracket = part.name.find('[');
    const std::string name = part.name.substr(0, bracket);
    if (part.is_file) {
      json.set(name, base::Json::empty_object());
      parameters.files[name] = part.content;
      continue;
    }
    if (bracket != std::string::npos) {
      base::Json object = base::Json::empty_object();
      object.set(part.name.substr(bracket + 1, part.name.size() - bracket - 2), part.content);
      json.set(name, std::move(object));
      continue;
    }
    if (part.content.size() > kJsonLimits.bytes) {
      return refuse(400, "invalid_value", name, "this text is too long");
    }
    json.set(name, part.content);
  }
  return parameters;
}

std::string seconds_text(const generate::TextToVideo& request) {
  return short_text(static_cast<double>(std::max<std::int64_t>(request.frames - 1, 1)) / request.rate.per_second());
}

std::optional<Response> refuse_size(const VideoRules& rules, const generate::TextToVideo& request) {
  if (!is_too_much(rules, request)) return std::nullopt;
  const Fault fault = too_much(rules, request);
  return refuse_parameter(fault.param, fault.error.message);
}

bool is_model(const std::string& name, const VideoRules& rules) {
  constexpr std::size_t kLongest = 64;  // bytes
  return name == rules.model_name || name == "sora-2" || (name.starts_with("sora-2-") && name.size() <= kLongest);
}

Asked<jobs::NewVideo> read_text_request(const base::Json& parameters, const VideoRules& rules, std::uint64_t random) {
  for (const base::JsonMember& member : parameters.members()) {
    if (std::ranges::find(kParameters, member.key) == kParameters.end()) {
      return refuse(400, "unknown_parameter", member.key.substr(0, 64),
                    "unknown parameter: '" + member.key.substr(0, 64) + "'");
    }
  }
  Reader reader(parameters);
  jobs::NewVideo video;
  generate::TextToVideo& request = video.request;
  request = rules.usual;
  video.model = rules.model_name;
  reader.text("model", video.model);
  if (!is_model(video.model, rules)) {
    return refuse(400, "model_not_found", "model",
                  "there is no model \"" + video.model.substr(0, 64) + "\" here; GET /v1/models lists what there is");
  }
  reader.text("prompt", request.prompt);
  reader.text("negative_prompt", request.negative);
  if (!reader.fault() && request.prompt.find_first_not_of(" \t\r\n") == std::string::npos) {
    reader.blame("prompt", "'prompt' is missing or empty: say what the video shall show");
  }
  constexpr std::uint64_t kExact = (std::uint64_t{1} << 53U) - 1;  // what every JSON reader keeps exactly
  request.seed = random & kExact;
  reader.integer<std::uint64_t>("seed", request.seed, 0, ~std::uint64_t{0});
  for (const char* const name : {"num_inference_steps", "steps"}) {
    reader.integer<std::int64_t>(name, request.steps, 1, generate::kMaxSteps);
  }
  for (const char* const name : {"guidance_scale", "guidance"}) reader.number(name, request.guidance, 0.0, 100.0);
  reader.number("flow_shift", request.shift, 0.01, 100.0);
  read_size(reader, rules, request);
  read_duration(reader, rules.model->config(), video);
  std::optional<Fault> fault = reader.fault();
  if (!fault) fault = check_shape(rules, request, reader.find("seconds") != nullptr);
  if (!fault) {
    const base::Status text = generate::check_text(*rules.model, request);
    if (!text.ok()) fault = Fault{"prompt", text.error()};
  }
  if (fault) return refuse_parameter(fault->param, fault->error.message);
  return video;
}

}  // namespace starling::api::videos
