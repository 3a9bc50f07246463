#include "ledger/execute.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "base/file.h"
#include "base/merkle.h"
#include "ledger/modules.h"
#include "ledger/schedule.h"
#include "test_chain.h"

namespace starling::ledger {
namespace {

const base::Address kAnn = person(1);
const base::Address kBob = person(2);
const base::Address kFees = person(200);

Message transfer(const base::Address& to, Motes motes) { return bank::Transfer{to, motes}; }

TEST(Execute, TransferMovesMotesAndFee) {
  TestChain chain;
  EXPECT_STREQ(name_of(chain.send(kAnn, transfer(person(99), 5))), "fine");
  EXPECT_EQ(chain.balance(person(99)), 5U);
  EXPECT_EQ(chain.balance(kAnn), 1000 * kCredit - 5 - 1'000'000);
  EXPECT_EQ(chain.balance(kFees), 1'000'000U);
  EXPECT_STREQ(name_of(chain.send(kAnn, transfer(kAnn, 7))), "fine");
  EXPECT_EQ(chain.balance(kAnn), 1000 * kCredit - 5 - 2'000'000);
}

TEST(Execute, BadAmountsCostTheFeeAndNothingElse) {
  TestChain chain;
  Motes fees = 0;
  const auto expect = [&](Motes motes, const char* fault) {
    EXPECT_STREQ(name_of(chain.send(kAnn, transfer(kBob, motes))), fault) << motes;
    fees += 1'000'000;
    EXPECT_EQ(chain.balance(kAnn), 1000 * kCredit - fees);
    EXPECT_EQ(chain.balance(kBob), 1000 * kCredit);
    EXPECT_EQ(chain.balance(kFees), fees);
  };
  expect(0, "ZERO_AMOUNT");
  expect(~Motes{0}, "BALANCE_TOO_LOW");
  expect(Motes{1} << 63, "BALANCE_TOO_LOW");
  expect(1000 * kCredit - 3'000'001, "BALANCE_TOO_LOW");  // the fee is taken before
  EXPECT_STREQ(name_of(chain.send(kAnn, transfer(kBob, 1000 * kCredit - 5'000'000))), "fine");
  EXPECT_EQ(chain.balance(kAnn), 0U);
}

TEST(Execute, WhatIsNotAdmittedLeavesNoTrace) {
  TestChain chain;
  chain.send(kAnn, transfer(kBob, 1));
  const auto refused = [&](ReadTransaction read, const char* fault) {
    const auto before = chain.state().entries();
    read.bytes = encode_transaction(read.transaction).size();
    const auto outcome = chain.block_of({read}, 0).outcomes.at(0);
    EXPECT_STREQ(name_of(outcome.fault), fault);
    EXPECT_EQ(outcome.fee, 0U);
    EXPECT_FALSE(is_charged(*outcome.fault));
    auto after = chain.state().entries();
    const base::Bytes height = {'c', 'h'};  // the last header is the block's trace, not the transaction's
    after[height] = before.at(height);
    EXPECT_EQ(before, after);
  };
  const ReadTransaction good = chain.transaction(kAnn, transfer(kBob, 1));
  ReadTransaction bad = good;
  bad.transaction.chain_id = 7002;
  refused(bad, "WRONG_CHAIN");
  bad = good;
  bad.transaction.nonce = 0;
  refused(bad, "NONCE_USED");
  bad.transaction.nonce = 2;
  refused(bad, "NONCE_AHEAD");
  bad.transaction.nonce = ~std::uint64_t{0};
  refused(bad, "NONCE_AHEAD");
  bad = good;
  bad.transaction.fee = 100;
  refused(bad, "FEE_TOO_LOW");
  bad = good;
  bad.transaction.fee = 1001 * kCredit;
  refused(bad, "CANNOT_PAY_FEE");
  bad.transaction.nonce = 2;  // it could wait for others, at their cost
  refused(bad, "CANNOT_PAY_FEE");
  bad = good;
  bad.verified = false;
  refused(bad, "BAD_SIGNATURE");
  bad = chain.transaction(person(77), transfer(kBob, 1));
  refused(bad, "CANNOT_PAY_FEE");
}

TEST(Execute, AReplayedTransactionCountsOnce) {
  TestChain chain;
  const ReadTransaction paid = chain.transaction(kAnn, transfer(kBob, 5));
  const auto result = chain.block_of({paid, paid, paid});
  EXPECT_FALSE(result.outcomes[0].fault.has_value());
  EXPECT_STREQ(name_of(result.outcomes[1].fault), "NONCE_USED");
  EXPECT_STREQ(name_of(chain.block_of({paid}).outcomes[0].fault), "NONCE_USED");
  EXPECT_EQ(chain.balance(kBob), 1000 * kCredit + 5);
}

TEST(Execute, SignaturesAreCheckedUnlessKnown) {
  const base::SecretKey key = *base::SecretKey::from_bytes(base::Bytes(32, 7));
  TestChain chain;
  chain.send(kAnn, transfer(key.address(), kCredit));
  Transaction transaction;
  transaction.chain_id = 7001;
  transaction.fee = 10'000;
  transaction.message = transfer(kBob, 3);
  sign_transaction(transaction, key);
  ReadTransaction read = *read_transaction(encode_transaction(transaction));
  EXPECT_EQ(*admit(chain.state(), read, 0), std::nullopt);
  EXPECT_EQ(*admit(chain.state(), read, 1), Fault::kNonceUsed);
  ReadTransaction forged = read;
  forged.transaction.message = transfer(kBob, 4);
  EXPECT_EQ(*admit(chain.state(), forged, 0), Fault::kBadSignature);
  EXPECT_FALSE(verify(forged));
  EXPECT_TRUE(verify(read));
  const auto result = chain.block_of({forged, read});
  EXPECT_STREQ(name_of(result.outcomes[0].fault), "BAD_SIGNATURE");
  EXPECT_STREQ(name_of(result.outcomes[1].fault), "fine");
}

TEST(Execute, SignaturesAreCheckedOnManyThreads) {
  const base::SecretKey key = *base::SecretKey::from_bytes(base::Bytes(32, 7));
  std::vector<ReadTransaction> transactions;
  for (std::uint64_t i = 0; i < 100; ++i) {
    Transaction transaction;
    transaction.chain_id = 7001 + i % 2;
    transaction.nonce = i;
    transaction.message = transfer(kBob, 1);
    sign_transaction(transaction, key);
    if (i % 3 == 0) transaction.fee = 1;
    transactions.push_back(*read_transaction(encode_transaction(transaction)));
  }
  base::ThreadPool pool(4);
  verify_all(transactions, pool);
  for (std::size_t i = 0; i < transactions.size(); ++i) EXPECT_EQ(transactions[i].verified, i % 3 != 0) << i;
}

TEST(Execute, BlocksFollowEachOther) {
  TestChain chain;
  chain.block({});
  const auto refused = [&](const Header& header) { return !execute_block(chain.state(), header, {}).ok(); };
  EXPECT_TRUE(refused({1, chain.now(), {}}));
  EXPECT_TRUE(refused({3, chain.now(), {}}));
  EXPECT_TRUE(refused({2, chain.now() - 1, {}}));
  EXPECT_TRUE(refused({2, ~std::uint64_t{0}, {}}));
  EXPECT_FALSE(refused({2, chain.now(), {}}));
  EXPECT_FALSE(execute_block(store::MemoryState(), {1, 0, {}}, {}).ok());
}

TEST(Execute, AFullBlockTurnsTransactionsAwayAtNoCost) {
  base::Json genesis = test_genesis();
  base::Json section = **genesis.object("chain");
  section.set("max_block_work", 2);
  genesis.set("chain", section);
  TestChain chain(genesis);
  const auto result = chain.block({{kAnn, transfer(kBob, 1)}, {kAnn, transfer(kBob, 1)}, {kAnn, transfer(kBob, 1)}});
  EXPECT_STREQ(name_of(result.outcomes[1].fault), "fine");
  EXPECT_STREQ(name_of(result.outcomes[2].fault), "BLOCK_FULL");
  EXPECT_EQ(chain.balance(kFees), 2'000'000U);
  EXPECT_STREQ(name_of(chain.send(kAnn, market::AddStake{1})), "NOT_PROVIDER");
  EXPECT_STREQ(name_of(chain.send(kAnn, market::CancelTask{1})), "BLOCK_FULL");
}

// A state whose reads fail after a while.
class FailingState final : public store::StateView {
 public:
  FailingState(const store::StateView& below, int reads) : below_(below), reads_(reads) {}
  base::Result<std::optional<base::Bytes>> get(base::ByteView key) const override {
    if (reads_-- <= 0) return base::io_error("the disk is gone");
    return below_.get(key);
  }
  base::Status scan_from(base::ByteView prefix, base::ByteView from, const Visit& visit) const override {
    if (reads_-- <= 0) return base::io_error("the disk is gone");
    return below_.scan_from(prefix, from, visit);
  }

