#include "test_network.h"

#include <chrono>

#include "api/blob_endpoints.h"
#include "ledger/bank/queries.h"
#include "ledger/chain.h"
#include "ledger/json_fields.h"
#include "ledger/models/queries.h"
#include "ledger/modules.h"

namespace starling::node {

namespace market = ledger::market;

namespace {

template <typename T>
T must(base::Result<T> result) {
  if (!result.ok()) base::halt(result.error().message.c_str());
  return std::move(*result);
}

base::Json genesis_of(const base::Hash& model) {
  std::string accounts;
  for (std::uint8_t i = 1; i <= 9; ++i) {
    accounts +=
        (i == 1 ? "\"" : ",\"") + test_key(i).address().text() + "\": \"" + std::to_string(1000 * kCredit) + "\"";
  }
  const auto now =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
          .count();
  return must(base::Json::parse(
      R"({"chain": {"chain_id": 7001, "fee_account": ")" + test_key(10).address().text() +
          R"(", "fee_per_byte": 1, "fee_per_work": 10, "max_block_bytes": 4000000, "max_block_work": 100000, "time": ")" +
          std::to_string(now) + R"("}, "bank": {"accounts": {)" + accounts + R"(}}, "models": [{"model": "0x)" +
          model.hex() + R"(", "owner": ")" + test_key(9).address().text() +
          R"(", "name": "tiny", "royalty": 1000, "locations": []}],
      "market": {"minimum_stake": "1000000000", "auction_time": 50, "reveal_time": 5000, "challenge_time": 300,
        "cancel_time": 1000, "unbonding_time": 5000, "suspension_time": 500, "collateral": 20000,
        "late_penalty": 5000, "attempts": 3, "benchmark_age": 0}})",
      "the genesis of the tests"));
}

base::Json entry_json(std::uint64_t number, const market::Task& task) {
  base::Json json = ledger::to_json(task);
  json.set("task", std::to_string(number));
  return json;
}

base::Json entry_json(std::uint64_t task, std::uint32_t index, const market::Part& part) {
  base::Json json = ledger::to_json(part);
  json.set("task", std::to_string(task));
  json.set("part", index);
  return json;
}

api::Response list_response(const char* name, base::Json list) {
  base::Json json = base::Json::empty_object();
  json.set(name, std::move(list));
  return api::json_response(json);
}

api::Response missing() { return api::error_response(404, "NOT_FOUND", "There is no such thing."); }

std::vector<ledger::ReadTransaction> framed(const std::string& body) {
  std::vector<ledger::ReadTransaction> transactions;
  const auto* const data = reinterpret_cast<const std::uint8_t*>(body.data());
  for (std::size_t at = 0; at + 4 <= body.size();) {
    std::size_t size = 0;
    for (unsigned i = 0; i < 4; ++i) size |= static_cast<std::size_t>(data[at + i]) << (8 * i);
    transactions.push_back(must(ledger::read_transaction({data + at + 4, size})));
    at += 4 + size;
  }
  return transactions;
}

}  // namespace

base::SecretKey test_key(std::uint8_t number) { return must(base::SecretKey::from_bytes(base::Bytes(32, number))); }

std::int64_t unix_seconds() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

void WatchedChain::tell(const std::function<void(const ledger::Transaction&)>& hook,
                        const std::vector<ledger::ReadTransaction>& transactions) {
  const std::scoped_lock lock(mutex);
  if (hook == nullptr) return;
  for (const ledger::ReadTransaction& each : transactions) hook(each.transaction);
}

base::Result<std::vector<consensus::Submitted>> WatchedChain::submit(
    std::vector<ledger::ReadTransaction> transactions) {
  const std::vector<ledger::ReadTransaction> copy = transactions;
  tell(before, copy);
  auto results = chain_->submit(std::move(transactions));
  tell(after, copy);
  return results;
}

TestGateway::TestGateway(const std::filesystem::path& folder, const base::Hash& model) {
  consensus::EmbeddedOptions options;
  options.threads = 2;
  options.cache_bytes = std::size_t{4} << 20;
  chain_ = std::make_unique<WatchedChain>(
      must(consensus::Embedded::open(folder / "chain", genesis_of(model), test_key(10), options)));
  blobs_ = must(store::Blobs::open(folder / "blobs"));
  models_ = must(ModelStore::open(folder / "models", *blobs_));
  supply_ = must(ledger::bank::supply(*must(chain_->view())));
  api::Router router;
  add_ledger_routes(router);
  api::BlobEndpointOptions blob_options;
  blob_options.now = unix_seconds;
  blob_options.uploads = true;
  router.add(api::blob_routes(*blobs_, blob_options));
  server_ = must(api::Server::start(std::move(router), {}));
}

