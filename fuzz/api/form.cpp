// Hostile bodies of POST /v1/videos, in both forms: what is accepted lies within the body, and is JSON.
#include <cstdlib>
#include <string>

#include "api/videos/multipart.h"
#include "api/videos/video_request.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace starling;
  const std::string text(reinterpret_cast<const char*>(data), size);
  // The first line is the Content-Type.
  const std::size_t line = text.find('\n');
  if (line == std::string::npos) return 0;
  api::Request request;
  request.headers["content-type"] = text.substr(0, line);
  request.body = text.substr(line + 1);
  const auto parameters = api::videos::read_parameters(request);
  if (parameters.value.has_value() == parameters.refusal.has_value()) std::abort();
  if (parameters.value && !base::Json::parse(parameters.value->values.to_text(), "again").ok()) std::abort();
  const auto boundary = api::videos::form_boundary(request.headers["content-type"]);
  if (!boundary.ok()) return 0;
  const auto parts = api::videos::parse_form(request.body, *boundary);
  if (!parts.ok()) return 0;
  const char* const begin = request.body.data();
  const char* const end = begin + request.body.size();
  for (const api::videos::FormPart& part : *parts) {
    if (part.name.empty() || part.content.data() < begin || part.content.data() + part.content.size() > end) {
      std::abort();
    }
    // Nothing of a part is a boundary.
    if (part.content.find("\r\n--" + *boundary) != std::string_view::npos) std::abort();
  }
  return 0;
}
