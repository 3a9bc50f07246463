#pragma once

#include "ledger/bank/messages.h"
#include "ledger/context.h"

namespace starling::ledger::bank {

std::optional<Fault> handle(Context& context, const Transfer& message);

}  // namespace starling::ledger::bank
