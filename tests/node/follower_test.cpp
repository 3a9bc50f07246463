// Copies of a chain that another node orders: read here, handed on from here, and believed only as far as they hold.
#include "node/follower.h"

#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "api/server.h"
#include "base/encoding.h"
#include "ledger/bank/queries.h"
#include "ledger/bank/state.h"
#include "test_network.h"

namespace starling::node {
namespace {

using consensus::Block;
using consensus::Height;
using std::chrono::milliseconds;

class FollowerTest : public FolderTest {
 protected:
  FollowerTest() : gateway_(folder_ / "gateway", test_model().root) {}

  FollowerOptions options(const std::string& upstream) const {
    FollowerOptions options;
    options.home = folder_ / "copy";
    options.upstream = upstream;
    options.threads = 1;
    return options;
  }
  base::Result<std::unique_ptr<Follower>> follow(FollowerOptions options) {
    return Follower::start(std::move(options), http_, metrics_);
  }
  std::unique_ptr<Follower> follow() {
    auto follower = follow(options(gateway_.url()));
    if (follower.ok()) return *std::move(follower);
    ADD_FAILURE() << follower.error().message;
    return nullptr;
  }
  static ledger::ReadTransaction transfer(std::uint64_t nonce, std::uint64_t motes = 1) {
    ledger::Transaction transaction;
    transaction.chain_id = 7001;
    transaction.nonce = nonce;
    transaction.fee = 1'000'000;
    transaction.message = ledger::bank::Transfer{test_key(2).address(), motes};
    ledger::sign_transaction(transaction, test_key(1));
    return *ledger::read_transaction(ledger::encode_transaction(transaction));
  }
  static bool reaches(const consensus::Chain& chain, Height height) {
    for (int i = 0; i < 100 && chain.height() < height; ++i) chain.wait(chain.height(), milliseconds(50));
    return chain.height() >= height;
  }

