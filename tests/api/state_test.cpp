// The state over HTTP: proofs, and where all motes are.
#include "ledger/bank/state.h"

#include <thread>

#include "consensus/test_accounts.h"
#include "ledger/market/state.h"
#include "ledger/models/state.h"
#include "ledger_server.h"

namespace starling::api {
namespace {

using consensus::test_key;

TEST_F(LedgerEndpoints, ProofsHoldAgainstTheirHeader) {
  submit({transfer_bytes(0, 0, 1, 5)});
  const auto check = [&](const std::string& path, base::ByteView key) {
    const Json json = get(path + "?proof=1");
    const Json& proof = *json.find("proof");
    const auto header = consensus::read_header_json(*proof.find("header"));
    ASSERT_TRUE(header.ok());
    EXPECT_EQ(*base::from_hex(*proof.text("key")), base::Bytes(key.begin(), key.end()));
    const auto decoded = store::decode_proof(*base::from_hex(*proof.text("proof")));
    ASSERT_TRUE(decoded.ok());
    const base::Bytes value = proof.has("value") ? *base::from_hex(*proof.text("value")) : base::Bytes();
    const std::optional<base::ByteView> claimed =
        proof.has("value") ? std::optional<base::ByteView>(value) : std::nullopt;
    EXPECT_TRUE(
        consensus::verify_state_proof(*header, consensus::orderer_key().address(), key, claimed, *decoded).ok());
    const base::Bytes other = {1};
    EXPECT_FALSE(consensus::verify_state_proof(*header, std::nullopt, key, base::ByteView(other), *decoded).ok());
    EXPECT_FALSE(get(path).has("proof"));
  };
  check("/v1/accounts/" + test_key(0).address().text(), ledger::bank::account_key(test_key(0).address()));
  check("/v1/accounts/" + test_key(77).address().text(), ledger::bank::account_key(test_key(77).address()));
  // What is not there.
  const base::Address nobody = test_key(77).address();
  const auto check_absent = [&](const std::string& path, base::ByteView key) {
    EXPECT_EQ(ask(path).status, 404) << path;
    const Json json = get(path + "?proof=1");
    const Json& proof = *json.find("proof");
    EXPECT_FALSE(proof.has("value")) << path;
    const auto header = consensus::read_header_json(*proof.find("header"));
    const auto decoded = store::decode_proof(*base::from_hex(*proof.text("proof")));
    EXPECT_TRUE(consensus::verify_state_proof(*header, std::nullopt, key, std::nullopt, *decoded).ok()) << path;
  };
  check_absent("/v1/providers/" + nobody.text(), ledger::market::provider_key(nobody));
  check_absent("/v1/tasks/777", ledger::market::task_key(777));
  check_absent("/v1/tasks/777/parts/3", ledger::market::part_key(777, 3));
  check_absent("/v1/models/" + base::Hash().hex(), ledger::models::model_key(base::Hash()));
}

TEST_F(LedgerEndpoints, ShowsWhereAllMotesAre) {
  const Json before = get("/v1/supply");
  EXPECT_EQ(*before.text("supply"), "8000000000000");
  EXPECT_EQ(*before.text("in_accounts"), "8000000000000");
  EXPECT_EQ(*before.text("accounts"), "8");
  EXPECT_EQ(*before.text("in_fee_account"), "0");
  EXPECT_TRUE(*before.find("conserved")->as_boolean());
  EXPECT_TRUE(before.find("broken")->is_null());
  ledger::market::RegisterProvider registration;
  registration.backends = {"generic"};
  registration.memory_mebibytes = 1;
  registration.slots = 1;
  registration.rate = 1;
  submit({signed_bytes(1, 0, registration), signed_bytes(1, 1, ledger::market::AddStake{3'000'000'000})});
  Json after = get("/v1/supply");
  for (int i = 0; i < 100 && *after.text("in_stake") == "0"; ++i) {  // not counted at once after it was counted
    std::this_thread::sleep_for(milliseconds(20));
    after = get("/v1/supply");
  }
  EXPECT_EQ(*after.text("supply"), "8000000000000");
  EXPECT_EQ(*after.text("in_stake"), "3000000000");
  EXPECT_EQ(std::stoull(*after.text("in_accounts")), 8'000'000'000'000U - 3'000'000'000U);
  EXPECT_NE(*after.text("in_fee_account"), "0");
  EXPECT_EQ(*after.text("accounts"), "9");
  EXPECT_TRUE(*after.find("conserved")->as_boolean());
  EXPECT_TRUE(after.find("broken")->is_null());
}

}  // namespace
}  // namespace starling::api
