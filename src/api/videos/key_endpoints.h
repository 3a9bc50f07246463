#pragma once

#include <vector>

#include "api/router.h"
#include "api/videos/video_endpoints.h"

namespace starling::api::videos {

// GET and POST /v1/keys, DELETE /v1/keys/{id}: for keys with the scope "keys" alone, of which the first is made on the
// server's own machine. keys outlives the routes.
std::vector<Route> key_routes(const Gateway& gateway, jobs::ApiKeys& keys);

}  // namespace starling::api::videos
