#include "test_chain.h"

#include <gtest/gtest.h>

#include "ledger/modules.h"
#include "ledger/schedule.h"

namespace starling::ledger {

base::Address person(std::uint8_t number) {
  base::Address address;
  address.bytes.fill(number);
  return address;
}

base::Hash hash_of(std::uint64_t number) { return base::sha256(base::as_bytes(std::to_string(number))); }

base::Json test_genesis() {
  std::string accounts;
  for (std::uint8_t i = 1; i <= 8; ++i) {
    accounts += (i == 1 ? "\"" : ",\"") + person(i).text() + "\": \"" + std::to_string(1000 * kCredit) + "\"";
  }
  const std::string text = R"({"chain": {"chain_id": 7001, "fee_account": ")" + person(200).text() +
                           R"(", "fee_per_byte": 1, "fee_per_work": 10, "max_block_bytes": 1000000,
      "max_block_work": 1000000, "time": "1700000000000"},
    "bank": {"accounts": {)" +
                           accounts + R"(}}, "models": [],
    "market": {"minimum_stake": "1000000000", "auction_time": 100, "reveal_time": 1000, "challenge_time": 500,
      "cancel_time": 200, "unbonding_time": 5000, "suspension_time": 1000, "collateral": 20000,
      "late_penalty": 5000, "attempts": 3, "benchmark_age": 0}})";
  return *base::Json::parse(text, "the genesis of the tests");
}

TestChain::TestChain(const base::Json& genesis) {
  const auto writes = read_genesis(genesis);
  if (!writes.ok()) base::halt(writes.error().message.c_str());
  if (!state_.apply(*writes).ok()) base::halt("the genesis does not fit the state");
  header_ = *last_header(state_);
  supply_ = *bank::supply(state_);
}

ReadTransaction TestChain::transaction(const base::Address& from, const Message& message,
                                       std::uint64_t nonce_ahead) const {
  Transaction transaction;
  transaction.chain_id = 7001;
  transaction.from = from;
  transaction.nonce = bank::account(state_, from)->nonce + nonce_ahead;
  transaction.message = message;
  transaction.fee = 1'000'000;
  ReadTransaction read = *read_transaction(encode_transaction(transaction));
  read.verified = true;
  return read;
}

BlockResult TestChain::block(const std::vector<Call>& calls, std::uint64_t later) {
  std::vector<ReadTransaction> transactions;
  std::map<base::Address, std::uint64_t> sent;
  for (const Call& call : calls) transactions.push_back(transaction(call.from, call.message, sent[call.from]++));
  return block_of(transactions, later);
}

std::optional<Fault> TestChain::send(const base::Address& from, const Message& message, std::uint64_t later) {
  return block({{from, message}}, later).outcomes.at(0).fault;
}

BlockResult TestChain::block_of(const std::vector<ReadTransaction>& transactions, std::uint64_t later) {
  Header next{header_.height + 1, header_.time + later, hash_of(header_.height)};
  auto result = execute_block(state_, next, transactions);
  if (!result.ok()) base::halt(result.error().message.c_str());
  EXPECT_TRUE(state_.apply(result->writes).ok());
  const base::Status sound = check_invariants(state_);
  EXPECT_TRUE(sound.ok()) << sound.error().message << " at height " << next.height;
  EXPECT_EQ(*bank::supply(state_), supply_);
  header_ = next;
  roots_.push_back(outcomes_root(*result));
  return *std::move(result);
}

void TestChain::run_until(std::uint64_t time) {
  for (auto next = *next_deadline(state_); next.has_value() && *next <= time; next = *next_deadline(state_)) {
    block_of({}, *next - header_.time);
  }
  if (header_.time < time) block_of({}, time - header_.time);
}

Motes TestChain::balance(const base::Address& address) const { return bank::account(state_, address)->motes; }
market::Task TestChain::task(std::uint64_t number) const { return market::task(state_, number)->value(); }
market::Part TestChain::part(std::uint64_t task, std::uint32_t index) const {
  return market::part(state_, task, index)->value();
}
market::Provider TestChain::provider(const base::Address& address) const {
  return market::provider(state_, address)->value();
}

const char* name_of(const std::optional<Fault>& fault) { return fault.has_value() ? describe(*fault).name : "fine"; }

}  // namespace starling::ledger
