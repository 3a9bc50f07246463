#pragma once

#include "api/router.h"
#include "base/json.h"
#include "consensus/chain.h"

namespace starling::api {

// What a state says of its motes. An error when it cannot be read; one that does not add up is an answer.
base::Result<base::Json> supply_json(const store::StateView& state);

// GET /v1/supply (docs/api.md): where all motes are, and whether every invariant of the ledger holds. It reads the
// whole state, so it does that for one request at a time and for a fifth of the time at most; in between the last
// answer is given, with the height that it is of. The chain must outlive the route.
Route supply_route(const consensus::Chain& chain);

}  // namespace starling::api
