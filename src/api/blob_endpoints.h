#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "api/router.h"
#include "store/blobs.h"

namespace starling::api {

struct BlobEndpointOptions {
  std::function<std::int64_t()> now;                // Unix seconds
  bool uploads = false;                             // whether PUT is answered
  std::size_t upload_bytes = std::size_t{1} << 20;  // of one
  // Uploads of this process together; the oldest that nobody pinned give way.
  std::uint64_t all_upload_bytes = std::uint64_t{256} << 20;
  // Of a gateway that follows another: hand_on gives that one what is uploaded here, before this is answered; bring
  // gets from it a blob whose manifest is asked for and that is not here. Both may wait.
  std::function<base::Status(base::ByteView bytes)> hand_on = nullptr;
  std::function<base::Status(const base::Hash& name)> bring = nullptr;
};

// GET and PUT /v1/blobs/{name}, GET /v1/blobs/{name}/manifest. blobs must outlive the routes.
std::vector<Route> blob_routes(store::Blobs& blobs, BlobEndpointOptions options);

}  // namespace starling::api
