#include "ledger/modules.h"

#include "ledger/bank/handlers.h"
#include "ledger/bank/queries.h"
#include "ledger/bank/state.h"
#include "ledger/chain.h"
#include "ledger/market/handlers.h"
#include "ledger/market/queries.h"
#include "ledger/models/handlers.h"
#include "ledger/models/queries.h"
#include "ledger/models/state.h"

namespace starling::ledger {
namespace {

std::optional<Fault> into_pot(Overlay& state, bank::Pot pot, const base::Address& from, Motes motes) {
  if (const auto fault = bank::debit(state, from, motes)) return fault;
  bank::pot_add(state, pot, motes);
  return std::nullopt;
}

void out_of_pot(Overlay& state, bank::Pot pot, const base::Address& to, Motes motes) {
  if (motes == 0) return;
  bank::pot_take(state, pot, motes);
  bank::credit(state, to, motes);
}

class BankMoney final : public market::Money {
 public:
  std::optional<Fault> escrow(Overlay& state, const base::Address& from, Motes motes) const override {
    return into_pot(state, bank::Pot::kEscrow, from, motes);
  }
  std::optional<Fault> stake(Overlay& state, const base::Address& from, Motes motes) const override {
    return into_pot(state, bank::Pot::kStake, from, motes);
  }
  void pay_from_escrow(Overlay& state, const base::Address& to, Motes motes) const override {
    out_of_pot(state, bank::Pot::kEscrow, to, motes);
  }
  void pay_from_stake(Overlay& state, const base::Address& to, Motes motes) const override {
    out_of_pot(state, bank::Pot::kStake, to, motes);
  }
  base::Address fee_account(Overlay& state) const override {
    const base::Result<ChainParameters> chain = chain_parameters(state);
    if (chain.ok()) return chain->fee_account;
    state.fail(chain.error());
    return {};
  }
};

class RegisteredModels final : public market::ModelRegistry {
 public:
  std::optional<market::ModelTerms> terms(Overlay& state, const base::Hash& model) const override {
    const auto found = load<models::Model>(state, models::model_key(model));
    if (!found.has_value()) return std::nullopt;
    return market::ModelTerms{found->owner, found->royalty};
  }
};

const market::Expected& market_expects() {
  static const BankMoney money;
  static const RegisteredModels models;
  static const market::Expected expected{money, models};
  return expected;
}

// Modules that expect nothing of others have handlers without that argument.
template <typename M>
std::optional<Fault> dispatch(Context& context, const M& message) {
  if constexpr (requires { handle(context, market_expects(), message); }) {
    return handle(context, market_expects(), message);
  } else {
    return handle(context, message);
  }
}

}  // namespace

std::optional<Fault> handle(Context& context, const Message& message) {
  return std::visit([&](const auto& each) { return dispatch(context, each); }, message);
}

void fall_due(Context& context, const Deadline& deadline) { market::fall_due(context, market_expects(), deadline); }

base::Status check_invariants(const store::StateView& state) {
  STARLING_TRY(bank::check_invariants(state));
  STARLING_TRY(models::check_invariants(state));
  STARLING_ASSIGN(const market::Holdings holdings, market::check_invariants(state));
  STARLING_ASSIGN(const Motes escrow, bank::pot(state, bank::Pot::kEscrow));
  STARLING_ASSIGN(const Motes stake, bank::pot(state, bank::Pot::kStake));
  if (escrow != holdings.escrow) return base::internal_error("the escrow is not what the tasks put into it");
  if (stake != holdings.stake) return base::internal_error("the stakes are not what the providers put into them");
  return {};
}

}  // namespace starling::ledger
