#include "consensus/embedded.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "ledger/bank/queries.h"
#include "ledger/bank/state.h"
#include "ledger/modules.h"
#include "temporary_folder.h"
#include "test_accounts.h"

namespace starling::consensus {
namespace {

using ledger::Fault;
using std::chrono::milliseconds;

EmbeddedOptions quick() {
  EmbeddedOptions options;
  options.threads = 2;
  options.cache_bytes = std::size_t{1} << 20;
  options.ahead.wait = milliseconds(50);
  return options;
}

class EmbeddedTest : public FolderTest {
 protected:
  std::unique_ptr<Embedded> open(EmbeddedOptions options = quick()) {
    auto chain = Embedded::open(folder_, test_genesis(), orderer_key(), std::move(options));
    if (!chain.ok()) {
      ADD_FAILURE() << chain.error().message;
      return nullptr;
    }
    return *std::move(chain);
  }
  static std::vector<Submitted> submit(Embedded& chain, std::vector<ledger::ReadTransaction> transactions) {
    auto results = chain.submit(std::move(transactions));
    if (!results.ok()) {
      ADD_FAILURE() << results.error().message;
      return {};
    }
    return *std::move(results);
  }
  const base::SecretKey alice_ = test_key(0);
  const base::SecretKey bob_ = test_key(1);
};

TEST_F(EmbeddedTest, ATransferLastsAndCanBeProved) {
  const ledger::ReadTransaction sent = transfer(alice_, 0, bob_.address(), 5);
  SignedHeader header;
  {
    const auto chain = open();
    ASSERT_NE(chain, nullptr);
    EXPECT_EQ(chain->height(), 0U);
    const auto results = submit(*chain, {sent});
    ASSERT_EQ(results.size(), 1U);
    EXPECT_EQ(results[0].height, 1U);
    EXPECT_EQ(results[0].index, 0U);
    EXPECT_FALSE(results[0].outcome.fault.has_value());
    EXPECT_EQ(results[0].outcome.fee, kFee);
    header = **chain->header(1);
    EXPECT_EQ(header.header.previous, header_hash((*chain->header(0))->header));
    EXPECT_EQ(*orderer_of(header), orderer_key().address());
  }
  const auto chain = open();
  ASSERT_NE(chain, nullptr);
  EXPECT_EQ(chain->height(), 1U);
  EXPECT_EQ(**chain->header(1), header);
  const auto view = *chain->view();
  EXPECT_EQ(view->header(), header);
  EXPECT_EQ(ledger::bank::account(*view, bob_.address())->motes, 1'000'000'000'005U);
  EXPECT_EQ(**chain->find_transaction(sent.id), (Place{1, 0}));
  EXPECT_FALSE(chain->find_transaction(base::sha256({}))->has_value());
  const auto block = *chain->block(1);
  ASSERT_TRUE(block.has_value());
  EXPECT_EQ(block->header, header);
  ASSERT_EQ(block->transactions.size(), 1U);
  EXPECT_EQ(ledger::transaction_id(block->transactions[0]), sent.id);
  EXPECT_FALSE(chain->block(2)->has_value());

  const auto key = ledger::bank::account_key(bob_.address());
  const auto proven = *view->prove(key);
  ASSERT_TRUE(proven.value.has_value());
  EXPECT_TRUE(verify_state_proof(header, orderer_key().address(), key, *proven.value, proven.proof).ok());
  EXPECT_TRUE(verify_state_proof(header, std::nullopt, key, *proven.value, proven.proof).ok());
  EXPECT_FALSE(verify_state_proof(header, alice_.address(), key, *proven.value, proven.proof).ok());
  EXPECT_FALSE(verify_state_proof(header, std::nullopt, key, std::nullopt, proven.proof).ok());
}

TEST_F(EmbeddedTest, TransactionsOfOneCallGoByNonce) {
  const auto chain = open();
  std::vector<ledger::ReadTransaction> transactions;
  for (const std::uint64_t nonce : {3, 1, 0, 2}) transactions.push_back(transfer(alice_, nonce, bob_.address(), 1));
  const auto results = submit(*chain, transactions);
  ASSERT_EQ(results.size(), 4U);
  for (const Submitted& result : results) EXPECT_FALSE(result.outcome.fault.has_value());
  EXPECT_EQ(results[2].index, 0U);
  EXPECT_EQ(results[0].index, 3U);
}

TEST_F(EmbeddedTest, OneAheadWaitsForThoseBeforeItOrIsRefused) {
  EmbeddedOptions options = quick();
  options.ahead.wait = milliseconds(2000);
  const auto chain = open(options);
  std::vector<Submitted> later;
  std::thread ahead([&] { later = submit(*chain, {transfer(alice_, 1, bob_.address(), 1)}); });
  std::this_thread::sleep_for(milliseconds(20));
  submit(*chain, {transfer(alice_, 0, bob_.address(), 1)});
  ahead.join();
  ASSERT_EQ(later.size(), 1U);
  EXPECT_FALSE(later[0].outcome.fault.has_value());
  EXPECT_EQ(later[0].height, 2U - (later[0].index == 1 ? 1U : 0U));
  chain->stop();
}

// Beyond its bounds nothing waits for a nonce: it is refused as if it had. What is not ahead is not concerned.
TEST_F(EmbeddedTest, SoManyWaitForANonceAndNoMore) {
  EmbeddedOptions options = quick();
  options.ahead = {milliseconds(60'000), 3, 5, 7};
  const auto chain = open(options);
  std::atomic<int> refused = 0;
  std::atomic<int> ended = 0;
  const auto order = [&](const base::SecretKey& from, std::uint64_t nonce, const std::string& peer) {
    chain->order({transfer(from, nonce, bob_.address(), 1)}, {peer}, [&](const OrderResult& result) {
      if (!result.ok()) ++ended;
      if (result.ok() && result->front().outcome.fault == Fault::kNonceAhead) ++refused;
    });
  };
  auto refused_by_now = [&, nonce = std::uint64_t{0}]() mutable {
    submit(*chain, {transfer(test_key(6), nonce++, bob_.address(), 1)});
    return refused.load();
  };
  for (std::uint64_t nonce = 2; nonce < 6; ++nonce) order(test_key(1), nonce, "a");
  EXPECT_EQ(refused_by_now(), 1);  // 3 of an account
  for (std::uint64_t nonce = 2; nonce < 5; ++nonce) order(test_key(2), nonce, "a");
  EXPECT_EQ(refused_by_now(), 2);  // 5 of a peer
  for (std::uint64_t nonce = 2; nonce < 5; ++nonce) order(test_key(3), nonce, "b");
  EXPECT_EQ(refused_by_now(), 3);  // 7 of all
  // What comes before lets three of them go, and so three others wait.
  submit(*chain, {transfer(test_key(1), 0, bob_.address(), 1), transfer(test_key(1), 1, bob_.address(), 1)});
  for (std::uint64_t nonce = 6; nonce < 9; ++nonce) order(test_key(3), nonce, "b");
  EXPECT_EQ(refused_by_now(), 5);  // 3 of an account
  chain->stop();
  for (int i = 0; i < 200 && ended < 5; ++i) std::this_thread::sleep_for(milliseconds(10));
  EXPECT_EQ(ended, 5);
}

TEST_F(EmbeddedTest, WhatIsNotAdmittedIsInNoBlock) {
  const auto chain = open();
  ledger::ReadTransaction forged = transfer(alice_, 0, bob_.address(), 1);
  forged.transaction.fee += 1;
  const auto results =
      submit(*chain, {forged, transfer(bob_, 7, alice_.address(), 1), transfer(test_key(99), 0, bob_.address(), 1),
                      transfer(bob_, 0, alice_.address(), 0)});
  ASSERT_EQ(results.size(), 4U);
  EXPECT_EQ(results[0].outcome.fault, Fault::kBadSignature);
  EXPECT_EQ(results[1].outcome.fault, Fault::kNonceAhead);
  EXPECT_EQ(results[2].outcome.fault, Fault::kCannotPayFee);
  EXPECT_EQ(results[3].outcome.fault, Fault::kZeroAmount);
  EXPECT_EQ(results[2].height, 0U);
  EXPECT_EQ(results[3].height, 1U);
  EXPECT_EQ((*chain->block(1))->transactions.size(), 1U);
  EXPECT_EQ(chain->height(), 1U);
}

TEST_F(EmbeddedTest, WhatIsSentAgainIsRecognized) {
  const ledger::ReadTransaction sent = transfer(alice_, 0, bob_.address(), 5);
  const auto chain = open();
  const auto both = submit(*chain, {sent, sent});
  ASSERT_EQ(both.size(), 2U);
  EXPECT_EQ(both[1].height, 1U);
  EXPECT_EQ(both[1].index, 0U);
  EXPECT_FALSE(both[1].outcome.fault.has_value());
  const auto again = submit(*chain, {sent, transfer(alice_, 0, bob_.address(), 6)});
  EXPECT_EQ(again[0].height, 1U);
  EXPECT_EQ(again[1].outcome.fault, Fault::kNonceUsed);
  EXPECT_EQ(chain->height(), 1U);
  EXPECT_EQ(ledger::bank::account(**chain->view(), bob_.address())->motes, 1'000'000'000'005U);
}

}  // namespace
}  // namespace starling::consensus
