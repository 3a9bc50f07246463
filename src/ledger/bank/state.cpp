#include "ledger/bank/state.h"

namespace starling::ledger::bank {
namespace {

constexpr char kPotEntries = 'p';
constexpr char kSupply = 's';

// After a failed read the block is thrown away, so numbers that do not add up then are no broken invariant.
void require(const Overlay& state, bool holds, const char* message) {
  if (!holds && state.status().ok()) base::halt(message);
}

}  // namespace

Key account_key(const base::Address& address) { return Key(kModule, kAccounts).add(address); }
Key pot_key(Pot pot) { return Key(kModule, kPotEntries).add(static_cast<std::uint32_t>(pot)); }
Key supply_key() { return {kModule, kSupply}; }

Account load_account(Overlay& state, const base::Address& address) {
  return load<Account>(state, account_key(address)).value_or(Account());
}

void save_account(Overlay& state, const base::Address& address, const Account& account) {
  if (account.motes == 0 && account.nonce == 0) {
    state.erase(account_key(address));
  } else {
    save(state, account_key(address), account);
  }
}

std::optional<Fault> debit(Overlay& state, const base::Address& address, Motes motes) {
  Account account = load_account(state, address);
  const auto left = checked_subtract(account.motes, motes);
  if (!left.has_value()) return Fault::kBalanceTooLow;
  account.motes = *left;
  save_account(state, address, account);
  return std::nullopt;
}

void credit(Overlay& state, const base::Address& address, Motes motes) {
  Account account = load_account(state, address);
  const auto sum = checked_add(account.motes, motes);
  require(state, sum.has_value(), "an account has more motes than exist");
  account.motes = sum.value_or(0);
  save_account(state, address, account);
}

void pot_add(Overlay& state, Pot pot, Motes motes) {
  const auto sum = checked_add(load<Sum>(state, pot_key(pot)).value_or(Sum()).motes, motes);
  require(state, sum.has_value(), "a pot has more motes than exist");
  save(state, pot_key(pot), Sum{sum.value_or(0)});
}

void pot_take(Overlay& state, Pot pot, Motes motes) {
  const auto left = checked_subtract(load<Sum>(state, pot_key(pot)).value_or(Sum()).motes, motes);
  require(state, left.has_value(), "a pot has fewer motes than are owed from it");
  save(state, pot_key(pot), Sum{left.value_or(0)});
}

}  // namespace starling::ledger::bank
