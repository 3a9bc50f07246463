#include "api/videos/errors.h"

#include <algorithm>
#include <cctype>

#include "jobs/video.h"

namespace starling::api::videos {
namespace {

base::Json text_or_null(std::string_view text) { return text.empty() ? base::Json() : base::Json(text); }

}  // namespace

Response refuse(int status, std::string_view code, std::string_view param, std::string_view message) {
  base::Json error = base::Json::empty_object();
  error.set("message", message);
  error.set("type", error_type(status));
  error.set("param", text_or_null(param));
  error.set("code", text_or_null(code));
  base::Json json = base::Json::empty_object();
  json.set("error", std::move(error));
  return json_response(json, status);
}

Response refuse_parameter(std::string_view param, std::string_view message) {
  return refuse(400, "invalid_value", param, message);
}

Response no_such_video(std::string_view id) {
  constexpr std::size_t kShown = 80;
  return refuse(404, "not_found", "", "there is no video \"" + std::string(id.substr(0, kShown)) + "\"");
}

Response no_such_model() {
  return refuse(404, "model_not_found", "model", "there is no such model here; GET /v1/models lists what there is");
}

Response refuse(const base::Error& error) {
  switch (error.code) {
    case base::ErrorCode::kInvalidArgument:
    case base::ErrorCode::kUnsupported:
      return refuse(400, "invalid_value", "", error.message);
    case base::ErrorCode::kNotFound:
      return refuse(404, "not_found", "", jobs::without_paths(error));
    case base::ErrorCode::kLimit:
      return refuse(429, "too_many_videos", "", error.message);
    case base::ErrorCode::kIo:
      return refuse(503, "storage", "", jobs::without_paths(error));
    default:
      return refuse(500, "internal", "", jobs::without_paths(error));
  }
}

void spell_error(std::string_view target, Response& response) {
  if (target.starts_with("/v1/network/")) return;
  const auto json = base::Json::parse(response.body, "an answer");
  if (!json.ok()) return;
  const auto error = json->object("error");
  if (!error.ok()) return;
  const auto code = (*error)->text("code");
  const auto message = (*error)->text("message");
  const auto is_large = [](unsigned char c) { return std::isupper(c) != 0; };
  if (!code.ok() || !message.ok() || std::ranges::none_of(*code, is_large)) return;
  std::string word = *code;
  std::ranges::transform(word, word.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  constexpr int kNothing = 404;
  const bool no_route = response.status == kNothing && word == "not_found";
  response.body = refuse(response.status, word, "",
                         no_route ? "nothing is served under this path; GET /openapi.json lists what is" : *message)
                      .body;
}

}  // namespace starling::api::videos
