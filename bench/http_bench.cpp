// What the ledger takes over HTTP: http_bench FOLDER [TRANSFERS [BATCH [CLIENTS]]]. Begins a chain in FOLDER, which
// must not exist, and posts TRANSFERS (100,000) transfers, signed before, in batches of BATCH (1,000) from CLIENTS (4)
// at once; each is answered when its block is on the disk. Signature checks alone are measured in the same run.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "api/ledger_endpoints.h"
#include "api/server.h"
#include "base/thread_pool.h"
#include "consensus/embedded.h"
#include "measure.h"
#include "node/devnet.h"
#include "node/http_client.h"

namespace {

using namespace starling;
using namespace starling::bench;

base::Json make_genesis(std::size_t senders) {
  std::vector<base::Address> accounts;
  for (std::size_t i = 0; i < senders; ++i) accounts.push_back(key_of(i).address());
  return node::devnet_genesis(key_of(senders).address(), {}, accounts, {}, 1'700'000'000'000);
}

std::vector<ledger::ReadTransaction> make_transfers(std::size_t count, std::size_t senders, base::ThreadPool& pool) {
  std::vector<ledger::ReadTransaction> transfers(count);
  pool.run(count, 64, [&](std::size_t begin, std::size_t end, int /*thread*/) {
    for (std::size_t i = begin; i < end; ++i) {
      ledger::Transaction transaction;
      transaction.chain_id = node::kDevnetChain;
      transaction.nonce = i / senders;
      transaction.fee = 1'000;
      transaction.message = ledger::bank::Transfer{key_of((i + 1) % senders).address(), 1};
      ledger::sign_transaction(transaction, key_of(i % senders));
      transfers[i] = take(ledger::read_transaction(ledger::encode_transaction(transaction)));
    }
  });
  return transfers;
}

std::string make_body(const std::vector<ledger::ReadTransaction>& transfers, std::size_t begin, std::size_t end) {
  std::string body;
  for (std::size_t i = begin; i < end; ++i) {
    const base::Bytes bytes = ledger::encode_transaction(transfers[i].transaction);
    for (int shift = 0; shift < 32; shift += 8) body.push_back(static_cast<char>(bytes.size() >> shift & 0xff));
    body.append(bytes.begin(), bytes.end());
  }
  return body;
}

std::size_t count_done(const std::string& reply) {
  std::size_t done = 0;
  for (std::size_t at = reply.find("\"code\":0"); at != std::string::npos; at = reply.find("\"code\":0", at + 1))
    ++done;
  return done;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2 || argc > 5 || std::filesystem::exists(argv[1])) {
    fail("usage: starling_bench_http FOLDER [TRANSFERS [BATCH [CLIENTS]]]; the folder must not exist");
  }
  const std::filesystem::path folder = argv[1];
  const std::size_t count = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 100'000;
  const std::size_t batch = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 1'000;
  const int clients = argc > 4 ? std::atoi(argv[4]) : 4;
  if (count == 0 || batch == 0 || clients < 1) fail("nothing to send");
  // More senders than are in flight: whatever batch comes first, no nonce is far ahead.
  const std::size_t senders = std::max<std::size_t>(batch * static_cast<std::size_t>(clients), 1'000);
  base::ThreadPool pool;
  auto transfers = make_transfers(count, senders, pool);
  std::vector<std::string> bodies;
  for (std::size_t begin = 0; begin < count; begin += batch) {
    bodies.push_back(make_body(transfers, begin, std::min(count, begin + batch)));
  }

  const std::size_t sample = std::min<std::size_t>(count, 20'000);
  std::vector<ledger::ReadTransaction> checked(transfers.begin(),
                                               transfers.begin() + static_cast<std::ptrdiff_t>(sample));
  double start = seconds();
  ledger::verify_all(checked, pool);
  const double bare = static_cast<double>(sample) / (seconds() - start);

  std::filesystem::create_directories(folder);
  const auto chain = take(consensus::Embedded::open(folder / "chain", make_genesis(senders), key_of(999'999'999)));
  api::Router router;
  router.add(api::ledger_routes(*chain, {}));
  const auto server = take(api::Server::start(std::move(router), {}));
  const std::string url = server->url() + "/v1/transactions";
  node::HttpClient client;
  std::atomic<std::size_t> next = 0;
  std::atomic<std::size_t> done = 0;
  const auto post = [&] {
    for (std::size_t i = next++; i < bodies.size(); i = next++) {
      done += count_done(take(client.post(url, std::move(bodies[i]), "application/octet-stream")).body);
    }
  };
  start = seconds();
  std::vector<std::thread> threads;
  for (int i = 0; i < clients; ++i) threads.emplace_back(post);
  for (std::thread& thread : threads) thread.join();
  const double rate = static_cast<double>(count) / (seconds() - start);
  if (done != count) fail(std::to_string(count - done) + " transfers were refused");
  const auto blocks = static_cast<double>(chain->height());
  std::printf("%-52s %10.0f /s on %d threads\n", "signature checks alone", bare, pool.threads());
  std::printf("%-52s %10.0f /s, %.2f of it; %.0f blocks, each synced\n", "transfers over HTTP, in blocks that last",
              rate, rate / bare, blocks);
  std::printf(
      "{\"transfers\":%zu,\"batch\":%zu,\"clients\":%d,\"checks_per_second\":%.0f,\"transfers_per_second\":%.0f,"
      "\"ratio\":%.3f}\n",
      count, batch, clients, bare, rate, rate / bare);
  return 0;
}
