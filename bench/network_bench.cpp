// What a network adds to the time of a video, beside the same video made here; and what three providers bring to a
// batch, beside one. Chain, gateway, providers and requester are in this process and talk over HTTP. Prints a table
// and, as the last line, JSON. Arguments: the model's folder; steps of the single video (120); steps of each of the
// batch (8).
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>

#include "api/blob_endpoints.h"
#include "api/ledger_endpoints.h"
#include "api/market_endpoints.h"
#include "api/provider_endpoints.h"
#include "api/server.h"
#include "consensus/embedded.h"
#include "measure.h"
#include "node/devnet.h"
#include "node/provider.h"
#include "node/requester.h"

namespace {

using namespace starling;
using namespace starling::bench;
namespace fs = std::filesystem;

// What else the machine does can only make it longer.
double best(const std::vector<double>& values) { return *std::ranges::min_element(values); }

// Of the customer and all providers.
base::Json genesis(const base::Hash& model) {
  std::vector<base::Address> rich;
  for (std::uint64_t i = 1; i < 9; ++i) rich.push_back(key_of(i).address());
  const auto now = static_cast<std::uint64_t>(unix_seconds()) * 1000;
  return node::devnet_genesis(key_of(9).address(), {}, rich, {{model, "bench"}}, now);
}

struct Gateway {
  explicit Gateway(const fs::path& home, const base::Hash& model)
      : chain(take(consensus::Embedded::open(home / "chain", genesis(model), key_of(9)))),
        blobs(take(store::Blobs::open(home / "blobs"))) {
    api::Router router;
    router.add(api::ledger_routes(*chain, {{"validator", "gateway"}, "bench", key_of(9).address(), ""}));
    router.add(api::market_routes(*chain));
    api::BlobEndpointOptions options;
    options.now = unix_seconds;
    options.uploads = blobs.get();
    router.add(api::blob_routes(*blobs, options));
    server = take(api::Server::start(std::move(router), {}));
  }
  ~Gateway() { server->stop(); }

  std::unique_ptr<consensus::Embedded> chain;
  std::unique_ptr<store::Blobs> blobs;
  std::unique_ptr<api::Server> server;
};

struct BenchProvider {
  BenchProvider(const fs::path& home, const Gateway& gateway, std::uint64_t number, const fs::path& model, int threads,
                double share)
      : key(key_of(number)), blobs(take(store::Blobs::open(home / "blobs"))), exchange(http, *blobs, unix_seconds) {
    models = take(node::ModelStore::open(home / "models", *blobs));
    take(models->add(model));
    api::Router router;
    api::BlobEndpointOptions blob_options;
    blob_options.now = unix_seconds;
    router.add(api::blob_routes(*blobs, blob_options));
    router.add(api::provider_routes([this] { return provider.get(); }));
    server = take(api::Server::start(std::move(router), {}));
    node::ProviderOptions options;
    options.home = home / "provider";
    options.ledger = gateway.server->url();
    options.endpoint = server->url();
    options.threads = threads;
    options.share = share;
    options.stake = 100'000'000'000;
    provider = take(node::Provider::start(options, {http, key, *blobs, *models, exchange, metrics}));
    // Until it is registered and measured.
    const node::LedgerClient ledger(http, gateway.server->url());
    for (std::uint64_t height = 0;;) {
      const auto record = ledger.provider(key.address());
      if (record.ok() && record->stake > 0 && record->measured_at > 0) break;
      height = take(ledger.wait(height, std::chrono::milliseconds(1000))).height;
    }
  }
  ~BenchProvider() { server->stop(); }

