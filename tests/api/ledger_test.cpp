#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "api/copy_endpoints.h"
#include "api/event_endpoints.h"
#include "api/ledger_endpoints.h"
#include "api/market_endpoints.h"
#include "api/server.h"
#include "api/supply_endpoint.h"
#include "base/encoding.h"
#include "consensus/embedded.h"
#include "consensus/test_accounts.h"
#include "ledger/bank/state.h"
#include "ledger/market/state.h"
#include "ledger/models/state.h"
#include "node/http_client.h"
#include "temporary_folder.h"

namespace starling::api {
namespace {

using base::Json;
using consensus::test_key;
using std::chrono::milliseconds;

std::string framed(const std::vector<base::Bytes>& transactions) {
  std::string body;
  for (const base::Bytes& bytes : transactions) {
    for (int shift = 0; shift < 32; shift += 8) body.push_back(static_cast<char>(bytes.size() >> shift & 0xff));
    body.append(bytes.begin(), bytes.end());
  }
  return body;
}

base::Bytes signed_bytes(std::uint64_t key, std::uint64_t nonce, const ledger::Message& message) {
  return ledger::encode_transaction(consensus::signed_message(test_key(key), nonce, message).transaction);
}

base::Bytes transfer_bytes(std::uint64_t from, std::uint64_t nonce, std::uint64_t to, ledger::Motes motes) {
  return signed_bytes(from, nonce, ledger::bank::Transfer{test_key(to).address(), motes});
}

class LedgerEndpoints : public testing::Test {
 protected:
  LedgerEndpoints() {
    consensus::EmbeddedOptions options;
    options.threads = 2;
    options.cache_bytes = std::size_t{1} << 20;
    options.nonce_wait = milliseconds(50);
    chain_ = std::move(
        *consensus::Embedded::open(folder_ / "chain", consensus::test_genesis(), consensus::orderer_key(), options));
    Router router;
    router.add(ledger_routes(*chain_, {{"validator", "gateway"}, "1.2.3", test_key(9).address(), ""}, &metrics_));
    router.add(market_routes(*chain_));
    router.add(supply_route(*chain_));
    router.add(event_routes(*chain_, {3, 400}));
    router.add(copy_routes(*chain_, folder_ / "chain" / "genesis.json"));
    router.add(metrics_route(metrics_));
    server_ = std::move(*Server::start(std::move(router), {}, &metrics_));
  }
  ~LedgerEndpoints() override {
    server_.reset();
    chain_.reset();
  }

  node::HttpReply ask(const std::string& path) {
    node::HttpRequest request;
    request.url = server_->url() + path;
    return *client_.send(request);
  }
  Json get(const std::string& path) {
    const node::HttpReply reply = ask(path);
    EXPECT_EQ(reply.status, 200) << path << " " << reply.body;
    return *Json::parse(reply.body, path);
  }
  node::HttpReply post(const std::string& body, const std::string& type) {
    node::HttpRequest request;
    request.method = "POST";
    request.url = server_->url() + "/v1/transactions";
    request.headers.emplace_back("Content-Type", type);
    request.body = body;
    return *client_.send(request);
  }
  std::vector<Json> submit(const std::vector<base::Bytes>& transactions) {
    const node::HttpReply reply = post(framed(transactions), "application/octet-stream");
    EXPECT_EQ(reply.status, 200) << reply.body;
    return Json::parse(reply.body, "results")->find("results")->elements();
  }
  static std::int64_t code(const Json& result) { return *result.integer("code"); }

