#include "ledger/models/state.h"

namespace starling::ledger::models {

Key model_key(const base::Hash& root) { return Key(kModule, kModels).add(root); }

}  // namespace starling::ledger::models
