// What a gateway hands on of a network's node, and what it does not.
#include "api/videos/network_endpoints.h"
#include "ledger_server.h"

namespace starling::api {
namespace {

using consensus::test_key;

class NetworkEndpoints : public LedgerEndpoints {
 protected:
  NetworkEndpoints() { router_.add(videos::network_routes(client_, {server_->url(), nullptr})); }

  Response through(Method method, const std::string& target, std::string body = "") {
    Request request;
    request.method = method;
    request.body = std::move(body);
    request.path = target.substr(0, target.find('?'));
    std::optional<Response> response;
    router_.answer(request, target, Answer([&](Response given) { response = std::move(given); }));
    return std::move(*response);
  }
  Json body(const std::string& target) { return *Json::parse(through(Method::kGet, target).body, target); }

  Router router_;
};

TEST_F(NetworkEndpoints, HandsOnWhatIsListed) {
  const std::string from = test_key(0).address().text();
  const Json message = *Json::parse(submit({transfer_bytes(0, 0, 1, 5)})[0].to_text(), "result");
  EXPECT_EQ(body("/v1/network/status").find("chain_id")->to_text(), get("/v1/status").find("chain_id")->to_text());
  EXPECT_EQ(body("/v1/network/accounts/" + from).to_text(), get("/v1/accounts/" + from).to_text());
  EXPECT_EQ(body("/v1/network/events?limit=5").to_text(), get("/v1/events?limit=5").to_text());
  EXPECT_EQ(body("/v1/network/events?account=" + from).find("entries")->elements().size(), 1U);
  EXPECT_EQ(body("/v1/network/transactions/" + *message.text("id")).find("code")->to_text(), "0");
  EXPECT_EQ(body("/v1/network/blocks/latest").find("hash")->to_text(),
            get("/v1/blocks/latest").find("hash")->to_text());
}

TEST_F(NetworkEndpoints, HandsASignedTransactionOn) {
  ledger::Transaction transaction = *ledger::decode_transaction(transfer_bytes(0, 0, 1, 7));
  const Response sent =
      through(Method::kPost, "/v1/network/transactions", ledger::transaction_json(transaction).to_text());
  ASSERT_EQ(sent.status, 200) << sent.body;
  EXPECT_EQ(code(Json::parse(sent.body, "results")->find("results")->elements()[0]), 0) << sent.body;
  // Not several, and nothing that is none.
  EXPECT_EQ(through(Method::kPost, "/v1/network/transactions", "[]").status, 400);
  EXPECT_EQ(through(Method::kPost, "/v1/network/transactions", "{").status, 400);
  const Response none = through(Method::kPost, "/v1/network/transactions", R"({"message":1})");
  EXPECT_TRUE(none.status == 400 || none.body.find("MALFORMED") != std::string::npos) << none.body;
}

TEST_F(NetworkEndpoints, LetsNothingElseThrough) {
  for (const char* const target : {"/v1/network/blobs/00", "/v1/network/genesis", "/v1/network/metrics",
                                   "/v1/network/wait", "/v1/network/results/1/0", "/v1/network/accounts/%2e%2e",
                                   "/v1/network/accounts/..%2fstatus", "/v1/network/status/../blocks"}) {
    const Response response = through(Method::kGet, target);
    EXPECT_TRUE(response.status == 404 || response.status == 400) << target << " " << response.status;
  }
  for (const char* const target :
       {"/v1/network/accounts/a%3Fb", "/v1/network/accounts/a%23b", "/v1/network/accounts/@host",
        "/v1/network/tasks?proof=1", "/v1/network/tasks?open=1%26x",
        "/v1/network/tasks?requester=", "/v1/network/events?account=a%0d%0aHost:b"}) {
    EXPECT_EQ(through(Method::kGet, target).status, 400) << target;
  }
  EXPECT_EQ(through(Method::kGet, "/v1/network/tasks/999").status, 404);
}

}  // namespace
}  // namespace starling::api
