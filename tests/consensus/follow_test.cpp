// Chains that begin from snapshots and follow blocks of others; time; many callers.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "ledger/bank/queries.h"
#include "ledger/bank/state.h"
#include "ledger/chain.h"
#include "temporary_folder.h"
#include "test_chain.h"

namespace starling::consensus {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

class FollowTest : public FolderTest {
 protected:
  std::unique_ptr<Embedded> open(const fs::path& home, bool genesis = true, EmbeddedOptions options = quick_options()) {
    auto chain =
        Embedded::open(home, genesis ? std::optional(test_genesis()) : std::nullopt, orderer_key(), std::move(options));
    if (chain.ok()) return *std::move(chain);
    ADD_FAILURE() << chain.error().message;
    return nullptr;
  }
  void send(Embedded& chain, std::uint64_t blocks) {
    for (std::uint64_t i = 0; i < blocks; ++i) {
      ASSERT_TRUE(chain.submit({transfer(test_key(0), nonce_, test_key(1).address(), nonce_ + 1)}).ok());
      ++nonce_;
    }
  }
  static std::vector<Block> blocks_of(const Embedded& chain, Height first) {
    std::vector<Block> blocks;
    for (Height height = first; height <= chain.height(); ++height) blocks.push_back(**chain.block(height));
    return blocks;
  }
  std::uint64_t nonce_ = 0;
};

TEST_F(FollowTest, AChainGoesOnFromASnapshot) {
  const auto original = open(folder_ / "original");
  send(*original, 3);
  ASSERT_TRUE(original->export_snapshot(folder_ / "snapshot").ok());
  const SignedHeader at = **original->header(3);
  send(*original, 4);
  const SignedHeader last = **original->header(7);

  EXPECT_FALSE(Embedded::import_snapshot(folder_ / "snapshot", folder_ / "copy", last).ok());
  ASSERT_FALSE(fs::exists(folder_ / "copy"));
  const base::Status imported = Embedded::import_snapshot(folder_ / "snapshot", folder_ / "copy", at);
  ASSERT_TRUE(imported.ok()) << imported.error().message;
  EXPECT_FALSE(Embedded::import_snapshot(folder_ / "snapshot", folder_ / "copy", at).ok());
  {
    const auto copy = open(folder_ / "copy", false);
    ASSERT_NE(copy, nullptr);
    EXPECT_EQ(copy->height(), 3U);
    EXPECT_EQ((*copy->view())->header(), at);
    EXPECT_EQ(**copy->header(3), at);
    EXPECT_FALSE(copy->header(2)->has_value());
    EXPECT_FALSE(copy->block(3)->has_value());
    const auto blocks = blocks_of(*original, 4);
    const base::Status followed = copy->follow(blocks, false);
    ASSERT_TRUE(followed.ok()) << followed.error().message;
    EXPECT_EQ((*copy->view())->header(), last);
  }
  // Opened again, it goes on by itself as the original does.
  const auto copy = open(folder_ / "copy", false);
  ASSERT_NE(copy, nullptr);
  EXPECT_EQ(**copy->header(7), last);
  EXPECT_EQ(**copy->header(3), at);
  const auto sent = transfer(test_key(0), nonce_, test_key(1).address(), 1);
  ASSERT_TRUE(copy->submit({sent}).ok());
  ASSERT_TRUE(original->submit({sent}).ok());
  // Blocks have times of their own, which are in the state; balances and the transactions are the same.
  EXPECT_EQ((*copy->header(8))->header.transactions_root, (*original->header(8))->header.transactions_root);
  EXPECT_EQ((*copy->header(8))->header.outcomes_root, (*original->header(8))->header.outcomes_root);
}

TEST_F(FollowTest, BlocksThatAreNotWhatTheySayChangeNothing) {
  const auto original = open(folder_ / "original");
  send(*original, 3);
  const auto copy = open(folder_ / "copy");
  const auto blocks = blocks_of(*original, 1);
  const auto refused = [&](const std::vector<Block>& changed, bool verified) {
    const base::Status status = copy->follow(changed, verified);
    EXPECT_EQ(copy->height(), 0U);
    return !status.ok();
  };
  auto changed = blocks;
  changed[1].header.header.state_root = {};
  EXPECT_TRUE(refused(changed, true));
  changed = blocks;
  changed[2].header.header.state_root = {};
  EXPECT_TRUE(refused(changed, true));
  changed = blocks;
  changed[1].header.header.outcomes_root = {};
  EXPECT_TRUE(refused(changed, true));
  changed = blocks;
  changed[2].header.header.transactions_root = {};
  EXPECT_TRUE(refused(changed, true));
  changed = blocks;
  changed.erase(changed.begin());
  EXPECT_TRUE(refused(changed, true));
  changed = blocks;
  changed[1].transactions[0][20] ^= 1;
  EXPECT_TRUE(refused(changed, false));
  EXPECT_TRUE(refused(changed, true));
  changed = blocks;
  changed[2].outcomes[0].fee += 1;
  EXPECT_TRUE(refused(changed, true));
  EXPECT_TRUE(copy->follow(blocks, false).ok());
  EXPECT_EQ(copy->height(), 3U);
  Auditor().audit(*copy);
}

TEST_F(FollowTest, ACopyOrdersNothingAndMakesNoBlockWhenADeadlineFallsDue) {
  const auto original = open(folder_ / "original");
  const base::SecretKey provider = test_key(2);
  ledger::market::RegisterProvider registration;
  registration.backends = {"generic"};
  registration.memory_mebibytes = 1024;
  registration.slots = 1;
  registration.rate = 1;
  registration.endpoint = "http://127.0.0.1:1";
  ASSERT_TRUE(original->submit({signed_message(provider, 0, registration)}).ok());
  const Height last = original->wait(1, milliseconds(2'000));  // the draw of a benchmark fell due
  ASSERT_EQ(last, 2U);

  const fs::path home = folder_ / "copy";
  EXPECT_FALSE(Embedded::exists(home));
  const SignedHeader first = **original->header(0);
  SignedHeader wrong = first;
  wrong.header.state_root = {};
  EXPECT_FALSE(Embedded::open_copy(home, Origin{test_genesis(), wrong}, quick_options()).ok());
  EXPECT_FALSE(Embedded::open_copy(home, std::nullopt, quick_options()).ok());
  {
    const auto copy = Embedded::open_copy(home, Origin{test_genesis(), first}, quick_options());
    ASSERT_TRUE(copy.ok()) << copy.error().message;
    EXPECT_EQ(**(*copy)->header(0), first);
    const auto refused = (*copy)->submit({transfer(test_key(0), 0, test_key(1).address(), 1)});
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, base::ErrorCode::kUnsupported);
    ASSERT_TRUE((*copy)->follow(std::vector<Block>{**original->block(1)}, false).ok());
    EXPECT_EQ((*copy)->wait(1, milliseconds(300)), 1U);
    ASSERT_TRUE((*copy)->follow(std::vector<Block>{**original->block(2)}, false).ok());
  }
  EXPECT_TRUE(Embedded::exists(home));
  const auto again = Embedded::open_copy(home, std::nullopt, quick_options());
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ((*(*again)->view())->header(), (*original->view())->header());
  Auditor().audit(**again);
}

TEST_F(FollowTest, TheSameHistoryGivesTheSameRoots) {
  // By a clock that is the same, in blocks that are the same: one header after another.
  std::vector<SignedHeader> headers[2];
  for (int i = 0; i < 2; ++i) {
    EmbeddedOptions options = quick_options();
    options.threads = i + 1;
    options.clock = {[] { return kGenesisTime + 5; }, nullptr};
    const auto chain = open(folder_ / std::to_string(i), true, options);
    nonce_ = 0;
    send(*chain, 5);
    for (Height height = 0; height <= chain->height(); ++height) headers[i].push_back(**chain->header(height));
  }
  EXPECT_EQ(headers[0], headers[1]);
}

TEST_F(FollowTest, ADeadlineMakesABlockByItself) {
  std::atomic<std::uint64_t> now = kGenesisTime + 1;
  EmbeddedOptions options = quick_options();
  options.clock = {[&] { return now.load(); }, nullptr};
  const base::SecretKey provider = test_key(2);
  {
    const auto chain = open(folder_ / "home", true, options);
    ledger::market::RegisterProvider registration;
    registration.backends = {"generic"};
    registration.memory_mebibytes = 1024;
    registration.slots = 1;
    registration.rate = 1;
    registration.endpoint = "http://127.0.0.1:1";
    const auto results = chain->submit({signed_message(provider, 0, registration),
                                        signed_message(provider, 1, ledger::market::AddStake{2'000'000'000}),
                                        signed_message(provider, 2, ledger::market::WithdrawStake{1'000})});
    ASSERT_TRUE(results.ok());
    for (const Submitted& result : *results) {
      ASSERT_FALSE(result.outcome.fault.has_value()) << static_cast<int>(*result.outcome.fault);
    }
    // What falls due at once, such as the draw of a benchmark.
    Height height = chain->height();
    for (Height next = chain->wait(height, milliseconds(300)); next != height;) {
      height = next;
      next = chain->wait(height, milliseconds(300));
    }
    const auto before = ledger::bank::account(**chain->view(), provider.address())->motes;
    now += 5'000;  // the unbonding time
    EXPECT_EQ(chain->wait(height, milliseconds(5'000)), height + 1);
    EXPECT_EQ((*chain->header(height + 1))->header.time, now);
    EXPECT_TRUE((*chain->block(height + 1))->transactions.empty());
    EXPECT_FALSE((*chain->block(height + 1))->due.empty());
    EXPECT_EQ(ledger::bank::account(**chain->view(), provider.address())->motes, before + 1'000);
    // Nothing to do, no blocks.
    now += 1'000'000;
    EXPECT_EQ(chain->wait(height + 1, milliseconds(300)), height + 1);
    // A clock that is set back: time does not run back.
    now -= 3'000'000;
    ASSERT_TRUE(chain->submit({transfer(test_key(0), 0, test_key(1).address(), 1)}).ok());
    EXPECT_GE((*chain->header(height + 2))->header.time, (*chain->header(height + 1))->header.time);
  }
  Auditor().audit(*open(folder_ / "home", true, options));
}

TEST_F(FollowTest, ManyCallersShareBlocksAndReadersSeeWholeOnes) {
  const auto chain = open(folder_ / "home");
  constexpr std::uint64_t kEach = 40;
  std::atomic<bool> done = false;
  std::atomic<int> wrong = 0;
  std::thread reader([&] {
    while (!done) {
      const auto view = *chain->view();
      const auto key = ledger::bank::account_key(test_key(7).address());
      const auto proven = *view->prove(key);
      const std::optional<base::ByteView> value =
          proven.value.has_value() ? std::optional<base::ByteView>(*proven.value) : std::nullopt;
      if (!verify_state_proof(view->header(), orderer_key().address(), key, value, proven.proof).ok()) ++wrong;
      if (ledger::last_header(*view)->height != view->header().header.height) ++wrong;
      if (chain->wait(0, milliseconds(1)) > 0 && !chain->block(1)->has_value()) ++wrong;
    }
  });
  std::vector<std::thread> callers;
  for (std::uint64_t account = 0; account < 4; ++account) {
    callers.emplace_back([&, account] {
      const base::SecretKey key = test_key(account);
      for (std::uint64_t nonce = 0; nonce < kEach; nonce += 2) {
        const auto results = chain->submit(
            {transfer(key, nonce + 1, test_key(7).address(), 1), transfer(key, nonce, test_key(7).address(), 1)});
        if (!results.ok() || results->at(0).height == 0 || results->at(1).outcome.fault.has_value()) ++wrong;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  done = true;
  reader.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(ledger::bank::account(**chain->view(), test_key(7).address())->motes, 1'000'000'000'000U + 4 * kEach);
  Auditor auditor;
  auditor.audit(*chain);
  EXPECT_EQ(auditor.transactions().size(), 4 * kEach);
}

TEST_F(FollowTest, StopEndsWhatWaits) {
  EmbeddedOptions options = quick_options();
  options.ahead.wait = milliseconds(60'000);
  options.max_waiting = 3;
  const auto chain = open(folder_ / "home", true, options);
  base::Result<std::vector<Submitted>> result = std::vector<Submitted>();
  std::thread ahead([&] { result = chain->submit({transfer(test_key(0), 1, test_key(1).address(), 1)}); });
  std::thread waiting([&] { chain->wait(chain->height(), milliseconds(60'000)); });
  std::this_thread::sleep_for(milliseconds(50));
  const auto many =
      chain->submit(std::vector<ledger::ReadTransaction>(3, transfer(test_key(1), 0, test_key(1).address(), 1)));
  ASSERT_FALSE(many.ok());
  EXPECT_EQ(many.error().code, base::ErrorCode::kLimit);
  chain->stop();
  ahead.join();
  waiting.join();
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, base::ErrorCode::kCancelled);
  EXPECT_FALSE(chain->submit({transfer(test_key(0), 0, test_key(1).address(), 1)}).ok());
  EXPECT_TRUE(chain->view().ok());
}

TEST(BlockClockTest, GoesOnWhenTheWallClockIsSet) {
  std::uint64_t wall = 1'000'000'000;
  std::uint64_t steady = 50;
  BlockClock clock({[&] { return wall; }, [&] { return steady; }}, 0);
  EXPECT_EQ(clock.now(), 1'000'000'000U);
  wall += 100;
  steady += 90;
  EXPECT_EQ(clock.now(), 1'000'000'100U);
  wall -= 50;  // corrected a little: time stands still
  EXPECT_EQ(clock.now(), 1'000'000'100U);
  steady += 1'000;
  wall += 86'400'000;
  EXPECT_EQ(clock.now(), 1'000'001'100U);
  EXPECT_TRUE(clock.astray());
  wall -= 2 * 86'400'000;
  steady += 10;
  EXPECT_EQ(clock.now(), 1'000'001'110U);
  wall = 1'000'001'500;
  EXPECT_EQ(clock.now(), 1'000'001'500U);
  EXPECT_FALSE(clock.astray());
  // Opened with a clock that is behind the last block.
  BlockClock behind({[&] { return wall; }, [&] { return steady; }}, 2'000'000'000);
  steady += 7;
  EXPECT_EQ(behind.now(), 2'000'000'007U);
}

}  // namespace
}  // namespace starling::consensus
