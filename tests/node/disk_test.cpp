// A provider whose disk is full.
#include <csignal>

#include "base/process.h"
#include "small_disk.h"
#include "test_network.h"

namespace starling::node {
namespace {

namespace market = ledger::market;
using market::PartState;

constexpr std::uint8_t kAnn = 1;
constexpr std::uint8_t kPia = 3;
constexpr std::uint8_t kPam = 4;
constexpr std::uint64_t kDisk = std::uint64_t{64} << 20;
constexpr std::uint64_t kMebibyte = 1 << 20;
constexpr int kNoDisk = 77;  // exit code

// In a process of its own, with a small disk under its home, until it is killed.
TEST(ProviderProcess, DISABLED_OnASmallDisk) {
  const std::filesystem::path home = std::getenv("STARLING_TEST_HOME");
  if (!mount_small_disk(home, kDisk)) ::_exit(kNoDisk);
  const TestProvider provider(home, std::getenv("STARLING_TEST_GATEWAY"), kPia, std::getenv("STARLING_TEST_MODEL"));
  ::pause();
}

class Disk : public testing::Test {
 protected:
  void SetUp() override {
    const std::filesystem::path home = temporary / "pia";
    std::filesystem::create_directories(home);
    ::setenv("STARLING_TEST_HOME", home.c_str(), 1);
    ::setenv("STARLING_TEST_GATEWAY", gateway.url().c_str(), 1);
    ::setenv("STARLING_TEST_MODEL", test_model().folder.c_str(), 1);
    auto started = base::ChildProcess::start(
        {base::own_program()->string(), "--gtest_filter=ProviderProcess.DISABLED_OnASmallDisk",
         "--gtest_also_run_disabled_tests"},
        {});
    ASSERT_TRUE(started.ok()) << started.error().message;
    process_.emplace(*std::move(started));
    const bool ready = gateway.wait_until([&] {
      const market::Provider known = gateway.provider(test_key(kPia).address());
      return known.measured_at != 0 || process_->exit_code().has_value();
    });
    if (process_->exit_code() == kNoDisk) GTEST_SKIP() << "this system lets nobody mount a small disk";
    ASSERT_TRUE(ready);
    disk_.emplace(process_->id(), home);
  }
  ~Disk() override {
    if (process_) ::kill(process_->id(), SIGKILL);
  }

  ledger::Motes wealth() const {
    const base::Address pia = test_key(kPia).address();
    return gateway.balance(pia) + gateway.provider(pia).stake;
  }

  TemporaryFolder temporary;
  TestGateway gateway{temporary.path(), test_model().root};
  std::optional<base::ChildProcess> process_;
  std::optional<SmallDisk> disk_;
};

TEST_F(Disk, AProviderBidsForNothingThatItHasNoRoomFor) {
  disk_->fill(4 * kMebibyte);
  TestRequester ann(temporary / "ann", gateway.url(), kAnn);
  const auto task = ann->submit(order_of({small_request(20)}), {kCredit, 20'000, 60'000});
  ASSERT_TRUE(task.ok()) << task.error().message;
  EXPECT_FALSE(gateway.wait_until([&] { return gateway.part(*task, 0).state != PartState::kOpen; },
                                  std::chrono::milliseconds(1500)));
  disk_->empty();
  ASSERT_TRUE(gateway.wait_until_settled(*task, 1));
  EXPECT_EQ(gateway.part(*task, 0).state, PartState::kPaid);
  gateway.expect_conserved();
}

TEST_F(Disk, AProviderWhoseDiskFillsUpPaysAndAnotherGoesOn) {
  TestRequester ann(temporary / "ann", gateway.url(), kAnn);
  generate::TextToVideo slow = small_request(250);
  slow.width = 128;
  slow.height = 64;
  const Order asked = order_of({slow});
  const auto task = ann->submit(asked, {kCredit, 6'000, 60'000});
  ASSERT_TRUE(task.ok()) << task.error().message;
  ASSERT_TRUE(gateway.wait_until([&] { return gateway.part(*task, 0).state == PartState::kHeld; }));
  disk_->fill(0);
  const ledger::Motes before = wealth();
  const TestProvider pam(temporary / "pam", gateway.url(), kPam, test_model().folder);
  ASSERT_TRUE(gateway.wait_until_settled(*task, 1));
  const market::Part part = gateway.part(*task, 0);
  EXPECT_EQ(part.state, PartState::kPaid);
  EXPECT_EQ(part.provider, test_key(kPam).address());
  EXPECT_EQ(gateway.provider(test_key(kPia).address()).late, 1U);
  EXPECT_LT(wealth(), before - kCredit / 2) << "the penalty, and the fee for topping up its stake";
  // Its process is alive, and says so.
  EXPECT_FALSE(process_->exit_code().has_value());
  gateway.expect_conserved();
}

}  // namespace
}  // namespace starling::node
