#include "api/videos/video_source.h"

#include <openssl/evp.h>

#include <algorithm>
#include <chrono>
#include <string_view>

#include "api/videos/errors.h"
#include "api/videos/turns.h"
#include "generate/given.h"
#include "generate/token_bound.h"
#include "node/order.h"

namespace starling::api::videos {
namespace {

constexpr float kUsualStrength = 0.7F;
// Pictures and clips that are read at a time, each of which may be large in memory and small in a body; and how long
// others wait for that.
constexpr std::size_t kMostRead = 4;
constexpr std::size_t kMostReadOfOne = 2;
constexpr std::chrono::seconds kReadPatience{2};
constexpr std::uint64_t kMostGiven = 1000;  // frames
constexpr std::size_t kMostPictureText = std::size_t{24} << 20;

Turns& reading_turns() {
  static Turns turns(kMostRead, kMostReadOfOne);
  return turns;
}

base::Result<std::string> decode_base64(std::string_view text) {
  std::string bytes(text.size() / 4 * 3, '\0');
  const int size =
      text.size() % 4 != 0 || text.size() > kMostPictureText
          ? -1
          : EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                            reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  if (size < 0) return base::invalid("the picture's data is no base64");
  const auto padding = static_cast<std::size_t>(text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0);
  bytes.resize(static_cast<std::size_t>(size) - padding);
  return bytes;
}

// The bytes of a picture or clip in a body: a file of a form, or a data URL. Nothing else is fetched.
base::Result<std::string> bytes_in(const Parameters& parameters, const std::string& name) {
  if (const auto file = parameters.files.find(name); file != parameters.files.end()) return std::string(file->second);
  const base::Json* const object = parameters.values.find(name);
  if (object != nullptr && object->has("image_url")) {
    STARLING_ASSIGN(const std::string url, object->text("image_url"));
    const std::size_t comma = url.find(',');
    if (!url.starts_with("data:") || comma == std::string::npos || !url.substr(0, comma).ends_with(";base64")) {
      return base::invalid("this server fetches nothing: send the picture as a file, or as a data: URL in base64");
    }
    return decode_base64(std::string_view(url).substr(comma + 1));
  }
  if (object != nullptr && object->has("file_id")) {
    return base::invalid(
        "this server keeps no files that a file_id could name: send the picture in the request, as a "
        "file of multipart/form-data, or as {\"image_url\": \"data:image/png;base64,...\"}");
  }
  return base::invalid("'" + name + "' is a file, sent as multipart/form-data" +
                       (name == "video" || name == "to" ? ", or {\"id\"} of a video of this server" : ""));
}

base::Result<video::Frames> clip_of(const Parameters& parameters, const std::string& name, const SourceVideo& source,
                                    const VideoRules& rules, const generate::TextToVideo& request, bool picture) {
  const std::uint64_t pixels = static_cast<std::uint64_t>(request.width) * static_cast<std::uint64_t>(request.height);
  const auto most =
      picture ? std::int64_t{1}
              : static_cast<std::int64_t>(std::clamp<std::uint64_t>(rules.most_pixels / pixels, 1, kMostGiven));
  if (source.video != nullptr) return generate::fit_clip(source.file, request, most);
  STARLING_ASSIGN(const std::string bytes, bytes_in(parameters, name));
  return rules.fit_clip ? rules.fit_clip(base::as_bytes(bytes), request, most)
                        : generate::fit_clip(base::as_bytes(bytes), request, most);
}

// Enters what the video goes on from.
base::Status take_source(const Parameters& parameters, const std::string& name, const Source& source,
                         const VideoRules& rules, jobs::NewVideo& video) {
  const models::ModelConfig& config = rules.model->config();
  generate::TextToVideo& request = video.request;
  const bool picture = source.way == Way::kText;
  STARLING_ASSIGN(video::Frames clip, clip_of(parameters, name, source.start, rules, request, picture));
  clip = generate::in_strides(config, std::move(clip),
                              source.way == Way::kEdit ? generate::Place::kWhole : generate::Place::kStart);
  video::Frames end;
  if (source.way == Way::kExtend && parameters.values.has("to")) {
    STARLING_ASSIGN(end, clip_of(parameters, "to", source.end, rules, request, false));
    end = generate::in_strides(config, std::move(end), generate::Place::kEnd);
    // With known frames on both sides one of each is what models are trained for.
    request.context = 1;
  }
  // What was asked for is new, beside what is there.
  if (source.way == Way::kExtend) request.frames += clip.count - 1 + std::max<std::int64_t>(0, end.count - 1);
  if (source.way == Way::kEdit) request.strength = kUsualStrength;
  video.given = generate::give(request, clip, end);
  return rules.network ? node::check_given(request, video.given) : base::Status();
}

void set_window(const VideoRules& rules, generate::TextToVideo& request) {
  if (rules.window > 0 && rules.window < generate::largest_window(rules.model->config(), request)) {
    request.window = rules.window;
  }
}

}  // namespace

Asked<jobs::NewVideo> read_video_request(const Parameters& parameters, const VideoRules& rules, std::uint64_t random,
                                         const Source& source) {
  VideoRules own = rules;
  if (source.start.video != nullptr) {
    const std::string prompt = own.usual.prompt;
    own.usual = source.start.video->request;
    own.usual.prompt = prompt;
    for (std::int64_t* const part : {&own.usual.start, &own.usual.end, &own.usual.window}) *part = 0;
    own.usual.given.reset();
    own.usual.strength.reset();
    own.usual.loop = false;
    own.usual.context = generate::TextToVideo().context;
  }
  Asked<jobs::NewVideo> asked = read_text_request(parameters.values, own, random);
  if (asked.refusal) return asked;
  jobs::NewVideo& video = *asked.value;
  const std::string name = source.way == Way::kText ? "input_reference" : "video";
  const bool goes_on = source.way != Way::kText || parameters.values.has(name);
  if (goes_on) {
    const Turns::Turn turn = reading_turns().take(source.owner, kReadPatience);
    if (!turn.taken()) {
      return refuse(503, "busy", "", "as many pictures and clips are read as may; send this again in a moment");
    }
    const base::Status taken = take_source(parameters, name, source, rules, video);
    if (!taken.ok() && taken.error().code == base::ErrorCode::kIo) return refuse(taken.error());
    if (!taken.ok()) return refuse_parameter(name, taken.error().message);
    if (source.start.video != nullptr) video.source = source.start.video->id;
    if (source.way != Way::kText) video.seconds = seconds_text(video.request);
  }
  if (const base::Status fine = generate::check_request(rules.model->config(), video.request); !fine.ok()) {
    return refuse_parameter(goes_on ? name : "size", fine.error().message);
  }
  set_window(rules, video.request);
  if (const base::Status fine = generate::check_tokens(rules.model->config(), video.request); !fine.ok()) {
    return refuse_parameter("size", fine.error().message);
  }
  if (std::optional<Response> refusal = refuse_size(rules, video.request)) return std::move(*refusal);
  return asked;
}

}  // namespace starling::api::videos
