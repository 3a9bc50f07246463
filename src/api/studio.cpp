#include "api/studio.h"

#include <algorithm>

#include "api/ranged_file.h"
#include "base/hash.h"

namespace starling::api {
namespace {

// Nothing comes from elsewhere and nothing goes there; no script but the page's own file.
constexpr const char* kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; media-src 'self' blob:; "
    "connect-src "
    "'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
// The worker that checks calls compiles WebAssembly; it shows nothing, and has a policy of its own.
constexpr const char* kWorkerPolicy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'";
constexpr std::string_view kWorkerPrefix = "/assets/check_worker-";

Response respond(const StudioFile& file, const std::string& tag, const Request& request) {
  Response response;
  response.headers = {{"Content-Security-Policy", file.path.starts_with(kWorkerPrefix) ? kWorkerPolicy : kPolicy},
                      {"Referrer-Policy", "no-referrer"},
                      {"Cross-Origin-Opener-Policy", "same-origin"},
                      {"ETag", tag},
                      {"Cache-Control", file.lasting ? "public, max-age=31536000, immutable" : "no-cache"}};
  if (has_tag(request, tag)) {
    response.status = 304;
    response.content_type.clear();
    return response;
  }
  response.content_type = file.type;
  response.body = file.bytes;
  return response;
}

}  // namespace

std::vector<Route> studio_routes() {
  std::vector<Route> routes;
  for (const StudioFile& file : studio_files()) {
    const std::string tag = "\"" + base::sha256(base::as_bytes(file.bytes)).hex().substr(0, 32) + "\"";
    routes.push_back(get_route(std::string(file.path),
                               [&file, tag](const Request& request) { return respond(file, tag, request); }));
  }
  return routes;
}

bool is_studio_path(std::string_view path) {
  return std::ranges::any_of(studio_files(), [&](const StudioFile& file) { return file.path == path; });
}

}  // namespace starling::api