  base::SecretKey key;
  node::HttpClient http;
  base::Metrics metrics;
  std::unique_ptr<store::Blobs> blobs;
  node::BlobExchange exchange;
  std::unique_ptr<node::ModelStore> models;
  std::unique_ptr<node::Provider> provider;
  std::unique_ptr<api::Server> server;
};

// Made here, as `starling generate` makes it, but for the file.
double made_here(const generate::VideoJob& job, const fs::path& folder, int threads) {
  exact::EngineOptions options;
  options.threads = threads;
  exact::Engine engine = take(exact::Engine::create(options));
  base::ThreadPool pool(threads);
  return seconds_of([&] {
    proof::TraceWriter trace = take(proof::TraceWriter::create(folder / "trace"));
    generate::Listener listener;
    listener.after_call = [](std::uint32_t) -> base::Status { return {}; };
    listener.frame = [](std::size_t, const video::FrameView&) -> base::Status { return {}; };
    take(generate::make_video(job, engine, &pool, trace, listener));
    take(trace.commit());
  });
}

struct Customer {
  explicit Customer(const fs::path& home, const Gateway& gateway)
      : key(key_of(1)),
        ledger(http, gateway.server->url()),
        account(ledger, key),
        blobs(take(store::Blobs::open(home))),
        exchange(http, *blobs, unix_seconds),
        requester(http, ledger, account, exchange, *blobs, home / "orders") {}

  double made_there(const node::Order& order) {
    return seconds_of([&] {
      const std::uint64_t task = take(requester.submit(order, {100'000'000, 60'000, 600'000}));
      const auto collected =
          take(requester.collect(task, order, [](const node::Delivery&) -> base::Status { return {}; }));
      if (collected.lost > 0 || !collected.failed.empty()) fail("parts were lost");
    });
  }

  base::SecretKey key;
  node::HttpClient http;
  node::LedgerClient ledger;
  node::Account account;
  std::unique_ptr<store::Blobs> blobs;
  node::BlobExchange exchange;
  node::Requester requester;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) fail("give the folder of a model, such as models/bundled");
  const fs::path model = argv[1];
  const int steps = argc > 2 ? std::atoi(argv[2]) : 120;
  const int batch_steps = argc > 3 ? std::atoi(argv[3]) : 8;
  const fs::path home = fs::temp_directory_path() / ("starling-bench-" + std::to_string(::getpid()));
  const models::Checkpoint checkpoint = take(models::Checkpoint::open(model));
  const base::Hash root = take(checkpoint.root());
  generate::TextToVideo request;
  request.prompt = "a red ball bounces on green ground";
  request.steps = steps;
  const auto threads = static_cast<int>(std::thread::hardware_concurrency());

  std::vector<double> here;
  std::vector<double> there;
  std::vector<double> alone;
  std::vector<double> together;
  {
    const Gateway gateway(home, root);
    const BenchProvider provider(home / "p", gateway, 2, model, threads, 1.0);
    Customer customer(home / "c", gateway);
    for (std::uint64_t i = 0; i < 7; ++i) {
      request.seed = i;
      const node::Order order = take(node::prepare_order(checkpoint, root, {request}));
      here.push_back(made_here(*order.parts[0].job, home, threads));
      there.push_back(customer.made_there(order));
    }
  }
  std::vector<generate::TextToVideo> batch;
  request.steps = batch_steps;
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    request.seed = seed;
    batch.push_back(request);
  }
  const node::Order order = take(node::prepare_order(checkpoint, root, batch));
  // Each is held to so much of a core that three of them and the rest fit the machine.
  const double share = std::min(0.5, 0.1 * threads);
  for (const int count : {1, 3}) {
    fs::remove_all(home);
    const Gateway gateway(home, root);
    std::vector<std::unique_ptr<BenchProvider>> providers;
    for (int i = 0; i < count; ++i) {
      providers.push_back(std::make_unique<BenchProvider>(home / std::to_string(i), gateway, 2 + i, model, 1, share));
    }
    Customer customer(home / "c", gateway);
    (count == 1 ? alone : together).push_back(customer.made_there(order));
  }
  fs::remove_all(home);

  const double added = best(there) - best(here);
  const double gain = best(alone) / best(together);
  std::printf("one video of %d steps     here %.3f s, on the network %.3f s: adds %.0f ms\n", steps, best(here),
              best(there), added * 1000);
  std::printf("30 videos of %d steps     one provider %.2f s, three %.2f s: %.2f x (each has %.2f of a core)\n",
              batch_steps, best(alone), best(together), gain, share);
  std::printf(
      "{\"here_seconds\":%.4f,\"network_seconds\":%.4f,\"added_seconds\":%.4f,\"batch_one_seconds\":%.3f,"
      "\"batch_three_seconds\":%.3f,\"batch_gain\":%.3f}\n",
      best(here), best(there), added, best(alone), best(together), gain);
  return 0;
}