 private:
  const store::StateView& below_;
  mutable int reads_;
};

TEST(Execute, AStateThatCannotBeReadIsNeverFine) {
  TestChain chain;
  chain.send(kAnn, market::RegisterProvider{{"generic"}, 100, 1, 10, ""});
  const std::vector<ReadTransaction> transactions = {chain.transaction(kAnn, market::AddStake{kCredit})};
  const Header next{chain.header().height + 1, chain.now(), {}};
  int reads = 0;
  for (bool done = false; !done; ++reads) {
    const FailingState failing(chain.state(), reads);
    const auto result = execute_block(failing, next, transactions);
    done = result.ok();
    EXPECT_TRUE(!done || !result->outcomes[0].fault.has_value());
    ASSERT_LT(reads, 1000);
  }
  EXPECT_GT(reads, 5);
}

TEST(Execute, TheSameBlocksGiveTheSameBytes) {
  const auto run = [] {
    TestChain chain;
    for (std::uint64_t i = 1; i < 50; ++i) {
      chain.block({{person(static_cast<std::uint8_t>(1 + i % 8)), transfer(kBob, i)}, {kBob, transfer(kAnn, i)}});
    }
    base::Encoder all;
    for (const auto& [key, value] : chain.state().entries()) {
      all.bytes(key);
      all.bytes(value);
    }
    return std::pair(base::sha256(all.data()), base::merkle_root(chain.roots()));
  };
  const auto [state, outcomes] = run();
  EXPECT_EQ(run(), std::pair(state, outcomes));
  // Of any compiler and machine.
  EXPECT_EQ(state.hex(), "a4431f9ea32c9201a9700fcdbecf92407aa37cce9631fe557594ae80db0a6c7a");
  EXPECT_EQ(outcomes.hex(), "9312f6862b73ed14762036ef59e4595de54a72c18dba2d6da954f9409a234d4e");
}

TEST(Overlay, ScansBothLayersInOrderAndRewinds) {
  store::MemoryState below;
  const auto key = [](std::uint8_t a, std::uint8_t b) { return base::Bytes{a, b}; };
  ASSERT_TRUE(below
                  .apply(std::vector<store::Write>{
                      {key(1, 1), key(9, 9)}, {key(1, 3), key(9, 9)}, {key(1, 5), key(9, 9)}, {key(2, 0), key(9, 9)}})
                  .ok());
  Overlay overlay(below);
  overlay.put(key(1, 0), {0});
  overlay.put(key(1, 3), {3});
  overlay.erase(key(1, 5));
  overlay.put(key(1, 7), {7});
  const auto seen = [&](std::size_t limit) {
    std::string text;
    EXPECT_TRUE(overlay
                    .scan(base::Bytes{1},
                          [&](base::ByteView k, base::ByteView v) {
                            text += std::to_string(k[1]) + "=" + std::to_string(v[0]) + " ";
                            return --limit > 0;
                          })
                    .ok());
    return text;
  };
  EXPECT_EQ(seen(99), "0=0 1=9 3=3 7=7 ");
  EXPECT_EQ(seen(1), "0=0 ");
  EXPECT_EQ(seen(3), "0=0 1=9 3=3 ");
  for (const std::uint8_t from : {0, 1, 2, 3, 4, 7, 8}) {
    std::vector<std::uint8_t> keys;
    EXPECT_TRUE(overlay
                    .scan_from(base::Bytes{1}, key(1, from),
                               [&](base::ByteView k, base::ByteView) {
                                 keys.push_back(k[1]);
                                 return true;
                               })
                    .ok());
    std::vector<std::uint8_t> expected = {0, 1, 3, 7};
    std::erase_if(expected, [&](std::uint8_t k) { return k < from; });
    EXPECT_EQ(keys, expected) << int{from};
  }
  const Overlay::Mark mark = overlay.mark();
  overlay.put(key(1, 3), {4});
  overlay.put(key(1, 3), {5});
  overlay.erase(key(1, 0));
  overlay.erase(key(1, 1));
  overlay.put(key(1, 5), {6});
  EXPECT_EQ(seen(99), "3=5 5=6 7=7 ");
  overlay.rewind(mark);
  EXPECT_EQ(seen(99), "0=0 1=9 3=3 7=7 ");
  EXPECT_EQ(overlay.writes().size(), 4U);
}

TEST(Faults, EveryNumberHasItsSentenceAndItsRowInTheDocs) {
  const auto page = base::read_file(STARLING_TEST_DATA "/../../../docs/ledger.md", std::size_t{1} << 20);
  ASSERT_TRUE(page.ok());
  const std::string docs(page->begin(), page->end());
  for (const FaultRow& row : fault_table()) {
    EXPECT_EQ(describe(row.fault).name, row.name);
    EXPECT_EQ(std::string_view(row.sentence).back(), '.');
    const std::string line =
        "| " + std::to_string(static_cast<int>(row.fault)) + " | `" + row.name + "` | " + row.sentence;
    EXPECT_NE(docs.find(line), std::string::npos) << line;
  }
}

TEST(Genesis, WhatDoesNotFitIsRefused) {
  const auto refused = [](std::string_view section, std::string_view member, const base::Json& value) {
    base::Json genesis = test_genesis();
    if (section.empty()) {
      genesis.set(member, value);
    } else {
      base::Json changed = *genesis.find(section);
      changed.set(member, value);
      genesis.set(section, changed);
    }
    return !read_genesis(genesis).ok();
  };
  EXPECT_FALSE(refused("chain", "fee_per_byte", 2));
  EXPECT_TRUE(refused("chain", "fee_per_byte", -1));
  EXPECT_TRUE(refused("chain", "gas", 1));
  EXPECT_TRUE(refused("", "audits", base::Json::empty_object()));
  EXPECT_TRUE(refused("", "models", base::Json::empty_object()));
  const std::string model =
      R"({"model":"0x)" + std::string(64, '1') +
      R"(","owner":"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed","name":"a","royalty":1,"locations":[]})";
  EXPECT_FALSE(refused("", "models", *base::Json::parse("[" + model + "]", "one")));
  EXPECT_TRUE(refused("", "models", *base::Json::parse("[" + model + "," + model + "]", "twice")));
  EXPECT_TRUE(refused("market", "auction_time", 0));
  EXPECT_TRUE(refused("market", "auction_time", "99999999999999"));
  EXPECT_TRUE(refused("market", "attempts", 0));
  const auto accounts = [](std::string_view text) { return *base::Json::parse(text, "accounts"); };
  const std::string ann = kAnn.text();
  EXPECT_TRUE(refused("bank", "accounts", accounts("{\"" + ann + "\": -5}")));
  EXPECT_TRUE(refused("bank", "accounts", accounts(R"({"0x12": 5})")));
  EXPECT_TRUE(
      refused("bank", "accounts", accounts("{\"" + ann + "\": 18446744073709551615, \"" + kBob.text() + "\": 1}")));
  EXPECT_TRUE(refused("bank", "accounts", accounts("{\"" + ann + "\": 1, \"" + ann.substr(2) + "\": 1}")));
}

}  // namespace
}  // namespace starling::ledger
