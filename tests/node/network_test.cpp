// Providers and requesters on a real chain behind a real server, with a model of some thousand parameters.
#include "generate/random_model.h"
#include "test_network.h"

namespace starling::node {
namespace {

namespace market = ledger::market;
using market::PartState;
using std::chrono::milliseconds;

constexpr std::uint8_t kAnn = 1;   // asks
constexpr std::uint8_t kPia = 3;   // provides
constexpr std::uint8_t kQuin = 4;  // provides
constexpr std::uint8_t kOwner = 9;

class Network : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto engine = exact::Engine::create({});
    ASSERT_TRUE(engine.ok()) << engine.error().message;
    const std::vector<std::string> sentences{"a red ball bounces on green ground", "a blue box slides to the left"};
    const auto made = generate::random_model(generate::RandomModelSize::kTiny, sentences, 3, *engine);
    ASSERT_TRUE(made.ok()) << made.error().message;
    ASSERT_TRUE(models::write_checkpoint(suite_folder() / "model", *made).ok());
    const auto opened = models::Checkpoint::open(suite_folder() / "model");
    ASSERT_TRUE(opened.ok());
    root() = *opened->root();
  }
  static const TemporaryFolder& suite_folder() {
    static const TemporaryFolder folder;
    return folder;
  }
  static std::filesystem::path model() { return suite_folder() / "model"; }
  static base::Hash& root() {
    static base::Hash root;
    return root;
  }
  static generate::TextToVideo request(std::int64_t steps = 4, std::uint64_t seed = 7) {
    generate::TextToVideo request;
    request.prompt = "a red ball bounces";
    request.width = 32;
    request.height = 16;
    request.frames = 9;
    request.steps = steps;
    request.seed = seed;
    return request;
  }
  static Order order(const std::vector<generate::TextToVideo>& requests) {
    const auto checkpoint = models::Checkpoint::open(model());
    auto order = prepare_order(*checkpoint, root(), requests);
    if (!order.ok()) base::halt(order.error().message.c_str());
    return *std::move(order);
  }
  static Terms terms(ledger::Motes max_price = kCredit, std::uint64_t deadline = 60'000) {
    return {max_price, 20'000, deadline};
  }
  // What the one right answer is.
  static std::vector<base::Hash> right_frames(const Order& order, std::size_t part) {
    auto engine = exact::Engine::create({});
    std::vector<base::Hash> hashes;
    generate::Listener listener;
    listener.after_call = [](std::uint32_t) -> base::Status { return {}; };
    listener.frame = [&](std::size_t, const video::FrameView& frame) -> base::Status {
      hashes.push_back(video::frame_hash(frame));
      return {};
    };
    EXPECT_TRUE(generate::run_video(*order.parts[part].job, *engine, listener).ok());
    return hashes;
  }
  bool settled(std::uint64_t task, std::uint32_t parts) {
    return gateway.wait_until([&] {
      for (std::uint32_t i = 0; i < parts; ++i) {
        if (!market::is_settled(gateway.part(task, i).state)) return false;
      }
      return true;
    });
  }
  void registered(std::uint8_t key) {
    ASSERT_TRUE(gateway.wait_until([&] {
      const market::Provider provider = gateway.provider(test_key(key).address());
      return provider.stake > 0 && provider.measured_at != 0;
    }));
  }

  TemporaryFolder temporary;
  TestGateway gateway{temporary.path(), root()};
};

TEST_F(Network, AVideoIsMadeCheckedAndPaid) {
  TestProvider pia(temporary / "pia", gateway.url(), kPia, model());
  registered(kPia);
  TestRequester ann(temporary / "ann", gateway.url(), kAnn);
  const Order asked = order({request()});
  const auto quote = ann->quote(asked);
  ASSERT_TRUE(quote.ok()) << quote.error().message;
  EXPECT_EQ(quote->providers, 1U);
  EXPECT_TRUE(quote->seconds.has_value());
  const ledger::Motes price = *market::part_price(quote->work_per_part, 1'000'000'000);
  EXPECT_EQ(quote->lowest_price, price);
  const ledger::Motes anns = gateway.balance(test_key(kAnn).address());
  const ledger::Motes owners = gateway.balance(test_key(kOwner).address());
  const auto start = std::chrono::steady_clock::now();
  const auto task = ann->submit(asked, terms());
  ASSERT_TRUE(task.ok()) << task.error().message;
  std::vector<base::Hash> frames;
  const auto lost = ann->collect(*task, asked, [&](const Delivery& delivery) -> base::Status {
    EXPECT_EQ(delivery.receipt.executor, test_key(kPia).address());
    return ann->each_frame(delivery, [&](std::size_t, const video::FrameView& frame) -> base::Status {
      frames.push_back(video::frame_hash(frame));
      return {};
    });
  });
  const auto elapsed = std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - start);
  ASSERT_TRUE(lost.ok()) << lost.error().message;
  EXPECT_EQ(*lost, 0U);
  EXPECT_EQ(frames, right_frames(asked, 0));
  RecordProperty("milliseconds", static_cast<int>(elapsed.count()));
  ASSERT_TRUE(settled(*task, 1));
  EXPECT_EQ(gateway.part(*task, 0).state, PartState::kPaid);
  EXPECT_EQ(gateway.balance(test_key(kOwner).address()), owners + price / 10);
  EXPECT_LT(gateway.balance(test_key(kAnn).address()), anns - price);
  EXPECT_EQ(gateway.provider(test_key(kPia).address()).done, 1U);
  gateway.expect_conserved();
}

TEST_F(Network, ABatchIsSplitAndJoined) {
  TestProvider pia(temporary / "pia", gateway.url(), kPia, model());
  TestProvider quin(temporary / "quin", gateway.url(), kQuin, model());
  registered(kPia);
  registered(kQuin);
  TestRequester ann(temporary / "ann", gateway.url(), kAnn);
  std::vector<generate::TextToVideo> requests;
  for (std::uint64_t seed = 0; seed < 10; ++seed) requests.push_back(request(20, seed));
  const Order asked = order(requests);
  const auto task = ann->submit(asked, terms());
  ASSERT_TRUE(task.ok()) << task.error().message;
  std::map<std::uint32_t, std::vector<base::Hash>> frames;
  std::map<base::Address, int> made;
  const auto lost = ann->collect(*task, asked, [&](const Delivery& delivery) -> base::Status {
    frames[delivery.part] = delivery.receipt.frames;
    ++made[delivery.receipt.executor];
    return {};
  });
  ASSERT_TRUE(lost.ok()) << lost.error().message;
  EXPECT_EQ(*lost, 0U);
  EXPECT_EQ(frames.size(), 10U);
  EXPECT_EQ(frames[3], right_frames(asked, 3));
  EXPECT_EQ(made.size(), 2U) << "both providers work";
  ASSERT_TRUE(settled(*task, 10));
  gateway.expect_conserved();
}

}  // namespace
}  // namespace starling::node
