#pragma once

#include "ledger/market/settlement.h"

namespace starling::ledger::market {

// The stake that backs a part of a task that pays at most this for one; nothing when that is more than there can be.
// Of the most, not of the price that was bid: a bid of next to nothing would else let a provider hold a part for
// nothing.
std::optional<Motes> collateral_for(const Parameters& rules, Motes max_price);
// Whether a provider may win anything for a task now, apart from its slots.
std::optional<Fault> may_hold(const Context& context, const Parameters& rules, const Provider& provider,
                              const Task& task);

// Gives the open parts of a task to the claims of its auction: the lowest rate first, ties by
// SHA-256(hash of the block before ‖ task, big-endian ‖ provider); to each as many as it asked for, has slots for and
// backs with stake. Ends the auction; the task is stored.
void close_auction(Context& context, TaskEntry& task);

}  // namespace starling::ledger::market
