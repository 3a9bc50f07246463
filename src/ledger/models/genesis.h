#pragma once

#include "base/json.h"
#include "ledger/overlay.h"

namespace starling::ledger::models {

// A list of {"model", "owner", "name", "royalty", "locations"}: what UpdateModel says.
base::Status read_genesis(Overlay& state, const base::Json& section);

}  // namespace starling::ledger::models
