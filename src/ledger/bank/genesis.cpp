#include "ledger/bank/genesis.h"

#include "ledger/bank/state.h"
#include "ledger/json_fields.h"

namespace starling::ledger::bank {

base::Status read_genesis(Overlay& state, const base::Json& section) {
  STARLING_ASSIGN(const base::Json* const accounts, section.object("accounts"));
  Motes supply = 0;
  for (const base::JsonMember& member : accounts->members()) {
    STARLING_ASSIGN(const base::Address address, base::Address::from_text(member.key));
    STARLING_ASSIGN(const Motes motes, json_u64(member.value));
    const auto sum = checked_add(supply, motes);
    if (!sum.has_value()) return base::invalid("bank.accounts: all motes together must be less than 2^64");
    if (load_account(state, address).motes != 0) {
      return base::invalid("bank.accounts: " + member.key + " is there twice");
    }
    supply = *sum;
    save_account(state, address, {motes, 0});
  }
  save(state, supply_key(), Sum{supply});
  return state.status();
}

}  // namespace starling::ledger::bank
