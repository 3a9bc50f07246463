#include "ledger/bank/queries.h"

namespace starling::ledger::bank {
namespace {

base::Result<Motes> sum_at(const store::StateView& state, const Key& key) {
  STARLING_ASSIGN(const std::optional<Sum> sum, read_record<Sum>(state, key));
  return sum.value_or(Sum()).motes;
}

}  // namespace

base::Result<Account> account(const store::StateView& state, const base::Address& address) {
  STARLING_ASSIGN(const std::optional<Account> found, read_record<Account>(state, account_key(address)));
  return found.value_or(Account());
}

base::Result<Motes> pot(const store::StateView& state, Pot pot) { return sum_at(state, pot_key(pot)); }
base::Result<Motes> supply(const store::StateView& state) { return sum_at(state, supply_key()); }

base::Result<Totals> totals(const store::StateView& state) {
  base::Status read;
  Totals totals;
  STARLING_TRY(state.scan(Key(kModule, kAccounts), [&](base::ByteView key, base::ByteView value) {
    const base::Result<Account> account = decode_record<Account>(value);
    if (!account.ok() || key.size() != kAccountKeyBytes || (account->motes == 0 && account->nonce == 0)) {
      read = base::internal_error("the account at " + base::to_hex(key) + " is malformed or empty");
      return false;
    }
    totals.accounts += 1;
    totals.motes += account->motes;
    return true;
  }));
  STARLING_TRY(read);
  return totals;
}

base::Status check_invariants(const store::StateView& state) {
  STARLING_ASSIGN(const Totals accounts, totals(state));
  WideInteger total = accounts.motes;
  for (const Pot each : kPots) {
    STARLING_ASSIGN(const Motes motes, pot(state, each));
    total += motes;
  }
  STARLING_ASSIGN(const Motes all, supply(state));
  if (total != all) {
    return base::internal_error("balances and pots do not add up to the supply of " + std::to_string(all) + " motes");
  }
  return {};
}

}  // namespace starling::ledger::bank
