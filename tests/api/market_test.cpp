// The market over HTTP.
#include "consensus/test_accounts.h"
#include "ledger/market/state.h"
#include "ledger/models/state.h"
#include "ledger_server.h"

namespace starling::api {
namespace {

using consensus::test_key;

// Auctions last until everything was looked at.
Json patient_genesis() {
  Json genesis = consensus::test_genesis();
  Json market = *genesis.find("market");
  market.set("auction_time", 1'500);
  genesis.set("market", std::move(market));
  return genesis;
}

class MarketEndpoints : public LedgerEndpoints {
 protected:
  MarketEndpoints() : LedgerEndpoints(patient_genesis()) {}
};

TEST_F(MarketEndpoints, ShowsTheMarket) {
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
  // The auction ends by itself.
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
