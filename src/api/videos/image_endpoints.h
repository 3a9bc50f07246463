#pragma once

#include "api/router.h"
#include "api/videos/video_endpoints.h"

namespace starling::api::videos {

// POST /v1/images/generations: pictures, each the one frame of a video.
Route image_route(const Gateway& gateway);

}  // namespace starling::api::videos
