#pragma once

#include "api/router.h"
#include "api/videos/video_endpoints.h"
#include "jobs/checker.h"

namespace starling::api::videos {

// POST /v1/videos/{id}/check: recomputes calls drawn at random, and says as server-sent events how each came out.
Route check_route(const Gateway& gateway, jobs::Checker& checker);

}  // namespace starling::api::videos
