// What the state costs: store_bench FOLDER [ENTRIES]. Makes a state of ENTRIES accounts (1,000,000 unless said
// otherwise) in FOLDER, which must not exist, and prints what committing, opening again and proving take.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "store/state_store.h"

namespace {

using namespace starling;
using store::StateStore;
using store::Write;

constexpr std::size_t kBlock = 10'000;

double seconds() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

template <typename T>
T value_or_exit(base::Result<T> result) {
  if (result.ok()) return std::move(*result);
  std::fprintf(stderr, "error: %s\n", result.error().message.c_str());
  std::exit(1);
}

// An account as a ledger would keep it: 25 bytes of key, 40 of value.
Write account(std::uint64_t number, std::uint64_t balance) {
  const base::Hash address = base::sha256(base::as_bytes(std::to_string(number)));
  Write write;
  write.key.resize(25);
  std::copy_n("bank/", 5, write.key.begin());
  std::copy_n(address.bytes.begin(), 20, write.key.begin() + 5);
  write.value.emplace(40);
  for (std::size_t i = 0; i < 8; ++i) (*write.value)[i] = static_cast<std::uint8_t>(balance >> (8 * i));
  return write;
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2 || argc > 3 || std::filesystem::exists(argv[1])) {
    std::fprintf(stderr, "usage: %s FOLDER [ENTRIES]; the folder must not exist\n", argv[0]);
    return 1;
  }
  const std::uint64_t entries = argc == 3 ? std::strtoull(argv[2], nullptr, 10) : 1'000'000;
  if (entries == 0) return 1;
  auto state = value_or_exit(StateStore::open(argv[1]));
  std::uint64_t height = 0;

  double start = seconds();
  std::vector<Write> writes;
  for (std::uint64_t number = 0; number < entries; ++number) {
    writes.push_back(account(number, number));
    if (writes.size() == 10 * kBlock || number + 1 == entries) {
      value_or_exit(state->commit(writes, ++height));
      writes.clear();
    }
  }
  std::printf("%-44s %10.2f s\n", "made, in blocks of 100,000", seconds() - start);

  std::mt19937_64 random(1);
  std::vector<double> times;
  const double cpu_start = cpu_seconds();
  for (int block = 0; block < 30; ++block) {
    writes.clear();
    for (std::size_t i = 0; i < kBlock; ++i) writes.push_back(account(random() % entries, random()));
    start = seconds();
    value_or_exit(state->commit(writes, ++height));
    times.push_back(seconds() - start);
  }
  std::printf("%-44s %10.0f /s (median of 30; slowest %.0f /s)\n", "updates, in blocks of 10,000",
              kBlock / median(times), kBlock / *std::ranges::max_element(times));
  std::printf("%-44s %10.0f /s and core, by processor time\n", "", 30 * kBlock / (cpu_seconds() - cpu_start));

  times.clear();
  for (int block = 0; block < 100; ++block) {
    const std::vector<Write> one = {account(random() % entries, random())};
    start = seconds();
    value_or_exit(state->commit(one, ++height));
    times.push_back(seconds() - start);
  }
  std::printf("%-44s %10.2f ms (median of 100)\n", "a block of one update", 1e3 * median(times));

  times.clear();
  double cpu = 0;
  for (int i = 0; i < 5; ++i) {
    const base::Hash root = state->root();
    state.reset();
    start = seconds();
    const double opening = cpu_seconds();
    state = value_or_exit(StateStore::open(argv[1]));
    times.push_back(seconds() - start);
    cpu = std::max(cpu, cpu_seconds() - opening);
    if (state->root() != root) return 1;
    for (int block = 0; block < 5; ++block) {
      writes.clear();
      for (std::size_t j = 0; j < kBlock; ++j) writes.push_back(account(random() % entries, random()));
      value_or_exit(state->commit(writes, ++height));
    }
  }
  std::printf("%-44s %10.2f s (slowest of 5), %.2f s of processor time\n", "opened again",
              *std::ranges::max_element(times), cpu);

  std::size_t longest = 0;
  std::size_t total = 0;
  double proving = 0;
  double checking = 0;
  constexpr int kProofs = 20'000;
  const auto snapshot = value_or_exit(state->snapshot());
  for (int i = 0; i < kProofs; ++i) {
    const base::Bytes key = account(random() % (2 * entries), 0).key;  // every other one is not there
    start = seconds();
    const store::ProvenValue proven = value_or_exit(snapshot->prove(key));
    proving += seconds() - start;
    const base::Bytes encoded = store::encode_proof(proven.proof);
    start = seconds();
    const store::StateProof decoded = value_or_exit(store::decode_proof(encoded));
    if (!store::verify_proof(snapshot->state().root, key, proven.value, decoded)) return 1;
    checking += seconds() - start;
    longest = std::max(longest, encoded.size());
    total += encoded.size();
  }
  std::printf("%-44s %10zu bytes (longest %zu)\n", "proof", total / kProofs, longest);
  std::printf("%-44s %10.1f us to make, %.1f us to decode and check\n", "", 1e6 * proving / kProofs,
              1e6 * checking / kProofs);
  return 0;
}
