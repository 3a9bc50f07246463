#pragma once

#include <vector>

#include "api/router.h"
#include "consensus/chain.h"

namespace starling::api {

// GET /v1/events?account= or ?task= (docs/api.md): what happened, the latest first. The chain must outlive the routes.
std::vector<Route> event_routes(const consensus::Chain& chain);

// Blocks that one request looks through; the answer says where to go on.
inline constexpr std::uint64_t kMaxSearchedBlocks = 2'000;

}  // namespace starling::api
