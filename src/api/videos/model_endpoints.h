#pragma once

#include <vector>

#include "api/router.h"
#include "api/videos/video_endpoints.h"

namespace starling::api::videos {

// GET /v1/models, /v1/models/{model} and /v1/models/{model}/card.
std::vector<Route> model_routes(const Gateway& gateway);

}  // namespace starling::api::videos
