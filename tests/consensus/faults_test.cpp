// Kills, lost states and full disks: what a chain's folder holds afterwards.
#include <sys/resource.h>

#include <csignal>
#include <cstdlib>
#include <random>
#include <thread>

#include "child.h"
#include "ledger/bank/queries.h"
#include "temporary_folder.h"
#include "test_chain.h"

namespace starling::consensus {
namespace {

namespace fs = std::filesystem;
using base::ErrorCode;

std::unique_ptr<Embedded> open(const fs::path& home, EmbeddedOptions options = quick_options()) {
  auto chain = Embedded::open(home, test_genesis(), orderer_key(), std::move(options));
  if (!chain.ok()) {
    ADD_FAILURE() << chain.error().message;
    return nullptr;
  }
  return *std::move(chain);
}

// Reports of a child: which account's transaction of which nonce was answered.
std::uint64_t report_of(std::uint64_t account, std::uint64_t nonce) { return (nonce << 8U) | account; }

// Sends transfers from several accounts at once without end, and reports what was answered. Now and then one is sent
// again, as by a client that did not hear the answer.
const ChildBody kTransfers("Transfers", [](const ChildArguments& given) {
  EmbeddedOptions options = quick_options();
  options.log_file_bytes = 20'000;
  options.unwritten_leaves = 100;
  const auto chain = open(given.at(0), options);
  ASSERT_NE(chain, nullptr);
  std::vector<std::thread> senders;
  for (std::uint64_t account = 0; account < 3; ++account) {
    senders.emplace_back([&chain, account] {
      const base::SecretKey key = test_key(account);
      std::uint64_t nonce = ledger::bank::account(**chain->view(), key.address())->nonce;
      for (std::vector<ledger::ReadTransaction> again;;) {
        std::vector<ledger::ReadTransaction> batch = again;
        const std::uint64_t count = nonce % 3 + 1;
        for (std::uint64_t i = 0; i < count; ++i) {
          batch.push_back(transfer(key, nonce + i, test_key((nonce + i) % 8).address(), nonce % 5));
        }
        again.assign(batch.end() - 1, batch.end());
        const auto results = chain->submit(std::move(batch));
        if (!results.ok()) std::abort();
        for (const Submitted& result : *results) {
          if (result.height == 0) std::abort();
        }
        nonce += count;
        Child::report(report_of(account, nonce - 1));
      }
    });
  }
  for (std::thread& sender : senders) sender.join();
});

class ConsensusFaultsTest : public FolderTest {
 protected:
  // Blocks of one transfer each.
  void make_blocks(const fs::path& home, std::uint64_t count) {
    const auto chain = open(home);
    ASSERT_NE(chain, nullptr);
    const base::SecretKey key = test_key(0);
    std::uint64_t nonce = ledger::bank::account(**chain->view(), key.address())->nonce;
    for (std::uint64_t i = 0; i < count; ++i) {
      ASSERT_TRUE(chain->submit({transfer(key, nonce++, test_key(1).address(), 1)}).ok());
    }
  }
  // The highest nonce of each account that was answered.
  static void note(std::map<std::uint64_t, std::uint64_t>& answered, std::uint64_t report) {
    answered[report & 255U] = report >> 8U;
  }
  void expect_nothing_lost(const Embedded& chain, const std::map<std::uint64_t, std::uint64_t>& answered) {
    for (const auto& [account, nonce] : answered) {
      EXPECT_GT(ledger::bank::account(**chain.view(), test_key(account).address())->nonce, nonce)
          << "an answered transaction is lost";
    }
  }
};

// STARLING_TEST_KILLS sets how many times (15 when it is unset).
TEST_F(ConsensusFaultsTest, SurvivesKillsAtAnyInstant) {
  const char* const wanted = std::getenv("STARLING_TEST_KILLS");
  const int kills = wanted == nullptr ? 15 : std::atoi(wanted);
  std::mt19937_64 random(12);
  auto auditor = std::make_unique<Auditor>();
  std::map<std::uint64_t, std::uint64_t> answered;
  std::uint64_t blocks = 0;
  for (int i = 0; i < kills && !HasFailure(); ++i) {
    // Now and then from the beginning, so that kills hit the making of the folder as well.
    if (i % 16 == 0) {
      fs::remove_all(folder_);
      blocks += auditor->height();
      auditor = std::make_unique<Auditor>();
      answered.clear();
    }
    // And now and then with a state that a power failure set back: to nothing, or to the last one that was flushed.
    if (random() % 8 == 0) fs::remove_all(folder_ / "state");
    Child child("Transfers", {folder_});
    if (random() % 4 != 0) {
      if (const auto first = child.next_report()) note(answered, *first);
    }
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 40'000));
    child.kill();
    for (const std::uint64_t report : child.reports()) note(answered, report);
    ASSERT_EQ(child.wait(), 128 + SIGKILL);
    const auto chain = open(folder_);
    ASSERT_NE(chain, nullptr);
    auditor->audit(*chain);
    expect_nothing_lost(*chain, answered);
  }
  std::printf("%d kills, %llu blocks\n", kills, static_cast<unsigned long long>(blocks + auditor->height()));
}

TEST_F(ConsensusFaultsTest, AStateBehindTheLogCatchesUp) {
  const fs::path home = folder_ / "home";
  make_blocks(home, 3);
  fs::copy(home / "state", folder_ / "older", fs::copy_options::recursive);
  make_blocks(home, 4);
  const SignedHeader last = **open(home)->header(7);
  fs::remove_all(home / "state");
  fs::rename(folder_ / "older", home / "state");
  {
    const auto chain = open(home);
    ASSERT_NE(chain, nullptr);
    EXPECT_EQ(chain->height(), 7U);
    EXPECT_EQ(**chain->header(7), last);
    Auditor().audit(*chain);
  }
  // Without any state it is made from the genesis, which the folder keeps.
  fs::remove_all(home / "state");
  const auto chain = Embedded::open(home, std::nullopt, orderer_key(), quick_options());
  ASSERT_TRUE(chain.ok()) << chain.error().message;
  EXPECT_EQ(**(*chain)->header(7), last);
  Auditor().audit(**chain);
}

TEST_F(ConsensusFaultsTest, AStateAheadOfTheLogIsAnError) {
  make_blocks(folder_, 3);
  const fs::path log = folder_ / "blocks" / "00000000000000000001.blocks";
  const auto size = fs::file_size(log);
  for (const std::uintmax_t kept : {size - 1, size / 2}) {
    fs::resize_file(log, kept);
    const auto chain = Embedded::open(folder_, std::nullopt, orderer_key(), quick_options());
    ASSERT_FALSE(chain.ok());
    EXPECT_EQ(chain.error().code, ErrorCode::kCorrupt) << chain.error().message;
  }
  fs::remove_all(folder_ / "blocks");
  const auto chain = Embedded::open(folder_, std::nullopt, orderer_key(), quick_options());
  ASSERT_FALSE(chain.ok());
  EXPECT_NE(chain.error().message.find("is missing"), std::string::npos);
}

TEST_F(ConsensusFaultsTest, AHomeBelongsToOneProcessAndOneGenesis) {
  const auto chain = open(folder_);
  const auto second = Embedded::open(folder_, std::nullopt, orderer_key(), quick_options());
  ASSERT_FALSE(second.ok());
  EXPECT_NE(second.error().message.find("in use"), std::string::npos);
  const auto elsewhere = Embedded::open(folder_ / "none", std::nullopt, orderer_key(), quick_options());
  ASSERT_FALSE(elsewhere.ok());
  EXPECT_EQ(elsewhere.error().code, ErrorCode::kNotFound);
}

TEST_F(ConsensusFaultsTest, AnotherGenesisIsAnError) {
  make_blocks(folder_, 1);
  const auto chain = Embedded::open(folder_, test_genesis(3), orderer_key(), quick_options());
  ASSERT_FALSE(chain.ok());
  EXPECT_EQ(chain.error().code, ErrorCode::kInvalidArgument);
}

// Sends until a file would grow beyond the limit, as on a full disk. What is sent fills the log faster than the state,
// or the other way round.
void fill_the_disk(const std::string& folder, bool log_first) {
  EmbeddedOptions options = quick_options();
  const auto chain = open(folder, options);
  ASSERT_NE(chain, nullptr);
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &limit), 0);
  const rlimit before = limit;
  limit.rlim_cur = 300'000;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
  const base::SecretKey key = test_key(0);
  // Taken by somebody else from the second time on: paid for, and nothing of it in the state.
  const ledger::models::RegisterModel taken{base::sha256({}), "model", 100,
                                            std::vector<std::string>(8, std::string(250, 'x'))};
  const ledger::bank::Transfer small{test_key(1).address(), 1};
  for (std::uint64_t nonce = 0; nonce < 3000; ++nonce) {
    const auto message = log_first ? ledger::Message(taken) : ledger::Message(small);
    const auto sent = signed_message(key, nonce, message, 100'000);
    const auto result = chain->submit({sent});
    if (result.ok()) {
      ASSERT_GT(result->front().height, 0U);
      Child::report(report_of(0, nonce));
      continue;
    }
    EXPECT_EQ(result.error().code, ErrorCode::kIo) << result.error().message;
    EXPECT_EQ(chain->height(), nonce);
    EXPECT_EQ(ledger::bank::account(**chain->view(), key.address())->nonce, nonce);
    EXPECT_FALSE(chain->submit({sent}).ok());
    EXPECT_TRUE((*chain->block(nonce)).has_value());
    // Once there is room the log takes blocks again; a state that failed needs a new start.
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
    const auto after = chain->submit({sent});
    EXPECT_EQ(after.ok(), log_first);
    if (after.ok()) Child::report(report_of(0, nonce));
    return;
  }
  FAIL() << "the disk was never full";
}
const ChildBody kFillsTheDiskWithLog("FillsTheDiskWithLog",
                                     [](const ChildArguments& given) { fill_the_disk(given.at(0), true); });
const ChildBody kFillsTheDiskWithState("FillsTheDiskWithState",
                                       [](const ChildArguments& given) { fill_the_disk(given.at(0), false); });

TEST_F(ConsensusFaultsTest, AFullDiskIsAnErrorAndDoesNoDamage) {
  for (const char* const name : {"FillsTheDiskWithLog", "FillsTheDiskWithState"}) {
    const fs::path home = folder_ / name;
    Child child(name, {home});
    std::map<std::uint64_t, std::uint64_t> answered;
    for (const std::uint64_t report : child.reports()) note(answered, report);
    EXPECT_EQ(child.wait(), 0);
    ASSERT_FALSE(answered.empty());
    const auto chain = open(home);
    ASSERT_NE(chain, nullptr);
    Auditor().audit(*chain);
    expect_nothing_lost(*chain, answered);
    const std::uint64_t nonce = ledger::bank::account(**chain->view(), test_key(0).address())->nonce;
    EXPECT_LE(nonce, answered[0] + 2);
    EXPECT_TRUE(chain->submit({transfer(test_key(0), nonce, test_key(1).address(), 1)}).ok());
  }
}

}  // namespace
}  // namespace starling::consensus