  TemporaryFolder folder_;
  base::Metrics metrics_;
  std::unique_ptr<consensus::Embedded> chain_;
  std::unique_ptr<Server> server_;
  node::HttpClient client_;
};

TEST_F(LedgerEndpoints, TakesTransactionsInBothForms) {
  const std::vector<Json> results = submit({transfer_bytes(0, 0, 1, 5),
                                            transfer_bytes(0, 1, 1, 0),
                                            {1, 2, 3},
                                            transfer_bytes(0, 7, 1, 5),
                                            transfer_bytes(0, 2, 1, 5)});
  ASSERT_EQ(results.size(), 5U);
  EXPECT_EQ(code(results[0]), 0);
  EXPECT_EQ(*results[0].text("height"), "1");
  EXPECT_EQ(*results[0].text("fee"), "1000000");
  EXPECT_EQ(code(results[1]), 200);
  EXPECT_EQ(*results[1].text("error"), "ZERO_AMOUNT");
  EXPECT_EQ(code(results[2]), 1);
  EXPECT_EQ(*results[2].text("error"), "MALFORMED");
  EXPECT_EQ(code(results[3]), 103);
  EXPECT_EQ(*results[3].text("height"), "0");
  EXPECT_EQ(code(results[4]), 0);

  const ledger::Transaction typed =
      consensus::signed_message(test_key(1), 0, ledger::bank::Transfer{test_key(0).address(), 3}).transaction;
  const node::HttpReply one = post(ledger::transaction_json(typed).to_text(), "application/json; charset=utf-8");
  EXPECT_EQ(one.status, 200) << one.body;
  EXPECT_EQ(code(Json::parse(one.body, "results")->find("results")->elements().at(0)), 0);
  // The same one once more: the place it has.
  Json list = Json::empty_array();
  list.push(ledger::transaction_json(typed));
  list.push(Json("no transaction"));
  const node::HttpReply two = post(list.to_text(), "application/json");
  const Json again = *Json::parse(two.body, "results");
  EXPECT_EQ(code(again.find("results")->elements().at(0)), 0);
  EXPECT_EQ(code(again.find("results")->elements().at(1)), 1);
  EXPECT_EQ(*get("/v1/accounts/" + test_key(1).address().text()).text("motes"), "999999000007");
  EXPECT_EQ(*get("/v1/accounts/" + test_key(1).address().text()).text("nonce"), "1");

  const Json shown = get("/v1/transactions/" + *results[0].text("id"));
  EXPECT_EQ(*shown.text("height"), "1");
  const auto back = ledger::transaction_from_json(*shown.find("transaction"));
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(ledger::encode_transaction(*back), transfer_bytes(0, 0, 1, 5));
  EXPECT_EQ(ask("/v1/transactions/" + base::sha256({}).hex()).status, 404);
  const std::string metrics = ask("/metrics").body;
  EXPECT_NE(metrics.find("starling_transactions_total{result=\"done\"} 4\n"), std::string::npos) << metrics;
  EXPECT_NE(metrics.find("starling_transactions_total{result=\"malformed\"} 2\n"), std::string::npos) << metrics;
}

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

TEST_F(LedgerEndpoints, RefusesBodiesThatAreNone) {
  const std::string kBytes = "application/octet-stream";
  const std::string kJson = "application/json";
  EXPECT_EQ(post("abc", kBytes).status, 400);
  EXPECT_EQ(post(std::string("\xff\xff\xff\xff", 4) + "abc", kBytes).status, 400);
  EXPECT_EQ(post(framed({transfer_bytes(0, 0, 1, 5)}).substr(0, 50), kBytes).status, 400);
  EXPECT_EQ(post(framed(std::vector<base::Bytes>(kMaxSubmitted + 1)), kBytes).status, 400);
  EXPECT_EQ(post(std::string(kMaxSubmitBytes + 1, '\0'), kBytes).status, 413);
  EXPECT_EQ(post("{", kJson).status, 400);
  EXPECT_EQ(post("17", kJson).status, 400);
  EXPECT_EQ(post(std::string(100'000, '['), kJson).status, 400);
  EXPECT_EQ(post("[" + std::string(2'000'000, ' ') + "]", kJson).status, 200);
  EXPECT_EQ(post("{}", "text/plain").status, 400);
  EXPECT_EQ(post("{}", "").status, 400);
  EXPECT_EQ(code(Json::parse(post("{}", kJson).body, "r")->find("results")->elements().at(0)), 1);
  EXPECT_EQ(post("", kBytes).status, 200);
  EXPECT_EQ(chain_->height(), 0U);
}

TEST_F(LedgerEndpoints, ProofsHoldAgainstTheirHeader) {
  submit({transfer_bytes(0, 0, 1, 5)});
  const auto check = [&](const std::string& path, base::ByteView key) {
    const Json json = get(path + "?proof=1");
    const Json& proof = *json.find("proof");
    const auto header = consensus::read_header_json(*proof.find("header"));
    ASSERT_TRUE(header.ok());
    EXPECT_EQ(*base::from_hex(*proof.text("key")), base::Bytes(key.begin(), key.end()));
    const auto decoded = store::decode_proof(*base::from_hex(*proof.text("proof")));
    ASSERT_TRUE(decoded.ok());
    const base::Bytes value = proof.has("value") ? *base::from_hex(*proof.text("value")) : base::Bytes();
    const std::optional<base::ByteView> claimed =
        proof.has("value") ? std::optional<base::ByteView>(value) : std::nullopt;
    EXPECT_TRUE(
        consensus::verify_state_proof(*header, consensus::orderer_key().address(), key, claimed, *decoded).ok());
    const base::Bytes other = {1};
    EXPECT_FALSE(consensus::verify_state_proof(*header, std::nullopt, key, base::ByteView(other), *decoded).ok());
    EXPECT_FALSE(get(path).has("proof"));
  };
  check("/v1/accounts/" + test_key(0).address().text(), ledger::bank::account_key(test_key(0).address()));
  check("/v1/accounts/" + test_key(77).address().text(), ledger::bank::account_key(test_key(77).address()));
  // What is not there.
  const base::Address nobody = test_key(77).address();
  const auto check_absent = [&](const std::string& path, base::ByteView key) {
    EXPECT_EQ(ask(path).status, 404) << path;
    const Json json = get(path + "?proof=1");
    const Json& proof = *json.find("proof");
    EXPECT_FALSE(proof.has("value")) << path;
    const auto header = consensus::read_header_json(*proof.find("header"));
    const auto decoded = store::decode_proof(*base::from_hex(*proof.text("proof")));
    EXPECT_TRUE(consensus::verify_state_proof(*header, std::nullopt, key, std::nullopt, *decoded).ok()) << path;
  };
  check_absent("/v1/providers/" + nobody.text(), ledger::market::provider_key(nobody));
  check_absent("/v1/tasks/777", ledger::market::task_key(777));
  check_absent("/v1/tasks/777/parts/3", ledger::market::part_key(777, 3));
  check_absent("/v1/models/" + base::Hash().hex(), ledger::models::model_key(base::Hash()));
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

TEST_F(LedgerEndpoints, ShowsWhereAllMotesAre) {
  const Json before = get("/v1/supply");
  EXPECT_EQ(*before.text("supply"), "8000000000000");
  EXPECT_EQ(*before.text("in_accounts"), "8000000000000");
  EXPECT_EQ(*before.text("accounts"), "8");
  EXPECT_EQ(*before.text("in_fee_account"), "0");
  EXPECT_TRUE(*before.find("conserved")->as_boolean());
  EXPECT_TRUE(before.find("broken")->is_null());
  ledger::market::RegisterProvider registration;
  registration.backends = {"generic"};
  registration.memory_mebibytes = 1;
  registration.slots = 1;
  registration.rate = 1;
  submit({signed_bytes(1, 0, registration), signed_bytes(1, 1, ledger::market::AddStake{3'000'000'000})});
  Json after = get("/v1/supply");
  for (int i = 0; i < 100 && *after.text("in_stake") == "0"; ++i) {  // not counted at once after it was counted
    std::this_thread::sleep_for(milliseconds(20));
    after = get("/v1/supply");
  }
  EXPECT_EQ(*after.text("supply"), "8000000000000");
  EXPECT_EQ(*after.text("in_stake"), "3000000000");
  EXPECT_EQ(std::stoull(*after.text("in_accounts")), 8'000'000'000'000U - 3'000'000'000U);
  EXPECT_NE(*after.text("in_fee_account"), "0");
  EXPECT_EQ(*after.text("accounts"), "9");
  EXPECT_TRUE(*after.find("conserved")->as_boolean());
  EXPECT_TRUE(after.find("broken")->is_null());
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

TEST_F(LedgerEndpoints, ShowsTheMarket) {
  namespace market = ledger::market;
  const base::Hash model = base::sha256(base::as_bytes("model"));
  market::RegisterProvider provider;
  provider.backends = {"generic"};
  provider.memory_mebibytes = 1000;
  provider.slots = 2;
  provider.rate = 7;
  provider.endpoint = "http://127.0.0.1:1";
  market::SubmitTask task;
  task.program = model;
  task.model = model;
  task.inputs = {model, model};
  task.work_per_part = 1000;
  task.calls = 3;
  task.memory_mebibytes = 10;
  task.max_price = 1000;
  task.time_limit = 10'000;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  task.deadline = static_cast<std::uint64_t>(std::chrono::duration_cast<milliseconds>(now).count()) + 600'000;
  task.assurance = "single";
  for (const Json& result :
       submit({signed_bytes(0, 0, ledger::models::RegisterModel{model, "tiny", 100, {"http://127.0.0.1:1"}}),
               signed_bytes(1, 0, provider), signed_bytes(1, 1, market::AddStake{2'000'000'000}),
               signed_bytes(0, 1, task), signed_bytes(1, 2, market::ClaimTask{1, 2, 5})})) {
    EXPECT_EQ(code(result), 0) << result.to_text();
  }
  const std::string hash = "0x" + model.hex();
  EXPECT_EQ(*get("/v1/models/" + hash).text("name"), "tiny");
  EXPECT_EQ(get("/v1/models").find("models")->elements().size(), 1U);
  EXPECT_EQ(get("/v1/models?after=" + hash).find("models")->elements().size(), 0U);
  const std::string who = test_key(1).address().text();
  EXPECT_EQ(*get("/v1/providers/" + who + "?proof=1").text("stake"), "2000000000");
  EXPECT_EQ(get("/v1/providers?limit=1").find("providers")->elements().size(), 1U);
  EXPECT_EQ(get("/v1/providers?after=" + who).find("providers")->elements().size(), 0U);
  EXPECT_EQ(*get("/v1/tasks/1?proof=1").text("requester"), test_key(0).address().text());
  EXPECT_EQ(get("/v1/tasks?open=1").find("tasks")->elements().size(), 1U);
  EXPECT_EQ(get("/v1/tasks?open=1&after=1").find("tasks")->elements().size(), 0U);
  EXPECT_EQ(get("/v1/tasks?requester=" + test_key(0).address().text()).find("tasks")->elements().size(), 1U);
  EXPECT_EQ(get("/v1/tasks/1/parts").find("parts")->elements().size(), 2U);
  EXPECT_EQ(*get("/v1/tasks/1/parts/1?proof=1").text("input"), hash);
  EXPECT_EQ(*get("/v1/tasks/1/claims/" + who).text("rate"), "5");
  EXPECT_EQ(*get("/v1/market").text("lowest_rate"), "7");
  // The auction ends by itself, a tenth of a second later.
  Json parts = get("/v1/providers/" + who + "/parts");
  for (int i = 0; i < 100 && parts.find("parts")->elements().empty(); ++i) {
    get("/v1/wait?timeout=100");
    parts = get("/v1/providers/" + who + "/parts");
  }
  ASSERT_EQ(parts.find("parts")->elements().size(), 2U);
  EXPECT_EQ(*parts.find("parts")->elements()[0].text("state"), "held");

  const std::string nobody = test_key(50).address().text();
  for (const std::string& path :
       {"/v1/models/" + base::sha256({}).hex(), "/v1/providers/" + nobody, std::string("/v1/tasks/2"),
        std::string("/v1/tasks/2/parts"), std::string("/v1/tasks/1/parts/2"), "/v1/tasks/1/claims/" + nobody,
        std::string("/v1/tasks/1/parts/4294967296"), std::string("/v1/tasks/18446744073709551615")}) {
    EXPECT_EQ(ask(path).status, 404) << path;
  }
  for (const std::string& path :
       {std::string("/v1/models/xyz"), std::string("/v1/models?after=xyz"), std::string("/v1/models?limit=1001"),
        std::string("/v1/providers/0x12"), std::string("/v1/providers?after=1"), std::string("/v1/tasks"),
        std::string("/v1/tasks/one"), std::string("/v1/tasks?requester=me"), std::string("/v1/tasks/1?proof=2"),
        std::string("/v1/tasks?open=1&after=-1"), std::string("/v1/accounts/me")}) {
    EXPECT_EQ(ask(path).status, 400) << path;
  }
}

}  // namespace
}  // namespace starling::api
