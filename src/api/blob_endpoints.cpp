#include "api/blob_endpoints.h"

#include <algorithm>
#include <utility>

#include "api/ranged_file.h"

namespace starling::api {
namespace {

constexpr const char* kBytes = "application/octet-stream";

// What a name stands for never changes.
constexpr const char* kForever = "public, max-age=31536000, immutable";

// Where a blob lies, if anywhere.
store::Blobs& place_of(const base::Hash& name, store::Blobs& blobs, const BlobEndpointOptions& options) {
  return options.uploads != nullptr && !blobs.has(name) ? *options.uploads : blobs;
}

Response send_blob(store::Blobs& blobs, const BlobEndpointOptions& options, const Request& request) {
  const auto name = request.parameter_hash("name");
  if (!name.ok()) return bad_request(name.error());
  const auto path = place_of(*name, blobs, options).path(*name, options.now());
  if (!path.ok()) return error_response(path.error());
  base::Result<OpenFile> file = OpenFile::open(*path);
  if (!file.ok()) return error_response(file.error());
  return ranged_file(request, *std::move(file), name->hex(), kForever);
}

Response send_manifest(store::Blobs& blobs, const BlobEndpointOptions& options, const Request& request) {
  const auto name = request.parameter_hash("name");
  if (!name.ok()) return bad_request(name.error());
  if (options.bring != nullptr && !place_of(*name, blobs, options).has(*name)) {
    if (const base::Status brought = options.bring(*name); !brought.ok()) {
      return unavailable_or_error(brought.error());
    }
  }
  const auto manifest = place_of(*name, blobs, options).manifest(*name);
  if (!manifest.ok()) return error_response(manifest.error());
  const base::Bytes bytes = manifest->encode();
  Response response = text_response(std::string(bytes.begin(), bytes.end()), kBytes);
  response.headers.emplace_back("ETag", "\"" + name->hex() + "\"");
  response.headers.emplace_back("Cache-Control", kForever);
  return response;
}

Response take_upload(store::Blobs& blobs, const BlobEndpointOptions& options, const Request& request) {
  const auto name = request.parameter_hash("name");
  if (!name.ok()) return bad_request(name.error());
  const base::ByteView bytes = base::as_bytes(request.body);
  if (const base::Hash own = store::BlobManifest::of_piece(bytes).name(); own != *name) {
    return error_response(400, "CORRUPT", "these bytes are the blob " + own.hex() + ", not " + name->hex());
  }
  if (options.hand_on != nullptr) {
    if (const base::Status given = options.hand_on(bytes); !given.ok()) return unavailable_or_error(given.error());
  }
  const bool known = place_of(*name, blobs, options).path(*name, options.now()).ok();  // which counts as a use
  if (!known) {
    const auto put = options.uploads->put(bytes, options.now());
    if (!put.ok() && put.error().code != base::ErrorCode::kLimit) return error_response(put.error());
    if (!put.ok()) return error_response(507, "LIMIT", put.error().message);
  }
  base::Json json = base::Json::empty_object();
  json.set("name", name->hex());
  json.set("bytes", std::to_string(bytes.size()));
  return json_response(json, known ? 200 : 201);
}

}  // namespace

std::vector<Route> blob_routes(store::Blobs& blobs, const BlobEndpointOptions& options) {
  std::vector<Route> routes;
  routes.push_back(get_route("/v1/blobs/{name}",
                             [&blobs, options](const Request& request) { return send_blob(blobs, options, request); }));
  routes.push_back(get_on_worker("/v1/blobs/{name}/manifest", [&blobs, options](const Request& request) {
    return send_manifest(blobs, options, request);
  }));
  if (options.uploads != nullptr) {
    Route put = get_on_worker(
        "/v1/blobs/{name}", [&blobs, options](const Request& request) { return take_upload(blobs, options, request); });
    put.method = Method::kPut;
    put.body_limit = std::min<std::size_t>(options.upload_bytes, store::kPieceBytes);
    routes.push_back(std::move(put));
  }
  return routes;
}

}  // namespace starling::api
