// What the embedded chain carries: consensus_bench FOLDER [ACCOUNTS [TRANSFERS]]. Begins a chain of ACCOUNTS accounts
// (10,000 unless said otherwise) in FOLDER, which must not exist, sends TRANSFERS signed transfers (100,000) in batches
// from several callers at once, follows the same blocks on a second chain, and opens the first one again. Signature
// checks alone are measured in the same run.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "base/encoding.h"
#include "base/thread_pool.h"
#include "consensus/embedded.h"
#include "ledger/bank/queries.h"

namespace {

using namespace starling;
using consensus::Embedded;
using ledger::ReadTransaction;

constexpr std::size_t kBatch = 5'000;
constexpr int kCallers = 4;

double seconds() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }
double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

template <typename T>
T value_or_exit(base::Result<T> result) {
  if (result.ok()) return std::move(*result);
  std::fprintf(stderr, "error: %s\n", result.error().message.c_str());
  std::exit(1);
}

void check(const base::Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "error: %s\n", status.error().message.c_str());
  std::exit(1);
}

base::SecretKey key_of(std::uint64_t number) {
  base::Encoder encoder;
  encoder.text("bench");
  encoder.u64(number);
  return value_or_exit(base::SecretKey::from_bytes(base::sha256(encoder.data()).bytes));
}

// An account that has no key.
base::Address nobody(std::uint64_t number) {
  const base::Hash hash = base::sha256(base::as_bytes("nobody " + std::to_string(number)));
  base::Address address;
  std::copy_n(hash.bytes.begin(), address.bytes.size(), address.bytes.begin());
  return address;
}

// All accounts; the first ones are those of the senders.
std::vector<base::Address> make_accounts(std::size_t count, std::size_t senders, base::ThreadPool& pool) {
  std::vector<base::Address> accounts(count);
  pool.run(count, 64, [&](std::size_t begin, std::size_t end, int /*thread*/) {
    for (std::size_t i = begin; i < end; ++i) accounts[i] = i < senders ? key_of(i).address() : nobody(i);
  });
  return accounts;
}

base::Json make_genesis(const std::vector<base::Address>& accounts) {
  std::string text = R"({"chain": {"chain_id": 7001, "fee_account": "0x00000000000000000000000000000000000000fe",
    "fee_per_byte": 1, "fee_per_work": 10, "max_block_bytes": 16000000, "max_block_work": 100000,
    "time": "1700000000000"}, "models": [], "market": {"minimum_stake": "1000000000", "auction_time": 100,
    "reveal_time": 1000, "challenge_time": 500, "cancel_time": 200, "unbonding_time": 5000, "suspension_time": 1000,
    "collateral": 20000, "late_penalty": 5000, "attempts": 3, "benchmark_age": 0}, "bank": {"accounts": {)";
  for (std::size_t i = 0; i < accounts.size(); ++i) {
    text += (i == 0 ? "\"0x" : ",\"0x") + base::to_hex(accounts[i].bytes) + "\":1000000000000";
  }
  text += "}}}";
  return value_or_exit(
      base::Json::parse(text, "the genesis", {.bytes = text.size(), .depth = 8, .values = text.size()}));
}

std::vector<ReadTransaction> make_transfers(std::size_t count, std::size_t senders,
                                            const std::vector<base::Address>& accounts, base::ThreadPool& pool) {
  std::vector<ReadTransaction> transfers(count);
  std::mt19937_64 random(1);
  std::vector<std::size_t> to(count);
  for (std::size_t& each : to) each = random() % accounts.size();
  pool.run(count, 64, [&](std::size_t begin, std::size_t end, int /*thread*/) {
    for (std::size_t i = begin; i < end; ++i) {
      ledger::Transaction transaction;
      transaction.chain_id = 7001;
      transaction.nonce = i / senders;
      transaction.fee = 1'000;
      transaction.message = ledger::bank::Transfer{accounts[to[i]], 1};
      ledger::sign_transaction(transaction, key_of(i % senders));
      transfers[i] = value_or_exit(ledger::read_transaction(ledger::encode_transaction(transaction)));
    }
  });
  return transfers;
}

