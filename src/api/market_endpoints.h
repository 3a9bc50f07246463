#pragma once

#include <vector>

#include "api/router.h"
#include "consensus/chain.h"

namespace starling::api {

// /v1/market, /v1/providers and /v1/tasks (docs/api.md). The chain must outlive the routes.
std::vector<Route> market_routes(const consensus::Chain& chain);

}  // namespace starling::api
