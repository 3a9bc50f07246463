// Transactions as they come over HTTP.
#include "api/ledger_endpoints.h"
#include "consensus/test_accounts.h"
#include "ledger/bank/state.h"
#include "ledger_server.h"

namespace starling::api {
namespace {

using consensus::test_key;

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

}  // namespace
}  // namespace starling::api
