#include <gtest/gtest.h>

#include "api/supply_endpoint.h"
#include "consensus/test_accounts.h"
#include "ledger/bank/state.h"
#include "ledger/chain.h"

namespace starling::api {
namespace {

// The supply of a state that began from the genesis of the tests and was then changed behind the ledger's back.
base::Json changed(const ledger::Key& key, base::Bytes value) {
  store::MemoryState state;
  EXPECT_TRUE(state.apply(*ledger::read_genesis(consensus::test_genesis())).ok());
  const base::ByteView name(key);
  std::vector<store::Write> writes{{base::Bytes(name.begin(), name.end()), std::move(value)}};
  EXPECT_TRUE(state.apply(writes).ok());
  const auto json = supply_json(state);
  EXPECT_TRUE(json.ok());
  return json.ok() ? *json : base::Json();
}

TEST(Supply, SaysWhenMotesDoNotAddUp) {
  const ledger::Key escrow = ledger::bank::pot_key(ledger::bank::Pot::kEscrow);
  const base::Json same = changed(escrow, ledger::encode_record(ledger::bank::Sum{0}));
  EXPECT_TRUE(*same.find("conserved")->as_boolean());
  EXPECT_TRUE(same.find("broken")->is_null());

  const base::Json more = changed(escrow, ledger::encode_record(ledger::bank::Sum{7}));
  EXPECT_EQ(*more.text("in_escrow"), "7");
  EXPECT_FALSE(*more.find("conserved")->as_boolean());
  EXPECT_NE(more.text("broken")->find("do not add up"), std::string::npos);

  // More than 64 bits can say.
  const base::Address address = consensus::test_key(0).address();
  const base::Json most =
      changed(ledger::bank::account_key(address), ledger::encode_record(ledger::bank::Account{~std::uint64_t{0}, 0}));
  EXPECT_EQ(*most.text("in_accounts"), "18446751073709551615");
  EXPECT_FALSE(*most.find("conserved")->as_boolean());
}

}  // namespace
}  // namespace starling::api