  TestGateway gateway_;
  HttpClient http_;
  base::Metrics metrics_;
};

TEST_F(FollowerTest, WhatIsHandedOnIsReadFromTheCopyAtOnce) {
  const auto follower = follow();
  ASSERT_NE(follower, nullptr);
  EXPECT_EQ(follower->orderer(), test_key(10).address());
  const auto results = follower->submit({transfer(0, 5), transfer(1, 2000 * kCredit), transfer(0, 5), transfer(7)});
  ASSERT_TRUE(results.ok()) << results.error().message;
  ASSERT_EQ(results->size(), 4U);
  EXPECT_GT(results->at(0).height, 0U);
  EXPECT_FALSE(results->at(0).outcome.fault.has_value());
  EXPECT_FALSE(results->at(0).outcome.events.empty());
  EXPECT_EQ(results->at(1).outcome.fault, ledger::Fault::kBalanceTooLow);
  EXPECT_EQ(results->at(2).height, results->at(0).height);  // the same bytes: done once
  EXPECT_EQ(results->at(3).height, 0U);
  EXPECT_EQ(results->at(3).outcome.fault, ledger::Fault::kNonceAhead);
  const auto view = *follower->view();
  EXPECT_EQ(ledger::bank::account(*view, test_key(2).address())->motes, 1000 * kCredit + 5);
  // What it proves is what the orderer signed.
  const auto key = ledger::bank::account_key(test_key(2).address());
  const auto proven = *view->prove(key);
  ASSERT_TRUE(proven.value.has_value());
  EXPECT_TRUE(
      consensus::verify_state_proof(view->header(), test_key(10).address(), key, *proven.value, proven.proof).ok());
  // And what others do comes by itself.
  ASSERT_TRUE(gateway_.chain().submit({transfer(2)}).ok());
  EXPECT_TRUE(reaches(*follower, gateway_.chain().height()));
}

// Those that wait for others wait here, and hold up nobody.
TEST_F(FollowerTest, WhatIsAheadWaitsForWhatComesBefore) {
  const auto follower = follow();
  ASSERT_NE(follower, nullptr);
  std::vector<std::future<consensus::OrderResult>> waiting;
  const auto order = [&](std::uint64_t nonce) {
    auto told = std::make_shared<std::promise<consensus::OrderResult>>();
    waiting.push_back(told->get_future());
    follower->order({transfer(nonce)}, {"somebody"},
                    [told](consensus::OrderResult result) { told->set_value(std::move(result)); });
  };
  for (std::uint64_t nonce = 1; nonce <= 50; ++nonce) order(nonce);
  order(1'000);
  std::this_thread::sleep_for(milliseconds(100));
  EXPECT_EQ(follower->height(), 0U);
  // What comes before them comes through another node.
  ASSERT_TRUE(gateway_.chain().submit({transfer(0)}).ok());
  for (std::size_t i = 0; i < 50; ++i) {
    const consensus::OrderResult result = waiting[i].get();
    ASSERT_TRUE(result.ok()) << result.error().message;
    EXPECT_FALSE(result->front().outcome.fault.has_value()) << i;
  }
  const consensus::OrderResult last = waiting.back().get();
  ASSERT_TRUE(last.ok()) << last.error().message;
  EXPECT_EQ(last->front().outcome.fault, ledger::Fault::kNonceAhead);
  // One that will not wait is told at once, and one that waits is told when the node stops.
  const auto at_once = follower->submit({transfer(60)}, {"somebody", false});
  ASSERT_TRUE(at_once.ok());
  EXPECT_EQ(at_once->front().outcome.fault, ledger::Fault::kNonceAhead);
  order(70);
  follower->stop();
  EXPECT_FALSE(waiting.back().get().ok());
}

TEST_F(FollowerTest, ItGoesOnWhenTheOtherNodeIsBack) {
  ASSERT_TRUE(gateway_.chain().submit({transfer(0)}).ok());
  {
    const auto follower = follow();
    ASSERT_NE(follower, nullptr);
    EXPECT_EQ(follower->height(), gateway_.chain().height());
    gateway_.restart(milliseconds(300));
    ASSERT_TRUE(gateway_.chain().submit({transfer(1)}).ok());
    EXPECT_TRUE(reaches(*follower, 2));
  }
  ASSERT_TRUE(gateway_.chain().submit({transfer(2)}).ok());
  {
    const auto again = follow();
    ASSERT_NE(again, nullptr);
    EXPECT_EQ(again->height(), 3U);
    EXPECT_EQ(**again->header(0), **gateway_.chain().header(0));
  }
  // A copy that is begun answers without the other; a new one cannot begin, and one of another orderer is refused.
  const auto alone = follow(options("http://127.0.0.1:1"));
  ASSERT_TRUE(alone.ok()) << alone.error().message;
  EXPECT_EQ((*alone)->height(), 3U);
  const auto nobody = (*alone)->submit({transfer(3)});
  ASSERT_FALSE(nobody.ok());
  EXPECT_EQ(nobody.error().code, base::ErrorCode::kIo) << nobody.error().message;
  FollowerOptions fresh = options("http://127.0.0.1:1");
  fresh.home = folder_ / "fresh";
  EXPECT_FALSE(follow(fresh).ok());
  fresh.upstream = gateway_.url();
  fresh.orderer = test_key(3).address();
  const auto stranger = follow(fresh);
  ASSERT_FALSE(stranger.ok());
  EXPECT_NE(stranger.error().message.find(test_key(3).address().text()), std::string::npos) << stranger.error().message;
}

TEST_F(FollowerTest, StopEndsWhatWaits) {
  const auto follower = follow();
  ASSERT_NE(follower, nullptr);
  const auto begun = std::chrono::steady_clock::now();
  std::thread waiting([&] { follower->wait(follower->height(), milliseconds(20'000)); });
  std::this_thread::sleep_for(milliseconds(50));
  follower->stop();
  waiting.join();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, milliseconds(10'000));
  EXPECT_FALSE(follower->submit({transfer(0)}).ok());
  EXPECT_TRUE(follower->view().ok());
}

// A node that has the gateway's chain, but for what a test changes.
class Liar {
 public:
  explicit Liar(TestGateway& gateway) : gateway_(gateway) {
    api::Router router;
    for (const char* path : {"/v1/genesis", "/v1/blocks/{height}/header"}) {
      router.add(api::get_on_worker(path, [this](const api::Request& request) { return pass(request); }));
    }
    router.add(api::get_on_worker("/v1/status", [this](const api::Request& request) { return pass(request); }));
    router.add(api::get_on_worker("/v1/wait", [this](const api::Request&) {
      std::this_thread::sleep_for(milliseconds(20));
      return api::text_response(
          R"({"height":")" + std::to_string(gateway_.chain().height()) + R"(","time":"0","head":""})",
          "application/json");
    }));
    router.add(api::get_on_worker("/v1/blocks", [this](const api::Request& request) {
      std::string bytes;
      for (Height at = *request.query_u64("after", 0, 1'000); at < gateway_.chain().height();) {
        base::Encoder encoder;
        encoder.bytes(change(**gateway_.chain().block(++at)));
        bytes.append(encoder.data().begin(), encoder.data().end());
      }
      ++asked;
      return api::text_response(bytes, "application/octet-stream");
    }));
    server_ = *api::Server::start(std::move(router), {});
  }
  ~Liar() { server_->stop(); }
  const std::string& url() const { return server_->url(); }

  std::function<base::Bytes(Block)> change;
  std::atomic<int> asked = 0;

 private:
  api::Response pass(const api::Request& request) {
    const auto reply = http_.get(gateway_.url() + request.path);
    return reply.ok() ? api::text_response(reply->body, "application/json") : api::error_response(reply.error());
  }
  TestGateway& gateway_;
  HttpClient http_;
  std::unique_ptr<api::Server> server_;
};

TEST_F(FollowerTest, BlocksThatDoNotHoldAreNotTaken) {
  ASSERT_TRUE(gateway_.chain().submit({transfer(0, 5)}).ok());
  Liar liar(gateway_);
  const auto sealed = [](Block block, std::uint8_t key) {
    block.header = consensus::sign_header(block.header.header, test_key(key));
    return consensus::encode_block(block);
  };
  const std::vector<std::function<base::Bytes(Block)>> lies = {
      [&](const Block& block) { return sealed(block, 3); },  // somebody else orders
      [&](Block block) {                                     // another state
        block.header.header.state_root.bytes[0] ^= 1;
        return sealed(block, 10);
      },
      [&](Block block) {  // another outcome
        if (!block.outcomes.empty()) block.outcomes[0].fee += 1;
        return consensus::encode_block(block);
      },
      [&](Block block) {  // nobody signed this transaction
        if (!block.transactions.empty()) block.transactions[0][30] ^= 1;
        return consensus::encode_block(block);
      },
      [](const Block&) { return base::Bytes(100, 7); },
  };
  // Nothing of it is taken at the start...
  for (const auto& lie : lies) {
    liar.change = lie;
    FollowerOptions fresh = options(liar.url());
    fresh.home = folder_ / "fresh";
    EXPECT_FALSE(follow(fresh).ok());
  }
  // ...nor later, when what was known still holds and is answered.
  liar.change = [](const Block& block) { return consensus::encode_block(block); };
  auto follower = follow(options(liar.url()));
  ASSERT_TRUE(follower.ok()) << follower.error().message;
  EXPECT_EQ((*follower)->height(), 1U);
  follower->reset();
  for (const auto& lie : lies) {
    liar.change = [](const Block& block) { return consensus::encode_block(block); };
    follower = follow(options(liar.url()));
    ASSERT_TRUE(follower.ok()) << follower.error().message;
    const Height before = (*follower)->height();
    liar.change = lie;
    liar.asked = 0;
    ASSERT_TRUE(gateway_.chain().submit({transfer(before)}).ok());
    for (int i = 0; i < 200 && liar.asked < 2; ++i) std::this_thread::sleep_for(milliseconds(20));
    EXPECT_GE(liar.asked.load(), 2);
    EXPECT_EQ((*follower)->height(), before);
    EXPECT_EQ(ledger::bank::account(**(*follower)->view(), test_key(2).address())->motes,
              1000 * kCredit + 5 + before - 1);
    follower->reset();
  }
}

}  // namespace
}  // namespace starling::node
