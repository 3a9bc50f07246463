// Accounts whose key several programs use, and gateways that do not answer.
#include <thread>

#include "test_network.h"

namespace starling::node {
namespace {

class AccountTest : public testing::Test {
 protected:
  TemporaryFolder temporary;
  TestGateway gateway{temporary.path(), test_model().root};
};

// Each account is as a process of its own: it knows nothing of the other's nonces.
TEST_F(AccountTest, ProgramsThatShareALockNeverSignTheSameTransaction) {
  constexpr int kRounds = 24;
  constexpr std::size_t kPrograms = 4;
  const base::SecretKey key = test_key(kAnn);
  const base::Address bob = test_key(kBob).address();
  const ledger::Motes before = gateway.balance(bob);
  std::vector<std::jthread> programs;
  for (std::size_t i = 0; i < kPrograms; ++i) {
    programs.emplace_back([&] {
      HttpClient http;
      const LedgerClient ledger(http, gateway.url());
      for (int round = 0; round < kRounds; ++round) {
        Account account(ledger, key, std::chrono::seconds(30), temporary / "sending.lock");
        const auto sent = account.carry_out(ledger::bank::Transfer{bob, 1});
        EXPECT_TRUE(sent.ok()) << sent.error().message;
      }
    });
  }
  programs.clear();
  EXPECT_EQ(gateway.balance(bob), before + kPrograms * kRounds);
}

TEST_F(AccountTest, SaysWhenItIsNotKnownWhatBecameOfAMessage) {
  const base::SecretKey key = test_key(kAnn);
  HttpClient http;
  const LedgerClient ledger(http, gateway.url());
  Account account(ledger, key, std::chrono::milliseconds(50));
  {
    const std::scoped_lock lock(gateway.chain().mutex);
    gateway.chain().before = [](const ledger::Transaction&) { return false; };
  }
  const auto sent = account.carry_out(ledger::bank::Transfer{test_key(kBob).address(), 1});
  ASSERT_FALSE(sent.ok());
  EXPECT_NE(sent.error().message.find("may yet be done"), std::string::npos) << sent.error().message;
}

TEST_F(AccountTest, DoesNotSendWithoutItsLock) {
  const base::SecretKey key = test_key(kAnn);
  HttpClient http;
  const LedgerClient ledger(http, gateway.url());
  const ledger::Motes before = gateway.balance(key.address());
  Account account(ledger, key, std::chrono::seconds(1), temporary / "no folder" / "sending.lock");
  EXPECT_FALSE(account.carry_out(ledger::bank::Transfer{test_key(kBob).address(), 1}).ok());
  EXPECT_EQ(gateway.balance(key.address()), before);
}

}  // namespace
}  // namespace starling::node
