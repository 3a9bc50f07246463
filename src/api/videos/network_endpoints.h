#pragma once

#include <functional>
#include <string>
#include <vector>

#include "api/router.h"
#include "node/http_client.h"

namespace starling::api::videos {

struct NetworkEndpointOptions {
  std::string url;                  // of a node of the network
  std::function<bool()> cancelled;  // the process ends; may be null
};

// Where wallets of browsers ask, without a key, from any page.
inline constexpr const char* kWalletRpcPath = "/v1/network/rpc";

// GET /v1/network/…: what the node answers to GET /v1/… for a fixed list of queries, and POST /v1/network/transactions,
// which hands one signed transaction on, and of kWalletRpcPath, which hands calls of JSON-RPC on (wallet_rpc.h). So a
// page asks nobody but its own server, and reaches nothing else of the node. http outlives the routes.
std::vector<Route> network_routes(node::HttpClient& http, const NetworkEndpointOptions& options);

}  // namespace starling::api::videos