// Batches go out in order, from whichever caller is free.
double send(Embedded& chain, const std::vector<ReadTransaction>& transfers) {
  std::atomic<std::size_t> next = 0;
  const auto call = [&] {
    for (std::size_t begin = next.fetch_add(kBatch); begin < transfers.size(); begin = next.fetch_add(kBatch)) {
      const auto first = transfers.begin() + static_cast<std::ptrdiff_t>(begin);
      const auto count = static_cast<std::ptrdiff_t>(std::min(kBatch, transfers.size() - begin));
      for (const auto& result : value_or_exit(chain.submit({first, first + count}))) {
        if (result.height == 0 || result.outcome.fault.has_value()) {
          std::fprintf(stderr, "error: a transfer was refused\n");
          std::exit(1);
        }
      }
    }
  };
  const double start = seconds();
  std::vector<std::thread> callers;
  for (int i = 0; i < kCallers; ++i) callers.emplace_back(call);
  for (std::thread& caller : callers) caller.join();
  return seconds() - start;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2 || argc > 4 || std::filesystem::exists(argv[1])) {
    std::fprintf(stderr, "usage: %s FOLDER [ACCOUNTS [TRANSFERS]]; the folder must not exist\n", argv[0]);
    return 1;
  }
  const std::filesystem::path folder = argv[1];
  const std::size_t accounts = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 10'000;
  const std::size_t count = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 100'000;
  if (accounts == 0 || count == 0) return 1;
  base::ThreadPool pool;
  const std::size_t senders = std::min(accounts, count);
  const auto addresses = make_accounts(accounts, senders, pool);
  auto transfers = make_transfers(count, senders, addresses, pool);

  const std::size_t sample = std::min<std::size_t>(count, 20'000);
  std::vector<ReadTransaction> checked(transfers.begin(), transfers.begin() + static_cast<std::ptrdiff_t>(sample));
  double start = seconds();
  ledger::verify_all(checked, pool);
  const double bare = static_cast<double>(sample) / (seconds() - start);
  std::printf("%-52s %10.0f /s on %d threads\n", "signature checks alone", bare, pool.threads());

  consensus::SignedHeader last;
  std::vector<consensus::Block> blocks;
  std::filesystem::create_directories(folder);
  {
    const base::Json genesis = make_genesis(addresses);
    start = seconds();
    consensus::EmbeddedOptions options;
    options.ahead.wait = std::chrono::seconds(60);  // callers overtake each other
    const auto chain = value_or_exit(Embedded::open(folder / "one", genesis, key_of(1), options));
    std::printf("%-52s %10.2f s\n", "begun from its genesis", seconds() - start);
    const double cpu = cpu_seconds();
    const double took = send(*chain, transfers);
    const double rate = static_cast<double>(count) / took;
    std::printf("%-52s %10.0f /s (%.2f of signature checks alone; %.1f us of processor time each)\n",
                "signed transfers, durable, 4 callers of 5,000", rate, rate / bare,
                1e6 * (cpu_seconds() - cpu) / static_cast<double>(count));
    for (consensus::Height height = 1; height <= chain->height(); ++height) {
      blocks.push_back(*value_or_exit(chain->block(height)));
    }
    std::printf("%-52s %10zu\n", "blocks", blocks.size());
    last = value_or_exit(chain->header(chain->height())).value();

    const auto other = value_or_exit(Embedded::open(folder / "two", genesis, key_of(1)));
    start = seconds();
    const double cpu_before = cpu_seconds();
    check(other->follow(blocks, true));
    std::printf("%-52s %10.0f /s (%.1f us of processor time each)\n", "transfers of checked blocks, executed again",
                static_cast<double>(count) / (seconds() - start),
                1e6 * (cpu_seconds() - cpu_before) / static_cast<double>(count));
    if (value_or_exit(other->header(other->height())) != last) return 1;
  }
  double slowest = 0;
  double slowest_cpu = 0;
  for (int i = 0; i < 3; ++i) {
    start = seconds();
    const double cpu = cpu_seconds();
    const auto chain = value_or_exit(Embedded::open(folder / "one", std::nullopt, key_of(1)));
    slowest = std::max(slowest, seconds() - start);
    slowest_cpu = std::max(slowest_cpu, cpu_seconds() - cpu);
    if (value_or_exit(chain->header(chain->height())) != last) return 1;
  }
  std::printf("%-52s %10.2f s (slowest of 3; %.2f s of processor time)\n", "opened again", slowest, slowest_cpu);
  return 0;
}
