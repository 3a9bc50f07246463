#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "api/router.h"
#include "store/blobs.h"

namespace starling::api {

struct BlobEndpointOptions {
  std::function<std::int64_t()> now;  // Unix seconds
  // Where what strangers put goes, within its own bounds, to be served like the others; nullptr: PUT is not answered.
  // Outlives the routes.
  store::Blobs* uploads = nullptr;
  std::size_t upload_bytes = std::size_t{1} << 20;  // of one
  // Of a gateway that follows another: hand_on gives that one what is uploaded here, before this is answered; bring
  // gets from it a blob whose manifest is asked for and that is not here. Both may wait; kIo: the other one does not
  // answer.
  std::function<base::Status(base::ByteView bytes)> hand_on = nullptr;
  std::function<base::Status(const base::Hash& name)> bring = nullptr;
};

// GET and PUT /v1/blobs/{name}, GET /v1/blobs/{name}/manifest. blobs must outlive the routes.
std::vector<Route> blob_routes(store::Blobs& blobs, const BlobEndpointOptions& options);

}  // namespace starling::api
