#pragma once

#include <filesystem>
#include <vector>

#include "api/router.h"
#include "consensus/chain.h"

namespace starling::api {

// Of one answer with blocks: it ends with the block that reaches this.
inline constexpr std::size_t kBlockBytesTogether = std::size_t{8} << 20;

// GET /v1/genesis and /v1/blocks?after=HEIGHT, by which others keep a copy of the chain (docs/api.md). genesis: the
// file of it, which a chain that began from a snapshot lacks. The chain must outlive the routes.
std::vector<Route> copy_routes(const consensus::Chain& chain, std::filesystem::path genesis);

}  // namespace starling::api
