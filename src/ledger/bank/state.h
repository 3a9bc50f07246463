#pragma once

#include <optional>

#include "base/signature.h"
#include "ledger/amount.h"
#include "ledger/fault.h"
#include "ledger/overlay.h"
#include "ledger/record.h"

namespace starling::ledger::bank {

// An account that has neither motes nor a past is not in the state.
struct Account {
  Motes motes = 0;
  std::uint64_t nonce = 0;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit(1, "motes", self.motes);
    visit(2, "nonce", self.nonce);
  }
};

// Motes that other modules hold for somebody. No transfer reaches them.
enum class Pot : std::uint8_t { kEscrow = 1, kStake = 2 };
inline constexpr Pot kPots[] = {Pot::kEscrow, Pot::kStake};

// A sum: what is in a pot, or all there is.
struct Sum {
  Motes motes = 0;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit(1, "motes", self.motes);
  }
};

Key account_key(const base::Address& address);
Key pot_key(Pot pot);
Key supply_key();
inline constexpr char kModule = 'b';
inline constexpr char kAccounts = 'a';
inline constexpr std::size_t kAccountKeyBytes = 22;

Account load_account(Overlay& state, const base::Address& address);
void save_account(Overlay& state, const base::Address& address, const Account& account);

// kBalanceTooLow, and no change, when the account has less.
std::optional<Fault> debit(Overlay& state, const base::Address& address, Motes motes);
// Halts if there would be more motes than exist: motes only move.
void credit(Overlay& state, const base::Address& address, Motes motes);
void pot_add(Overlay& state, Pot pot, Motes motes);
// Halts if the pot has less: modules take out what they know they put in.
void pot_take(Overlay& state, Pot pot, Motes motes);

}  // namespace starling::ledger::bank
