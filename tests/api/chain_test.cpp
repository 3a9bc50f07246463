// Blocks over HTTP: shown, searched, copied and waited for.
#include <atomic>
#include <thread>

#include "base/encoding.h"
#include "consensus/test_accounts.h"
#include "ledger_server.h"

namespace starling::api {
namespace {

using consensus::test_key;

// A search ends after 3 blocks or 400 bytes of transactions.
TEST_F(LedgerEndpoints, SearchesTheBlocksABoundedStepAtATime) {
  for (std::uint64_t nonce = 0; nonce < 5; ++nonce) submit({transfer_bytes(0, nonce, 1, 5)});
  const std::string path = "/v1/events?account=" + test_key(1).address().text();
  Json page = get(path);
  EXPECT_EQ(page.find("entries")->elements().size(), 3U);
  EXPECT_EQ(*page.text("before"), "3");
  page = get(path + "&before=3");
  EXPECT_EQ(page.find("entries")->elements().size(), 2U);
  EXPECT_FALSE(page.has("before"));

  submit({transfer_bytes(0, 5, 1, 5)});
  std::vector<base::Bytes> large;
  for (std::uint64_t nonce = 6; nonce < 12; ++nonce) large.push_back(transfer_bytes(0, nonce, 1, 5));
  submit(large);
  page = get(path);
  EXPECT_EQ(page.find("entries")->elements().size(), 6U);
  EXPECT_EQ(*page.text("before"), "7");
}

TEST_F(LedgerEndpoints, ShowsBlocksAndStatus) {
  submit({transfer_bytes(0, 0, 1, 5)});
  submit({transfer_bytes(0, 1, 1, 5)});
  const Json status = get("/v1/status");
  EXPECT_EQ(*status.text("chain_id"), "7001");
  EXPECT_EQ(*status.text("height"), "2");
  EXPECT_EQ(*status.text("version"), "1.2.3");
  EXPECT_EQ(*status.text("fee_per_work"), "10");
  EXPECT_EQ(*status.text("orderer"), consensus::orderer_key().address().text());
  const Json latest = get("/v1/blocks/latest");
  EXPECT_EQ(*latest.text("hash"), *status.text("head"));
  EXPECT_EQ(latest.find("transactions")->elements().size(), 1U);
  EXPECT_EQ(get("/v1/blocks/2").to_text(), latest.to_text());
  const auto header = consensus::read_header_json(get("/v1/blocks/1/header"));
  ASSERT_TRUE(header.ok());
  EXPECT_EQ(header->header.height, 1U);
  EXPECT_EQ(get("/v1/blocks/latest/header").to_text(), get("/v1/blocks/2/header").to_text());
  EXPECT_EQ(ask("/v1/blocks/3").status, 404);
  EXPECT_EQ(ask("/v1/blocks/3/header").status, 404);
  EXPECT_EQ(ask("/v1/blocks/-1").status, 400);
  EXPECT_EQ(ask("/v1/blocks/18446744073709551616").status, 400);
}

TEST_F(LedgerEndpoints, GivesWhatACopyIsMadeOf) {
  for (std::uint64_t i = 0; i < 3; ++i) submit({transfer_bytes(0, i, 1, 5)});
  EXPECT_EQ(get("/v1/genesis").to_text(), consensus::test_genesis().to_text());
  const auto blocks = [&](const std::string& after) {
    const std::string body = ask("/v1/blocks?after=" + after).body;
    base::Decoder decoder(base::as_bytes(body));
    std::vector<std::uint64_t> heights;
    while (decoder.remaining() > 0 && decoder.ok()) {
      const auto block = consensus::decode_block(decoder.bytes(body.size()));
      EXPECT_TRUE(block.ok() && block->header == **chain_->header(block->header.header.height));
      heights.push_back(block->header.header.height);
    }
    return heights;
  };
  EXPECT_EQ(blocks("0"), (std::vector<std::uint64_t>{1, 2, 3}));
  EXPECT_EQ(blocks("2"), (std::vector<std::uint64_t>{3}));
  EXPECT_TRUE(blocks("3").empty());
  EXPECT_TRUE(blocks("18446744073709551615").empty());
  EXPECT_EQ(ask("/v1/blocks?after=-1").status, 400);
  std::filesystem::remove(folder_ / "chain" / "genesis.json");
  EXPECT_EQ(ask("/v1/genesis").status, 404);
}

TEST_F(LedgerEndpoints, LongPollsEndWithTheNextBlock) {
  EXPECT_EQ(*get("/v1/wait?after=0&timeout=0").text("height"), "0");
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_EQ(*get("/v1/wait?timeout=200").text("height"), "0");
  EXPECT_GE(std::chrono::steady_clock::now() - begun, milliseconds(190));
  EXPECT_EQ(ask("/v1/wait?timeout=30001").status, 400);
  EXPECT_EQ(ask("/v1/wait?after=x").status, 400);
  std::atomic<int> woken = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 20; ++i) {
    threads.emplace_back([&] {
      node::HttpRequest request;
      request.url = server_->url() + "/v1/wait?after=0";
      const auto reply = client_.send(request);
      if (reply.ok() && *Json::parse(reply->body, "r")->text("height") == "1") ++woken;
    });
  }
  std::this_thread::sleep_for(milliseconds(100));
  submit({transfer_bytes(0, 0, 1, 5)});
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(woken, 20);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, milliseconds(10'000));
}

TEST_F(LedgerEndpoints, AStoppedServerEndsLongPolls) {
  std::atomic<int> status = 0;
  std::thread waiting([&] { status = ask("/v1/wait?after=9").status; });
  std::this_thread::sleep_for(milliseconds(100));
  server_->stop();
  waiting.join();
  EXPECT_EQ(status, 503);
}

}  // namespace
}  // namespace starling::api
