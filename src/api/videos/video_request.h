#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "api/http.h"
#include "generate/text_to_video.h"
#include "jobs/video_queue.h"
#include "models/checkpoint.h"

namespace starling::api::videos {

// What is made here, and how much of it at most. The model outlives whoever has this.
struct VideoRules {
  const models::Checkpoint* model = nullptr;
  std::string model_name;          // as GET /v1/models lists it
  std::int64_t model_created = 0;  // Unix seconds
  std::filesystem::path model_folder;
  base::Hash model_root;
  generate::TextToVideo usual;            // what is used where a request says nothing
  std::uint64_t memory = 0;               // bytes that a video may take
  std::uint64_t most_pixels = 1U << 28U;  // of all frames of a video together
  std::int64_t window = 0;                // latent frames that are made at a time, 0: all of them
  bool network = false;                   // others make the videos, and are paid
  // Reads what somebody sent, as generate::fit_clip() does; null: that does.
  std::function<base::Result<video::Frames>(base::ByteView file, const generate::TextToVideo& request,
                                            std::int64_t most)>
      fit_clip;
};

// A value, or the response that says why there is none.
template <typename T>
struct Asked {
  std::optional<T> value;
  std::optional<Response> refusal;

  Asked(T given) : value(std::move(given)) {}               // NOLINT(google-explicit-constructor)
  Asked(Response refused) : refusal(std::move(refused)) {}  // NOLINT(google-explicit-constructor)
};

// Parameters by name, from a body of JSON or multipart/form-data; their values are those of JSON, or texts. A file's is
// an empty object, and its bytes lie in the request's body.
struct Parameters {
  base::Json values;
  std::map<std::string, std::string_view> files;
};
Asked<Parameters> read_parameters(const Request& request);

// What the parameters ask for but for what the video goes on from (video_source.h), which is not looked at. owner,
// idempotency and body are not filled in. random: for the seed of those who name none.
Asked<jobs::NewVideo> read_text_request(const base::Json& parameters, const VideoRules& rules, std::uint64_t random);
// The duration of so many frames, as a video shows it.
std::string seconds_text(const generate::TextToVideo& request);
// A response when it is more than this server makes. Precondition: generate::check_request() found nothing.
std::optional<Response> refuse_size(const VideoRules& rules, const generate::TextToVideo& request);

// Whether a model of that name is this one: its own name, and those of OpenAI's video models, which programs written
// for them say.
bool is_model(const std::string& name, const VideoRules& rules);

}  // namespace starling::api::videos
