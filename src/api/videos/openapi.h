#pragma once

#include "api/router.h"

namespace starling::api::videos {

// The OpenAPI 3.1 document of what `starling serve` answers, which the tests hold the handlers to.
const char* openapi_text();
// GET /openapi.json.
Route openapi_route();

}  // namespace starling::api::videos
