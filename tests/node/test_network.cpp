#include "test_network.h"

#include <chrono>
#include <thread>

#include "api/blob_endpoints.h"
#include "api/copy_endpoints.h"
#include "api/ledger_endpoints.h"
#include "api/market_endpoints.h"
#include "api/provider_endpoints.h"
#include "generate/random_model.h"
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
        "cancel_time": 3000, "unbonding_time": 5000, "suspension_time": 500, "collateral": 20000,
        "late_penalty": 5000, "attempts": 3, "benchmark_age": 0}})",
      "the genesis of the tests"));
}

}  // namespace

base::SecretKey test_key(std::uint8_t number) { return must(base::SecretKey::from_bytes(base::Bytes(32, number))); }

std::int64_t unix_seconds() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

void WatchedChain::order(std::vector<ledger::ReadTransaction> transactions, const consensus::OrderOptions& options,
                         consensus::Ordered done) {
  const std::vector<ledger::ReadTransaction> copy = transactions;
  bool lost = false;
  {
    const std::scoped_lock lock(mutex);
    for (const ledger::ReadTransaction& each : copy) {
      lost = lost || (before != nullptr && !before(each.transaction));
    }
  }
  if (lost) return done(base::io_error("the test loses this"));
  chain_->order(std::move(transactions), options, [this, copy, done = std::move(done)](consensus::OrderResult results) {
    {
      const std::scoped_lock lock(mutex);
      for (const ledger::ReadTransaction& each : copy) {
        if (after != nullptr) after(each.transaction);
      }
    }
    done(std::move(results));
  });
}

const TestModel& test_model() {
  static const TemporaryFolder folder;
  static const TestModel model = [] {
    exact::Engine engine = must(exact::Engine::create({}));
    const std::vector<std::string> sentences{"a red ball bounces on green ground", "a blue box slides to the left"};
    const auto made = must(generate::random_model(generate::RandomModelSize::kTiny, sentences, 3, engine));
    if (!models::write_checkpoint(folder / "model", made).ok()) base::halt("the model cannot be written");
    return TestModel{folder / "model", must(must(models::Checkpoint::open(folder / "model")).root())};
  }();
  return model;
}

generate::TextToVideo small_request(std::int64_t steps, std::uint64_t seed) {
  generate::TextToVideo request;
  request.prompt = "a red ball bounces";
  request.width = 32;
  request.height = 16;
  request.frames = 9;
  request.steps = steps;
  request.seed = seed;
  return request;
}

Order order_of(const std::vector<generate::TextToVideo>& requests) {
  return must(prepare_order(must(models::Checkpoint::open(test_model().folder)), test_model().root, requests));
}

TestGateway::TestGateway(const std::filesystem::path& folder, const base::Hash& model)
    : genesis_(folder / "chain" / "genesis.json") {
  consensus::EmbeddedOptions options;
  options.threads = 2;
  options.cache_bytes = std::size_t{4} << 20;
  chain_ = std::make_unique<WatchedChain>(
      must(consensus::Embedded::open(folder / "chain", genesis_of(model), test_key(10), options)));
  blobs_ = must(store::Blobs::open(folder / "blobs"));
  models_ = must(ModelStore::open(folder / "models", *blobs_));
  supply_ = must(ledger::bank::supply(*must(chain_->view())));
  serve(0);
}

void TestGateway::serve(std::uint16_t port) {
  api::Router router;
  router.add(api::ledger_routes(*chain_, {{"validator", "gateway"}, "test", test_key(10).address(), ""}, &metrics_));
  router.add(api::market_routes(*chain_));
  router.add(api::copy_routes(*chain_, genesis_));
  router.add(api::model_files_route(*models_, unix_seconds));
  api::BlobEndpointOptions blob_options;
  blob_options.now = unix_seconds;
  blob_options.uploads = blobs_.get();
  router.add(api::blob_routes(*blobs_, blob_options));
  server_ = must(api::Server::start(std::move(router), {.port = port}, &metrics_));
}

void TestGateway::restart(std::chrono::milliseconds away) {
  const std::uint16_t port = server_->port();
  server_.reset();
  std::this_thread::sleep_for(away);
  serve(port);
}

TestGateway::~TestGateway() {
  server_->stop();
  chain_->stop();
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

bool TestGateway::wait_until_ready(std::uint8_t key) {
  return wait_until([&] {
    const market::Provider known = provider(test_key(key).address());
    return known.stake > 0 && known.measured_at != 0;
  });
}

bool TestGateway::wait_until_settled(std::uint64_t task, std::uint32_t parts) {
  return wait_until([&] {
    for (std::uint32_t i = 0; i < parts; ++i) {
      if (!market::is_settled(part(task, i).state)) return false;
    }
    return true;
  });
}

void TestGateway::expect_conserved() const {
  const auto view = must(chain_->view());
  const base::Status sound = ledger::check_invariants(*view);
  EXPECT_TRUE(sound.ok()) << sound.error().message;
  EXPECT_EQ(must(ledger::bank::supply(*view)), supply_);
}

TestProvider::TestProvider(const std::filesystem::path& home, const std::string& gateway, std::uint8_t key,
                           const std::filesystem::path& model, const std::function<void(ProviderOptions&)>& change,
                           std::uint16_t port)
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
  router.add(api::provider_routes([this] { return served_.load(); }));
  api::ServerOptions server_options;
  server_options.port = port;
  server_ = must(api::Server::start(std::move(router), server_options));
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
  server_->stop();
  provider_->stop();
}

TestRequester::TestRequester(const std::filesystem::path& home, const std::string& gateway, std::uint8_t key)
    : key_(test_key(key)), ledger_(http_, gateway) {
  account_ = std::make_unique<Account>(ledger_, key_);
  blobs_ = must(store::Blobs::open(home));
  exchange_ = std::make_unique<BlobExchange>(http_, *blobs_, unix_seconds);
  requester_ = std::make_unique<Requester>(http_, ledger_, *account_, *exchange_, *blobs_, home / "orders");
}

}  // namespace starling::node
