#include "test_accounts.h"

#include "base/encoding.h"

namespace starling::consensus {

base::SecretKey test_key(std::uint64_t number) {
  base::Encoder encoder;
  encoder.text("key of a test");
  encoder.u64(number);
  return *base::SecretKey::from_bytes(base::sha256(encoder.data()).bytes);
}

base::SecretKey orderer_key() { return test_key(1'000'000'007); }

base::Json test_genesis(std::uint64_t accounts) {
  std::string balances;
  for (std::uint64_t i = 0; i < accounts; ++i) {
    balances += (i == 0 ? "\"" : ",\"") + test_key(i).address().text() + "\": \"1000000000000\"";
  }
  const std::string text = R"({"chain": {"chain_id": 7001, "fee_account": "0x00000000000000000000000000000000000000fe",
      "fee_per_byte": 1, "fee_per_work": 10, "max_block_bytes": 4000000, "max_block_work": 100000,
      "time": "1700000000000"},
    "bank": {"accounts": {)" +
                           balances +
                           R"(}}, "models": [],
    "market": {"minimum_stake": "1000000000", "auction_time": 100, "reveal_time": 1000, "challenge_time": 500,
      "cancel_time": 200, "unbonding_time": 5000, "suspension_time": 1000, "collateral": 20000,
      "late_penalty": 5000, "attempts": 3, "benchmark_age": 0}})";
  auto genesis = base::Json::parse(text, "the genesis of the tests");
  if (!genesis.ok()) base::halt(genesis.error().message.c_str());
  return *std::move(genesis);
}

ledger::ReadTransaction signed_message(const base::SecretKey& from, std::uint64_t nonce, const ledger::Message& message,
                                       ledger::Motes fee) {
  ledger::Transaction transaction;
  transaction.chain_id = kChainId;
  transaction.nonce = nonce;
  transaction.fee = fee;
  transaction.message = message;
  ledger::sign_transaction(transaction, from);
  return *ledger::read_transaction(ledger::encode_transaction(transaction));
}

ledger::ReadTransaction transfer(const base::SecretKey& from, std::uint64_t nonce, const base::Address& to,
                                 ledger::Motes motes) {
  return signed_message(from, nonce, ledger::bank::Transfer{to, motes}, kFee);
}

}  // namespace starling::consensus
