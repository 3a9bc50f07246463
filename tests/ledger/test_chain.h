#pragma once

#include <vector>

#include "ledger/bank/queries.h"
#include "ledger/chain.h"
#include "ledger/execute.h"
#include "ledger/market/queries.h"
#include "ledger/models/queries.h"

namespace starling::ledger {

inline constexpr std::uint64_t kStart = 1'700'000'000'000;  // the genesis' time
inline constexpr Motes kCredit = kMotesPerCredit;

// An account whose signatures are taken for checked.
base::Address person(std::uint8_t number);
base::Hash hash_of(std::uint64_t number);

// The genesis of the tests: persons 1 to 8 have 1,000 credits each, fees go to person 200.
base::Json test_genesis();

// A ledger in memory. Every block's invariants are checked; the supply must never change.
class TestChain {
 public:
  explicit TestChain(const base::Json& genesis = test_genesis());

  struct Call {
    base::Address from;
    Message message;
  };
  // One block with these calls, each with the nonce and fee that are due, `later` milliseconds after the last block.
  BlockResult block(const std::vector<Call>& calls, std::uint64_t later = 10);
  // One block with one call: its fault, if any.
  std::optional<Fault> send(const base::Address& from, const Message& message, std::uint64_t later = 10);
  // A block with transactions as they are.
  BlockResult block_of(const std::vector<ReadTransaction>& transactions, std::uint64_t later = 10);
  // As the calls would be sent.
  ReadTransaction transaction(const base::Address& from, const Message& message, std::uint64_t nonce_ahead = 0) const;
  // Blocks at every deadline until `time`.
  void run_until(std::uint64_t time);

  const store::MemoryState& state() const { return state_; }
  store::MemoryState& state() { return state_; }
  std::uint64_t now() const { return header_.time; }
  const Header& header() const { return header_; }
  Motes balance(const base::Address& address) const;
  market::Task task(std::uint64_t number) const;
  market::Part part(std::uint64_t task, std::uint32_t index) const;
  market::Provider provider(const base::Address& address) const;
  // Of all outcomes since the beginning.
  const std::vector<base::Hash>& roots() const { return roots_; }

 private:
  store::MemoryState state_;
  Header header_;
  Motes supply_ = 0;
  std::vector<base::Hash> roots_;
};

// What a fault is called, or "fine".
const char* name_of(const std::optional<Fault>& fault);

}  // namespace starling::ledger
