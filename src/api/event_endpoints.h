#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "api/router.h"
#include "consensus/chain.h"

namespace starling::api {

// What one request looks through at most, but for the block that passes the second; the answer says where to go on.
struct SearchBounds {
  std::uint64_t blocks = 2'000;
  std::size_t bytes = std::size_t{16} << 20;  // of transactions
};

// GET /v1/events, ?account= or ?task= (docs/api.md): what happened, the latest first. The chain must outlive the
// routes.
std::vector<Route> event_routes(const consensus::Chain& chain, const SearchBounds& bounds = {});

}  // namespace starling::api
