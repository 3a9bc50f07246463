// A provider that is killed in every state of its tasks loses nothing and does nothing twice.
#include <csignal>
#include <map>
#include <random>

#include "child.h"
#include "ledger/transaction.h"
#include "test_network.h"

namespace starling::node {
namespace {

namespace market = ledger::market;
using market::PartState;

// Home, gateway, model, port.
const ChildBody kProvider("Provider", [](const ChildArguments& given) {
  const auto port = static_cast<std::uint16_t>(std::stoi(given.at(3)));
  const TestProvider provider(given.at(0), given.at(1), kPia, given.at(2), nullptr, port);
  ::pause();
});

class Kill : public testing::Test {
 protected:
  Kill() {
    // A port that is the provider's from one life to the next: free now, and none that the system gives to others.
    std::random_device random;
    do {
      port_ = static_cast<std::uint16_t>(15'000 + random() % 15'000);
    } while (!api::Server::start({}, {.port = port_}).ok());
    gateway.chain().after = [this](const ledger::Transaction& transaction) {
      if (transaction.from == test_key(kPia).address()) ++landed_[ledger::message_name(transaction.message)];
    };
  }

  void live() {
    provider_.emplace("Provider", ChildArguments{(temporary / "pia").string(), gateway.url(),
                                                 test_model().folder.string(), std::to_string(port_)});
  }
  void die() {
    if (!provider_.has_value()) return;
    provider_->kill();
    provider_->wait();
    provider_.reset();
  }
  // Kills the provider when it sends such a message, which then reaches the ledger or is lost.
  void kill_at(const std::string& message, bool lands) {
    const std::scoped_lock lock(gateway.chain().mutex);
    killed = false;
    awaited_ = lands ? message : "";
    awaited_count_ = landed_[message] + 1;
    gateway.chain().before = [this, message, lands](const ledger::Transaction& transaction) {
      if (killed || transaction.from != test_key(kPia).address() ||
          ledger::message_name(transaction.message) != message)
        return true;
      provider_->kill();
      killed = true;
      return lands;
    };
  }
  void expect_killed(const std::string& when) {
    ASSERT_TRUE(gateway.wait_until([&] { return killed.load(); })) << when;
    die();
    // What reached the ledger is in a block before the next life looks.
    if (!awaited_.empty()) {
      ASSERT_TRUE(gateway.wait_until([&] { return landed(awaited_) >= awaited_count_; })) << when;
    }
    live();
  }

  int landed(const std::string& message) {
    const std::scoped_lock lock(gateway.chain().mutex);
    return landed_[message];
  }