TestGateway::~TestGateway() {
  chain_->stop();
  server_->stop();
}

void TestGateway::add_ledger_routes(api::Router& router) {
  const auto view = [this] { return must(chain_->view()); };
  router.add(api::get_on_worker("/v1/status", [view](const api::Request&) {
    const auto state = view();
    const auto chain = must(ledger::chain_parameters(*state));
    base::Json json = base::Json::empty_object();
    json.set("chain_id", std::to_string(chain.chain_id));
    json.set("height", std::to_string(state->header().header.height));
    json.set("time", std::to_string(state->header().header.time));
    json.set("fee_per_byte", std::to_string(chain.fee_per_byte));
    json.set("fee_per_work", std::to_string(chain.fee_per_work));
    return api::json_response(json);
  }));
  router.add(api::get_on_worker("/v1/wait", [this, view](const api::Request& request) {
    chain_->wait(*request.query_u64("after", 0, ~std::uint64_t{0}),
                 std::chrono::milliseconds(*request.query_u64("timeout", 1000, 30'000)));
    const auto header = view()->header().header;
    base::Json json = base::Json::empty_object();
    json.set("height", std::to_string(header.height));
    json.set("time", std::to_string(header.time));
    return api::json_response(json);
  }));
  api::Route submit;
  submit.method = api::Method::kPost;
  submit.pattern = "/v1/transactions";
  submit.body_limit = std::size_t{4} << 20;
  submit.runs = api::Runs::kOnWorker;
  submit.handler = [this](const api::Request& request) {
    const auto submitted = chain_->submit(framed(request.body));
    if (!submitted.ok()) return api::error_response(submitted.error());
    base::Json list = base::Json::empty_array();
    for (const consensus::Submitted& each : *submitted) {
      base::Json json = ledger::outcome_json(each.outcome);
      json.set("height", std::to_string(each.height));
      json.set("index", each.index);
      list.push(std::move(json));
    }
    return list_response("results", std::move(list));
  };
  router.add(std::move(submit));
  router.add(api::get_on_worker("/v1/market", [view](const api::Request&) {
    return list_response("parameters", ledger::to_json(must(market::parameters(*view()))));
  }));
  router.add(api::get_on_worker("/v1/accounts/{address}", [view](const api::Request& request) {
    return api::json_response(
        ledger::to_json(must(ledger::bank::account(*view(), *request.parameter_address("address")))));
  }));
  router.add(api::get_on_worker("/v1/models/{root}", [view](const api::Request& request) {
    const auto found = must(ledger::read_record<ledger::models::Model>(
        *view(), ledger::models::model_key(*request.parameter_hash("root"))));
    return found.has_value() ? api::json_response(ledger::to_json(*found)) : missing();
  }));
  router.add(api::get_on_worker("/v1/models/{root}/files", [this](const api::Request& request) {
    const auto files = models_->files(*request.parameter_hash("root"), unix_seconds());
    return files.ok() ? api::json_response(model_files_json(*files)) : api::error_response(files.error());
  }));
  router.add(api::get_on_worker("/v1/providers", [view](const api::Request&) {
    base::Json list = base::Json::empty_array();
    must(market::each_provider(
             *view(),
             [&](const base::Address& address, const market::Provider& provider) {
               base::Json json = ledger::to_json(provider);
               json.set("address", address.text());
               list.push(std::move(json));
               return true;
             }).ok()
             ? base::Result<bool>(true)
             : base::Result<bool>(base::internal_error("providers")));
    return list_response("providers", std::move(list));
  }));
  router.add(api::get_on_worker("/v1/providers/{address}", [view](const api::Request& request) {
    const auto found = must(market::provider(*view(), *request.parameter_address("address")));
    return found.has_value() ? api::json_response(ledger::to_json(*found)) : missing();
  }));
  router.add(api::get_on_worker("/v1/providers/{address}/parts", [view](const api::Request& request) {
    const auto state = view();
    base::Json list = base::Json::empty_array();
    for (const auto& [task, part] : must(market::parts_of(*state, *request.parameter_address("address")))) {
      list.push(entry_json(task, part, *must(market::part(*state, task, part))));
    }
    return list_response("parts", std::move(list));
  }));
  router.add(api::get_on_worker("/v1/tasks", [view](const api::Request& request) {
    const auto state = view();
    base::Json list = base::Json::empty_array();
    for (const std::uint64_t number : must(market::open_tasks(*state, *request.query_u64("after", 0, ~std::uint64_t{0}),
                                                              *request.query_u64("limit", 100, 1000)))) {
      list.push(entry_json(number, *must(market::task(*state, number))));
    }
    return list_response("tasks", std::move(list));
  }));
  router.add(api::get_on_worker("/v1/tasks/{task}", [view](const api::Request& request) {
    const std::uint64_t number = *request.parameter_u64("task");
    const auto task = must(market::task(*view(), number));
    return task.has_value() ? api::json_response(entry_json(number, *task)) : missing();
  }));
  router.add(api::get_on_worker("/v1/tasks/{task}/parts", [view](const api::Request& request) {
    const auto state = view();
    const std::uint64_t number = *request.parameter_u64("task");
    base::Json list = base::Json::empty_array();
    for (std::uint32_t i = 0; auto part = must(market::part(*state, number, i)); ++i) {
      list.push(entry_json(number, i, *part));
    }
    return list_response("parts", std::move(list));
  }));
}

ledger::Motes TestGateway::balance(const base::Address& address) const {
  return must(ledger::bank::account(*must(chain_->view()), address)).motes;
}

market::Part TestGateway::part(std::uint64_t task, std::uint32_t index) const {
  return must(market::part(*must(chain_->view()), task, index)).value_or(market::Part());
}

market::Provider TestGateway::provider(const base::Address& address) const {
  return must(market::provider(*must(chain_->view()), address)).value_or(market::Provider());
}

bool TestGateway::wait_until(const std::function<bool()>& holds, std::chrono::milliseconds patience) {
  const auto end = std::chrono::steady_clock::now() + patience;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > end) return false;
    chain_->wait(chain_->height(), std::chrono::milliseconds(50));
  }
  return true;
}

void TestGateway::expect_conserved() const {
  const auto view = must(chain_->view());
  const base::Status sound = ledger::check_invariants(*view);
  EXPECT_TRUE(sound.ok()) << sound.error().message;
  EXPECT_EQ(must(ledger::bank::supply(*view)), supply_);
}

TestProvider::TestProvider(const std::filesystem::path& home, const std::string& gateway, std::uint8_t key,
                           const std::filesystem::path& model, const std::function<void(ProviderOptions&)>& change)
    : key_(test_key(key)) {
  blobs_ = must(store::Blobs::open(home / "blobs"));
  models_ = must(ModelStore::open(home / "models", *blobs_));
  if (!model.empty()) must(models_->add(model));
  exchange_ = std::make_unique<BlobExchange>(http_, *blobs_, unix_seconds);
  // The server comes first, since the provider registers where it is.
  api::Router router;
  api::BlobEndpointOptions blob_options;
  blob_options.now = unix_seconds;
  router.add(api::blob_routes(*blobs_, blob_options));
  const auto name_of = [](const api::Request& request) {
    return PartName{*request.parameter_u64("task"), static_cast<std::uint32_t>(*request.parameter_u64("part"))};
  };
  router.add(api::get_on_worker("/v1/results/{task}/{part}", [this, name_of](const api::Request& request) {
    if (served_ == nullptr) return missing();
    const auto result = served_->result(name_of(request));
    return result.ok() ? api::json_response(result->files_json()) : api::error_response(result.error());
  }));
  router.add(api::get_on_worker("/v1/progress/{task}/{part}", [this, name_of](const api::Request& request) {
    if (served_ == nullptr) return missing();
    const auto progress = served_->progress(name_of(request));
    return progress.ok() ? api::json_response(progress->json()) : api::error_response(progress.error());
  }));
  server_ = must(api::Server::start(std::move(router), {}));
  ProviderOptions options;
  options.home = home / "provider";
  options.ledger = gateway;
  options.endpoint = server_->url();
  options.threads = 1;
  options.memory_mebibytes = 4096;
  options.rate = 1'000'000'000;
  options.stake = 20 * kCredit;
  if (change != nullptr) change(options);
  provider_ = must(Provider::start(options, {http_, key_, *blobs_, *models_, *exchange_, metrics_}));
  served_ = provider_.get();
}

TestProvider::~TestProvider() {
  provider_->stop();
  server_->stop();
}

TestRequester::TestRequester(const std::filesystem::path& home, const std::string& gateway, std::uint8_t key)
    : key_(test_key(key)), ledger_(http_, gateway) {
  account_ = std::make_unique<Account>(ledger_, key_);
  blobs_ = must(store::Blobs::open(home));
  exchange_ = std::make_unique<BlobExchange>(http_, *blobs_, unix_seconds);
  requester_ = std::make_unique<Requester>(http_, ledger_, *account_, *exchange_, *blobs_);
}

}  // namespace starling::node
