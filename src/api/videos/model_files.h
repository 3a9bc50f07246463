#pragma once

#include <vector>

#include "api/videos/video_endpoints.h"

namespace starling::api::videos {

// GET /v1/models/{model}/weights: what the model's root is made of, and where each weight lies; and
// GET /v1/models/{model}/files/{component}/{file}: files of weights, in ranges. With these and the files of a video
// whoever asks runs its calls on a machine of their own, and believes none of the bytes before their roots.
std::vector<Route> model_file_routes(const Gateway& gateway);

}  // namespace starling::api::videos
