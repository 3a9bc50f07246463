#pragma once

#include "ledger/context.h"
#include "ledger/message.h"
#include "ledger/schedule.h"

namespace starling::ledger {

// The modules, wired to each other: who handles what, and who gives whom what it expects.

std::optional<Fault> handle(Context& context, const Message& message);
void fall_due(Context& context, const Deadline& deadline);
// kInternal, saying which, when an invariant of a module or between modules does not hold. Reads the whole state.
base::Status check_invariants(const store::StateView& state);

}  // namespace starling::ledger
