#pragma once

#include <functional>
#include <vector>

#include "api/router.h"
#include "node/model_store.h"
#include "node/provider.h"

namespace starling::api {

// GET /v1/models/{root}/files: what peers need to fetch a model from here. models must outlive the routes; now: Unix
// seconds.
Route model_files_route(node::ModelStore& models, std::function<std::int64_t()> now);

// GET /v1/results/{task}/{part}, /v1/progress/{task}/{part} and /v1/provider. provider gives the node's provider, or
// nullptr while there is none, which is answered with 503.
std::vector<Route> provider_routes(const std::function<const node::Provider*()>& provider);

}  // namespace starling::api
