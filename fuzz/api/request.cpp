// Hostile requests to every endpoint, from their bytes to the response: "METHOD TARGET", lines of headers, an empty
// line, the body. Whatever comes, there is one answer with a status, and JSON where it says so.
#include <stdlib.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "api/blob_endpoints.h"
#include "api/copy_endpoints.h"
#include "api/ledger_endpoints.h"
#include "api/market_endpoints.h"
#include "api/provider_endpoints.h"
#include "api/supply_endpoint.h"
#include "api/wallet_rpc.h"
#include "ledger/chain.h"
#include "store/state_view.h"

namespace {

using namespace starling;

constexpr const char* kGenesis = R"({"chain": {"chain_id": 7001,
  "fee_account": "0x00000000000000000000000000000000000000fe", "fee_per_byte": 1, "fee_per_work": 10,
  "max_block_bytes": 4000000, "max_block_work": 100000, "time": "1700000000000"},
  "bank": {"accounts": {"0x00000000000000000000000000000000000000aa": "1000"}},
  "models": [{"model": "0x0000000000000000000000000000000000000000000000000000000000000001",
    "owner": "0x00000000000000000000000000000000000000aa", "name": "m", "royalty": 1, "locations": []}],
  "market": {"minimum_stake": "1000000000", "auction_time": 100, "reveal_time": 1000, "challenge_time": 500,
    "cancel_time": 200, "unbonding_time": 5000, "suspension_time": 1000, "collateral": 20000, "late_penalty": 5000,
    "attempts": 3, "benchmark_age": 0}})";

// The genesis in memory; refuses every transaction.
class View final : public consensus::ChainView {
 public:
  View() {
    const auto writes = ledger::read_genesis(*base::Json::parse(kGenesis, "genesis"));
    if (!writes.ok()) std::abort();
    if (!state_.apply(*writes).ok()) std::abort();
  }
  base::Result<std::optional<base::Bytes>> get(base::ByteView key) const override { return state_.get(key); }
  base::Status scan_from(base::ByteView prefix, base::ByteView from, const Visit& visit) const override {
    return state_.scan_from(prefix, from, visit);
  }
  const consensus::SignedHeader& header() const override { return header_; }
  base::Result<store::ProvenValue> prove(base::ByteView /*key*/) const override { return store::ProvenValue(); }

 private:
  store::MemoryState state_;
  consensus::SignedHeader header_;
};

class Chain final : public consensus::Chain {
 public:
  void order(std::vector<ledger::ReadTransaction> transactions, const consensus::OrderOptions& /*options*/,
             consensus::Ordered done) override {
    std::vector<consensus::Submitted> refused(transactions.size());
    for (std::size_t i = 0; i < refused.size(); ++i) {
      refused[i].outcome.id = transactions[i].id;
      refused[i].outcome.fault = ledger::Fault::kBadSignature;
    }
    done(std::move(refused));
  }
  base::Result<std::shared_ptr<const consensus::ChainView>> view() const override { return view_; }
  consensus::Height height() const override { return 1; }
  base::Result<std::optional<consensus::SignedHeader>> header(consensus::Height height) const override {
    return height > 1 ? std::nullopt : std::optional(view_->header());
  }
  base::Result<std::optional<consensus::Block>> block(consensus::Height height) const override {
    return height > 1 ? std::nullopt : std::optional(consensus::Block());
  }
  base::Result<std::optional<consensus::Place>> find_transaction(const base::Hash& /*id*/) const override {
    return std::optional<consensus::Place>();
  }
  consensus::Height wait(consensus::Height /*after*/, std::chrono::milliseconds /*timeout*/) const override {
    return 1;
  }
  void stop() override {}

 private:
  std::shared_ptr<const consensus::ChainView> view_ = std::make_shared<View>();
};

struct Node {
  Node() {
    std::string name = (std::filesystem::temp_directory_path() / "starling-fuzz-XXXXXX").native();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    folder = name;
    blobs = std::move(*store::Blobs::open(folder / "blobs"));
    models = std::move(*node::ModelStore::open(folder / "models", *blobs));
    api::BlobEndpointOptions options;
    options.now = [] { return std::int64_t{1'800'000'000}; };
    options.uploads = blobs.get();
    router.add(api::blob_routes(*blobs, options));
    router.add(api::ledger_routes(chain, {{"gateway"}, "0", {}, ""}, &metrics));
    router.add(api::market_routes(chain));
    router.add(api::wallet_rpc_route(chain));
    router.add(api::supply_route(chain));
    router.add(api::copy_routes(chain, folder / "genesis.json"));
    router.add(api::metrics_route(metrics));
    router.add(api::provider_routes([] { return static_cast<const node::Provider*>(nullptr); }));
    router.add(api::model_files_route(*models, options.now));
  }
  ~Node() { std::filesystem::remove_all(folder); }
  std::filesystem::path folder;
  Chain chain;
  base::Metrics metrics;
  std::unique_ptr<store::Blobs> blobs;
  std::unique_ptr<node::ModelStore> models;
  api::Router router;
};

std::string take_line(std::string& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  std::string line = text.substr(0, end);
  text.erase(0, std::min(text.size(), end + 1));
  return line;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Node node;
  std::string text(data, data + size);
  const std::string first = take_line(text);
  const std::size_t space = first.find(' ');
  api::Request request;
  const auto method = api::method_from(first.substr(0, space));
  if (!method || space == std::string::npos) return 0;
  request.method = *method;
  // A long poll would wait.
  const std::string target = first.substr(space + 1);
  if (target.starts_with("/v1/wait")) return 0;
  for (std::string line = take_line(text); !line.empty(); line = take_line(text)) {
    const std::size_t colon = std::min(line.find(':'), line.size());
    const std::size_t value = std::min(line.size(), colon + 2);
    request.headers.emplace(line.substr(0, colon), line.substr(value));
  }
  request.body = text;
  int answers = 0;
  node.router.answer(std::move(request), target, api::Answer([&](const api::Response& response) {
                       ++answers;
                       if (response.status < 200 || response.status > 599) std::abort();
                       const bool json = response.content_type == "application/json";
                       if (json && !base::Json::parse(response.body, "response").ok()) std::abort();
                     }));
  if (answers != 1) std::abort();
  return 0;
}
