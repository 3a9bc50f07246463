#include "ledger_server.h"

#include "api/copy_endpoints.h"
#include "api/event_endpoints.h"
#include "api/ledger_endpoints.h"
#include "api/market_endpoints.h"
#include "api/supply_endpoint.h"
#include "api/wallet_rpc.h"
#include "ledger/bank/state.h"

namespace starling::api {

using consensus::test_key;

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

LedgerEndpoints::LedgerEndpoints(const Json& genesis) {
  consensus::EmbeddedOptions options;
  options.threads = 2;
  options.cache_bytes = std::size_t{1} << 20;
  options.ahead.wait = milliseconds(50);
  chain_ = std::move(*consensus::Embedded::open(folder_ / "chain", genesis, consensus::orderer_key(), options));
  Router router;
  router.add(ledger_routes(*chain_, {{"validator", "gateway"}, "1.2.3", test_key(9).address(), ""}, &metrics_));
  router.add(market_routes(*chain_));
  router.add(wallet_rpc_route(*chain_));
  router.add(supply_route(*chain_));
  router.add(event_routes(*chain_, {3, 400}));
  router.add(copy_routes(*chain_, folder_ / "chain" / "genesis.json"));
  router.add(metrics_route(metrics_));
  server_ = std::move(*Server::start(std::move(router), {}, &metrics_));
}

LedgerEndpoints::~LedgerEndpoints() {
  server_.reset();
  chain_.reset();
}

node::HttpReply LedgerEndpoints::ask(const std::string& path) {
  node::HttpRequest request;
  request.url = server_->url() + path;
  return *client_.send(request);
}

Json LedgerEndpoints::get(const std::string& path) {
  const node::HttpReply reply = ask(path);
  EXPECT_EQ(reply.status, 200) << path << " " << reply.body;
  return *Json::parse(reply.body, path);
}

node::HttpReply LedgerEndpoints::post(const std::string& body, const std::string& type) {
  node::HttpRequest request;
  request.method = "POST";
  request.url = server_->url() + "/v1/transactions";
  request.headers.emplace_back("Content-Type", type);
  request.body = body;
  return *client_.send(request);
}

std::vector<Json> LedgerEndpoints::submit(const std::vector<base::Bytes>& transactions) {
  const node::HttpReply reply = post(framed(transactions), "application/octet-stream");
  EXPECT_EQ(reply.status, 200) << reply.body;
  return Json::parse(reply.body, "results")->find("results")->elements();
}

}  // namespace starling::api
