#include "api/blob_endpoints.h"

#include <deque>
#include <memory>
#include <mutex>
#include <utility>

#include "base/merkle.h"

namespace starling::api {
namespace {

constexpr const char* kBytes = "application/octet-stream";

std::string content_range(const ByteRange& range, std::uint64_t size) {
  return "bytes " + std::to_string(range.offset) + "-" + std::to_string(range.offset + range.size - 1) + "/" +
         std::to_string(size);
}

// What a name stands for never changes.
void let_keep(Response& response, const base::Hash& name) {
  response.headers.emplace_back("ETag", "\"" + name.hex() + "\"");
  response.headers.emplace_back("Cache-Control", "public, max-age=31536000, immutable");
}

Response send_blob(store::Blobs& blobs, const BlobEndpointOptions& options, const Request& request) {
  const auto name = request.parameter_hash("name");
  if (!name.ok()) return bad_request(name.error());
  const auto path = blobs.path(*name, options.now());
  if (!path.ok()) return error_response(path.error());
  base::Result<OpenFile> file = OpenFile::open(*path);
  if (!file.ok()) return error_response(file.error());
  const std::uint64_t size = file->size();
  Response response;
  ByteRange range{0, size};
  const std::string& expected = request.header("if-range");
  const bool ranged = expected.empty() || expected == "\"" + name->hex() + "\"";
  switch (ranged ? parse_range(request.header("range"), size, range) : RangeKind::kWhole) {
    case RangeKind::kUnsatisfiable:
      response = error_response(416, "INVALID_ARGUMENT", "the blob has " + std::to_string(size) + " bytes");
      response.headers.emplace_back("Content-Range", "bytes */" + std::to_string(size));
      return response;
    case RangeKind::kPart:
      response.status = 206;
      response.headers.emplace_back("Content-Range", content_range(range, size));
      break;
    case RangeKind::kWhole:
      break;
  }
  response.content_type = kBytes;
  response.headers.emplace_back("Accept-Ranges", "bytes");
  let_keep(response, *name);
  response.file = FileRange{std::move(*file), range.offset, range.size};
  return response;
}

Response send_manifest(store::Blobs& blobs, const BlobEndpointOptions& options, const Request& request) {
  const auto name = request.parameter_hash("name");
  if (!name.ok()) return bad_request(name.error());
  if (options.bring != nullptr && !blobs.has(*name)) {
    if (const base::Status brought = options.bring(*name); !brought.ok()) return error_response(brought.error());
  }
  const auto manifest = blobs.manifest(*name);
  if (!manifest.ok()) return error_response(manifest.error());
  const base::Bytes bytes = manifest->encode();
  Response response = text_response(std::string(bytes.begin(), bytes.end()), kBytes);
  let_keep(response, *name);
  return response;
}

// What strangers have put here. Thread safe.
class Uploads {
 public:
  Uploads(store::Blobs& blobs, BlobEndpointOptions options) : blobs_(blobs), options_(std::move(options)) {}

  Response take(const Request& request) {
    const auto name = request.parameter_hash("name");
    if (!name.ok()) return bad_request(name.error());
    store::BlobManifest manifest;
    manifest.size = request.body.size();
    if (!request.body.empty()) manifest.pieces.push_back(base::merkle_leaf(base::as_bytes(request.body)));
    if (manifest.name() != *name) {
      return error_response(400, "CORRUPT",
                            "these bytes are the blob " + manifest.name().hex() + ", not " + name->hex());
    }
    if (options_.hand_on != nullptr) {
      if (const base::Status given = options_.hand_on(base::as_bytes(request.body)); !given.ok()) {
        return error_response(given.error());
      }
    }
    const std::lock_guard lock(mutex_);
    if (blobs_.has(*name)) return answer(*name, manifest.size, 200);
    while (!kept_.empty() && (bytes_ + manifest.size > options_.all_upload_bytes || kept_.size() >= kMost)) {
      // One that is pinned stays; it is counted no more.
      if (const base::Status removed = blobs_.remove(kept_.front().first); !removed.ok()) (void)removed;
      bytes_ -= kept_.front().second;
      kept_.pop_front();
    }
    const auto put = blobs_.put(base::as_bytes(request.body), options_.now());
    if (!put.ok()) {
      if (put.error().code != base::ErrorCode::kLimit) return error_response(put.error());
      return error_response(507, "LIMIT", put.error().message);
    }
    kept_.emplace_back(*name, manifest.size);
    bytes_ += manifest.size;
    return answer(*name, manifest.size, 201);
  }

 private:
  static constexpr std::size_t kMost = 65'536;

  static Response answer(const base::Hash& name, std::uint64_t size, int status) {
    base::Json json = base::Json::empty_object();
    json.set("name", name.hex());
    json.set("bytes", std::to_string(size));
    return json_response(json, status);
  }

  store::Blobs& blobs_;
  const BlobEndpointOptions options_;
  std::mutex mutex_;
  std::deque<std::pair<base::Hash, std::uint64_t>> kept_;
  std::uint64_t bytes_ = 0;
};

}  // namespace

std::vector<Route> blob_routes(store::Blobs& blobs, BlobEndpointOptions options) {
  std::vector<Route> routes;
  routes.push_back(get_route("/v1/blobs/{name}",
                             [&blobs, options](const Request& request) { return send_blob(blobs, options, request); }));
  routes.push_back(get_on_worker("/v1/blobs/{name}/manifest", [&blobs, options](const Request& request) {
    return send_manifest(blobs, options, request);
  }));
  if (options.uploads) {
    Route put = get_on_worker("/v1/blobs/{name}", nullptr);
    put.method = Method::kPut;
    put.body_limit = std::min<std::size_t>(options.upload_bytes, store::kPieceBytes);
    put.handler = [uploads = std::make_shared<Uploads>(blobs, std::move(options))](const Request& request) {
      return uploads->take(request);
    };
    routes.push_back(std::move(put));
  }
  return routes;
}

}  // namespace starling::api
