#pragma once

#include "base/result.h"
#include "ledger/bank/state.h"

namespace starling::ledger::bank {

// An account that is not in the state has no motes and nonce 0.
base::Result<Account> account(const store::StateView& state, const base::Address& address);
base::Result<Motes> pot(const store::StateView& state, Pot pot);
base::Result<Motes> supply(const store::StateView& state);

// All accounts together. Wider than motes, since it is what the supply is held against.
struct Totals {
  std::uint64_t accounts = 0;
  WideInteger motes = 0;
};
// kInternal when an account is malformed or empty. Reads every account.
base::Result<Totals> totals(const store::StateView& state);

// kInternal unless all balances and pots add up to the supply. Reads every account.
base::Status check_invariants(const store::StateView& state);

}  // namespace starling::ledger::bank
