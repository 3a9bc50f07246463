#pragma once

#include "ledger/context.h"
#include "ledger/market/expected.h"
#include "ledger/market/state.h"

namespace starling::ledger::market {

// How parts pass from one state to the next, and who pays. A record that the functions take is of the present state;
// they change it and leave storing it to the caller, but for the records they load themselves.

// A task or a part with its number.
struct TaskEntry {
  std::uint64_t number;
  Task task;
};
struct PartEntry {
  std::uint32_t index;
  Part part;
};

Parameters parameters(Overlay& state);
void save_task(Overlay& state, const TaskEntry& task);
void save_part(Overlay& state, const TaskEntry& task, const PartEntry& part);

// Sets when the part's state ends by itself; `due` 0: it does not.
void set_due(Overlay& state, const TaskEntry& task, PartEntry& part, std::uint64_t due);
// Ends the auction that is on, if one is, without an award.
void end_auction(Overlay& state, TaskEntry& task);
// Gives an open part to a provider.
void award(Context& context, TaskEntry& task, PartEntry& part, const base::Address& address, Provider& provider,
           Motes price, Motes collateral);
// A held part is computed no longer; its collateral stays locked.
void free_slot(Context& context, const PartEntry& part);
// Pays the provider the share calls/task.calls of the price, the model's owner the royalty in it, the requester the
// rest of the escrow. The part is settled.
void pay(Context& context, const Expected& expected, TaskEntry& task, PartEntry& part, std::uint32_t calls);
// Gives the requester the whole escrow of a part that nobody holds. The part is settled.
void refund(Context& context, const Expected& expected, TaskEntry& task, PartEntry& part);
// The holder missed a deadline: it pays the penalty, and the part is open again, or refunded when that is pointless.
void miss(Context& context, const Expected& expected, TaskEntry& task, PartEntry& part);

}  // namespace starling::ledger::market
