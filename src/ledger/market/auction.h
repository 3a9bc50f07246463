#pragma once

#include "ledger/market/settlement.h"

namespace starling::ledger::market {

// The stake that backs a part of this price; nothing when that is more than there can be.
std::optional<Motes> collateral_for(const Parameters& rules, Motes price);
// Whether a provider may win anything for a task at this price now, apart from its slots.
std::optional<Fault> may_hold(const Context& context, const Parameters& rules, const Provider& provider, Motes price);

// Gives the open parts of a task to the claims of its auction: the lowest rate first, ties by
// SHA-256(hash of the block before ‖ task, big-endian ‖ provider); to each as many as it asked for, has slots for and
// backs with stake. Ends the auction; the task is stored.
void close_auction(Context& context, TaskEntry& task);

}  // namespace starling::ledger::market
