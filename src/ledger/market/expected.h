#pragma once

#include <optional>

#include "base/hash.h"
#include "base/signature.h"
#include "ledger/amount.h"
#include "ledger/fault.h"
#include "ledger/overlay.h"

namespace starling::ledger::market {

// What the market needs of other modules.

class Money {
 public:
  virtual ~Money() = default;
  // From an account into escrow or stake; kBalanceTooLow, and no change, when it has less.
  virtual std::optional<Fault> escrow(Overlay& state, const base::Address& from, Motes motes) const = 0;
  virtual std::optional<Fault> stake(Overlay& state, const base::Address& from, Motes motes) const = 0;
  // Out again, to an account.
  virtual void pay_from_escrow(Overlay& state, const base::Address& to, Motes motes) const = 0;
  virtual void pay_from_stake(Overlay& state, const base::Address& to, Motes motes) const = 0;
  // The account that penalties go to.
  virtual base::Address fee_account(Overlay& state) const = 0;
};

struct ModelTerms {
  base::Address owner;
  std::uint32_t royalty = 0;  // basis points
};

class ModelRegistry {
 public:
  virtual ~ModelRegistry() = default;
  virtual std::optional<ModelTerms> terms(Overlay& state, const base::Hash& model) const = 0;
};

struct Expected {
  const Money& money;
  const ModelRegistry& models;
};

}  // namespace starling::ledger::market