  TemporaryFolder temporary;
  TestGateway gateway{temporary.path(), test_model().root};
  std::atomic<bool> killed = false;
  std::map<std::string, int> landed_;  // of the provider's messages
  std::string awaited_;                // that lands though its sender is dead
  int awaited_count_ = 0;
  std::uint16_t port_ = 0;
  std::optional<Child> provider_;
};

TEST_F(Kill, WhileItRegisters) {
  live();
  for (const char* message : {"RegisterProvider", "AddStake", "ReportBenchmark"}) {
    for (const bool lands : {false, true}) {
      if (landed(message) > 0) continue;
      kill_at(message, lands);
      expect_killed(message);
    }
  }
  ASSERT_TRUE(gateway.wait_until_ready(kPia));
  for (const char* message : {"RegisterProvider", "AddStake", "ReportBenchmark"}) {
    EXPECT_TRUE(gateway.wait_until([&] { return landed(message) == 1; })) << message << landed(message);
  }
  EXPECT_EQ(gateway.provider(test_key(kPia).address()).stake, 20 * kCredit);
  gateway.expect_conserved();
}

TEST_F(Kill, InEveryStateOfATask) {
  live();
  ASSERT_TRUE(gateway.wait_until_ready(kPia));
  TestRequester ann(temporary / "ann", gateway.url(), kAnn);
  const Order asked = order_of({small_request(20)});
  const ledger::Motes price = *market::part_price(priced_work(asked.parts[0].job->program().work()), 1'000'000'000);
  const ledger::Motes owner = gateway.balance(test_key(9).address());
  int tasks = 0;
  for (const char* message : {"ClaimTask", "CommitResult", "RevealResult"}) {
    for (const bool lands : {false, true}) {
      const std::string when = std::string(message) + (lands ? " landed" : " was lost");
      kill_at(message, lands);
      const auto task = ann->submit(asked, {kCredit, 20'000, 60'000});
      ASSERT_TRUE(task.ok()) << task.error().message;
      expect_killed(when);
      ++tasks;
      bool delivered = false;
      const auto lost = ann->collect(*task, asked, [&](const Delivery&) -> base::Status {
        delivered = true;
        return {};
      });
      ASSERT_TRUE(lost.ok()) << when << ": " << lost.error().message;
      EXPECT_TRUE(delivered) << when;
      ASSERT_TRUE(gateway.wait_until_settled(*task, 1)) << when;
      const market::Part part = gateway.part(*task, 0);
      EXPECT_EQ(part.state, PartState::kPaid) << when;
      EXPECT_EQ(part.attempts, 0U) << when;
      for (const char* each : {"ClaimTask", "CommitResult", "RevealResult"})
        EXPECT_EQ(landed(each), tasks) << each << " when " << when;
      EXPECT_EQ(gateway.balance(test_key(9).address()), owner + static_cast<ledger::Motes>(tasks) * (price / 10));
      gateway.expect_conserved();
    }
  }
}

TEST_F(Kill, WhileItRunsItGoesOnFromItsJournal) {
  live();
  ASSERT_TRUE(gateway.wait_until_ready(kPia));
  TestRequester ann(temporary / "ann", gateway.url(), kAnn);
  generate::TextToVideo slow = small_request(250);
  slow.width = 128;
  slow.height = 64;
  const Order asked = order_of({slow});
  const auto task = ann->submit(asked, {kCredit, 20'000, 60'000});
  ASSERT_TRUE(task.ok()) << task.error().message;
  const auto calls = [&]() -> std::uint32_t {
    const auto progress = ann->progress({*task, 0, gateway.part(*task, 0)});
    return progress.ok() && progress->state == "running" ? progress->calls_done : 0;
  };
  for (const std::uint32_t goal : {10U, 40U, 80U}) {
    ASSERT_TRUE(gateway.wait_until([&] { return calls() >= goal; })) << goal;
    die();
    live();
    std::uint32_t now = 0;
    ASSERT_TRUE(gateway.wait_until([&] { return (now = calls()) > 0; }));
    EXPECT_GE(now, goal) << "it began anew";
  }
  ASSERT_TRUE(gateway.wait_until_settled(*task, 1));
  EXPECT_EQ(gateway.part(*task, 0).state, PartState::kPaid);
  const auto delivery = ann->fetch(asked.parts[0], {*task, 0, gateway.part(*task, 0)});
  ASSERT_TRUE(delivery.ok()) << delivery.error().message;
  gateway.expect_conserved();
}

TEST_F(Kill, WhileItsTaskIsCancelledWhatWasDoneIsReported) {
  live();
  ASSERT_TRUE(gateway.wait_until_ready(kPia));
  TestRequester ann(temporary / "ann", gateway.url(), kAnn);
  const Order asked = order_of({small_request(1000)});
  const auto task = ann->submit(asked, {kCredit, 20'000, 60'000});
  ASSERT_TRUE(task.ok()) << task.error().message;
  ASSERT_TRUE(gateway.wait_until([&] {
    const auto progress = ann->progress({*task, 0, gateway.part(*task, 0)});
    return progress.ok() && progress->calls_done > 20;
  }));
  die();
  ASSERT_TRUE(ann->cancel(*task).ok());
  live();
  ASSERT_TRUE(gateway.wait_until_settled(*task, 1));
  const market::Part part = gateway.part(*task, 0);
  EXPECT_EQ(part.state, PartState::kPartlyPaid);
  EXPECT_GT(part.calls, 20U);
  gateway.expect_conserved();
}

}  // namespace
}  // namespace starling::node
