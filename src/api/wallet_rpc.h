#pragma once

#include "api/router.h"
#include "consensus/chain.h"

namespace starling::api {

inline constexpr std::size_t kMaxRpcBytes = std::size_t{64} << 10;
inline constexpr std::size_t kMaxRpcCalls = 100;  // in one request

// POST /v1/rpc: what wallets made for Ethereum ask of a chain before they sign for it, as JSON-RPC 2.0 (docs/api.md
// lists the methods). Answers are of the state after the last block. The chain must outlive the route.
Route wallet_rpc_route(const consensus::Chain& chain);

}  // namespace starling::api
