#pragma once

#include "base/json.h"
#include "ledger/overlay.h"

namespace starling::ledger::market {

// An object with every member of Parameters (state.h).
base::Status read_genesis(Overlay& state, const base::Json& section);

}  // namespace starling::ledger::market
