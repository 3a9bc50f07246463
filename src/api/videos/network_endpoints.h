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

// GET /v1/network/…: what the node answers to GET /v1/… for a fixed list of queries, and POST /v1/network/transactions,
// which hands one signed transaction on. So a page asks nobody but its own server, and reaches nothing else of the
// node. http outlives the routes.
std::vector<Route> network_routes(node::HttpClient& http, const NetworkEndpointOptions& options);

}  // namespace starling::api::videos
