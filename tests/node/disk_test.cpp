// A provider whose disk is full.
#include <sys/resource.h>

#include <csignal>

#include "child.h"
#include "test_network.h"

namespace starling::node {
namespace {

namespace market = ledger::market;
using market::PartState;

constexpr std::uint8_t kPam = 4;

TEST(Disk, AProviderBidsForNothingThatItHasNoRoomFor) {
  const TemporaryFolder temporary;
  TestGateway gateway{temporary.path(), test_model().root};
  const TestProvider pia(temporary / "pia", gateway.url(), kPia, test_model().folder, [](ProviderOptions& options) {
    options.spare_disk_mebibytes = (*base::free_bytes("/") >> 20U) + (std::uint64_t{1} << 20U);
  });
  ASSERT_TRUE(gateway.wait_until_ready(kPia));
  TestRequester ann(temporary / "ann", gateway.url(), kAnn);
  const auto task = ann->submit(order_of({small_request(20)}), {kCredit, 20'000, 60'000});
  ASSERT_TRUE(task.ok()) << task.error().message;
  EXPECT_FALSE(gateway.wait_until([&] { return gateway.part(*task, 0).state != PartState::kOpen; },
                                  std::chrono::milliseconds(1500)));
  const TestProvider pam(temporary / "pam", gateway.url(), kPam, test_model().folder);
  ASSERT_TRUE(gateway.wait_until_settled(*task, 1));
  const market::Part part = gateway.part(*task, 0);
  EXPECT_EQ(part.state, PartState::kPaid);
  EXPECT_EQ(part.provider, test_key(kPam).address());
  gateway.expect_conserved();
}

// Home, gateway, model. Its writes fail when its files may not grow.
const ChildBody kProviderOnADisk("ProviderOnADisk", [](const ChildArguments& given) {
  std::signal(SIGXFSZ, SIG_IGN);
  const TestProvider provider(given.at(0), given.at(1), kPia, given.at(2));
  ::pause();
});

TEST(Disk, AProviderWhoseDiskFillsUpPaysAndAnotherGoesOn) {
  const TemporaryFolder temporary;
  TestGateway gateway{temporary.path(), test_model().root};
  Child pia("ProviderOnADisk", {(temporary / "pia").string(), gateway.url(), test_model().folder.string()});
  ASSERT_TRUE(gateway.wait_until_ready(kPia));
  TestRequester ann(temporary / "ann", gateway.url(), kAnn);
  generate::TextToVideo slow = small_request(250);
  slow.width = 128;
  slow.height = 64;
  const Order asked = order_of({slow});
  const auto task = ann->submit(asked, {kCredit, 6'000, 60'000});
  ASSERT_TRUE(task.ok()) << task.error().message;
  ASSERT_TRUE(gateway.wait_until([&] { return gateway.part(*task, 0).state == PartState::kHeld; }));
  const rlimit full{0, 0};
  ASSERT_EQ(::prlimit(pia.id(), RLIMIT_FSIZE, &full, nullptr), 0);
  const auto wealth = [&] {
    const base::Address address = test_key(kPia).address();
    return gateway.balance(address) + gateway.provider(address).stake;
  };
  const ledger::Motes before = wealth();
  const TestProvider pam(temporary / "pam", gateway.url(), kPam, test_model().folder);
  ASSERT_TRUE(gateway.wait_until_settled(*task, 1));
  const market::Part part = gateway.part(*task, 0);
  EXPECT_EQ(part.state, PartState::kPaid);
  EXPECT_EQ(part.provider, test_key(kPam).address());
  EXPECT_EQ(gateway.provider(test_key(kPia).address()).late, 1U);
  EXPECT_LT(wealth(), before - kCredit / 2) << "the penalty, and the fee for topping up its stake";
  pia.kill();
  EXPECT_EQ(pia.wait(), 128 + SIGKILL) << "it ended of itself";
  gateway.expect_conserved();
}

}  // namespace
}  // namespace starling::node
