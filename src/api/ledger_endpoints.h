#pragma once

#include <memory>
#include <string>
#include <vector>

#include "api/height_watch.h"
#include "api/router.h"
#include "base/metrics.h"
#include "consensus/chain.h"

namespace starling::api {

struct LedgerEndpointOptions {
  std::vector<std::string> roles;  // of this node
  std::string version;
  base::Address address;  // whose key this node signs with
  std::string follows;    // the node whose chain this one copies; empty: none
};

inline constexpr std::size_t kMaxSubmitBytes = std::size_t{4} << 20;
inline constexpr std::size_t kMaxSubmitted = 40'000;  // transactions in one request
inline constexpr std::uint64_t kMaxWaitMilliseconds = 30'000;

// /v1/status, /v1/transactions, /v1/blocks, /v1/wait, /v1/accounts and /v1/models (docs/api.md). The chain and metrics,
// if given, must outlive the routes.
std::vector<Route> ledger_routes(consensus::Chain& chain, const LedgerEndpointOptions& options,
                                 base::Metrics* metrics = nullptr);

// GET /metrics. refresh, if given, is called before each text.
Route metrics_route(const base::Metrics& metrics, std::function<void()> refresh = nullptr);

}  // namespace starling::api
