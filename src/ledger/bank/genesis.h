#pragma once

#include "base/json.h"
#include "ledger/overlay.h"

namespace starling::ledger::bank {

// {"accounts": {ADDRESS: motes, ...}}: the only mint there is. Motes are numbers or decimal texts.
base::Status read_genesis(Overlay& state, const base::Json& section);

}  // namespace starling::ledger::bank
