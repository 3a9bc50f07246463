#pragma once

#include <string>
#include <vector>

#include "base/hash.h"
#include "base/signature.h"
#include "ledger/amount.h"

namespace starling::ledger::market {

inline constexpr std::size_t kMaxBackends = 16;
inline constexpr std::size_t kMaxBackendBytes = 32;
inline constexpr std::size_t kMaxEndpointBytes = 256;
inline constexpr std::size_t kMaxAssuranceBytes = 16;
inline constexpr std::size_t kMaxParts = 256;
inline constexpr std::uint32_t kMaxSlots = 64;

// Rates are in motes for 10^12 multiply-adds.
inline constexpr std::uint64_t kRateWork = 1'000'000'000'000;

// Makes the sender a provider, or replaces what it said of itself, and starts a benchmark.
struct RegisterProvider {
  std::vector<std::string> backends;  // such as "avx512"
  std::uint64_t memory_mebibytes = 0;
  std::uint32_t slots = 0;  // parts it holds at a time
  std::uint64_t rate = 0;   // the most that it asks
  std::string endpoint;     // where its outputs are fetched

  static constexpr std::uint32_t kNumber = 32;
  static constexpr const char* kName = "RegisterProvider";
  std::uint64_t work() const { return 8 + backends.size(); }
  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit(1, "backends", self.backends, kMaxBackends, kMaxBackendBytes);
    visit(2, "memory_mebibytes", self.memory_mebibytes);
    visit(3, "slots", self.slots);
    visit(4, "rate", self.rate);
    visit(5, "endpoint", self.endpoint, kMaxEndpointBytes);
  }
};

// Moves motes of a provider from its account to its stake.
struct AddStake {
  Motes motes = 0;

  static constexpr std::uint32_t kNumber = 33;
  static constexpr const char* kName = "AddStake";
  std::uint64_t work() const { return 2; }
  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit(1, "motes", self.motes);
  }
};

// Takes motes that back no part out of the stake; they reach the account when the unbonding time is over.
struct WithdrawStake {
  Motes motes = 0;

  static constexpr std::uint32_t kNumber = 34;
  static constexpr const char* kName = "WithdrawStake";
  std::uint64_t work() const { return 4; }
  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit(1, "motes", self.motes);
  }
};

// Asks for a program to be run, once for each of `inputs`, and puts max_price for each into escrow.
struct SubmitTask {
  base::Hash program;               // root of the program, the same for all parts
  base::Hash model;                 // root of a registered model, or zeros: none
  std::vector<base::Hash> inputs;   // by part: name of the blob that describes it (prompt, seed, size)
  std::uint64_t work_per_part = 0;  // multiply-adds
  std::uint32_t calls = 0;          // of the program
  std::uint64_t memory_mebibytes = 0;
  Motes max_price = 0;           // for a part
  std::uint64_t time_limit = 0;  // milliseconds from the award of a part to its commitment
  std::uint64_t deadline = 0;    // milliseconds since 1970: what is not committed by then is refunded
  std::string assurance;         // "single"

  static constexpr std::uint32_t kNumber = 35;
  static constexpr const char* kName = "SubmitTask";
  std::uint64_t work() const { return 4 + 2 * inputs.size(); }
  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit(1, "program", self.program);
    visit(2, "model", self.model);
    visit(3, "inputs", self.inputs, kMaxParts);
    visit(4, "work_per_part", self.work_per_part);
    visit(5, "calls", self.calls);
    visit(6, "memory_mebibytes", self.memory_mebibytes);
    visit(7, "max_price", self.max_price);
    visit(8, "time_limit", self.time_limit);
    visit(9, "deadline", self.deadline);
    visit(10, "assurance", self.assurance, kMaxAssuranceBytes);
  }
};

// A provider's bid: up to so many parts of a task at this rate.
struct ClaimTask {
  std::uint64_t task = 0;
  std::uint32_t parts = 0;
  std::uint64_t rate = 0;

  static constexpr std::uint32_t kNumber = 36;
  static constexpr const char* kName = "ClaimTask";
  std::uint64_t work() const { return 6; }
  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit(1, "task", self.task);
    visit(2, "parts", self.parts);
    visit(3, "rate", self.rate);
  }
};

// How far a part is: what is paid if its task is cancelled. Not of all calls: whoever has done them commits the result.
struct ReportProgress {
  std::uint64_t task = 0;
  std::uint32_t part = 0;
  std::uint32_t calls = 0;  // done
  base::Hash calls_root;    // list root of their roots

  static constexpr std::uint32_t kNumber = 37;
  static constexpr const char* kName = "ReportProgress";
  std::uint64_t work() const { return 3; }
  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit(1, "task", self.task);
    visit(2, "part", self.part);
    visit(3, "calls", self.calls);
    visit(4, "calls_root", self.calls_root);
  }
};

// Binds the provider to its result without showing it; see result_commitment() in state.h. Also of a part that was
// stopped when the result was there already.
struct CommitResult {
  std::uint64_t task = 0;
  std::uint32_t part = 0;
  base::Hash commitment;

  static constexpr std::uint32_t kNumber = 38;
  static constexpr const char* kName = "CommitResult";
  std::uint64_t work() const { return 3; }
  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit(1, "task", self.task);
    visit(2, "part", self.part);
    visit(3, "commitment", self.commitment);
  }
};

// Shows the result that was committed; it is paid when the challenge window closes.
struct RevealResult {
  std::uint64_t task = 0;
  std::uint32_t part = 0;
  base::Hash output_root;
  base::Hash trace_root;
  base::Hash receipt;  // SHA-256 of the receipt's file
  base::Hash salt;

  static constexpr std::uint32_t kNumber = 39;
  static constexpr const char* kName = "RevealResult";
  std::uint64_t work() const { return 4; }
  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit(1, "task", self.task);
    visit(2, "part", self.part);
    visit(3, "output_root", self.output_root);
    visit(4, "trace_root", self.trace_root);
    visit(5, "receipt", self.receipt);
    visit(6, "salt", self.salt);
  }
};

// The requester wants no more: parts that nobody holds are refunded, those that run are paid as far as they are.
struct CancelTask {
  std::uint64_t task = 0;

  static constexpr std::uint32_t kNumber = 40;
  static constexpr const char* kName = "CancelTask";
  std::uint64_t work() const { return 4 + 2 * kMaxParts; }
  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit(1, "task", self.task);
  }
};

// Begins the provider's benchmark anew: its seed is drawn from the hash of this transaction's block.
struct StartBenchmark {
  static constexpr std::uint32_t kNumber = 41;
  static constexpr const char* kName = "StartBenchmark";
  std::uint64_t work() const { return 4; }
  template <typename Self, typename Visitor>
  static void fields(Self& /*self*/, Visitor& /*visit*/) {}
};

// Ends the benchmark that runs. What counts as its time is the block time since its seed was there.
struct ReportBenchmark {
  base::Hash output_root;  // of the benchmark program on the seed

  static constexpr std::uint32_t kNumber = 42;
  static constexpr const char* kName = "ReportBenchmark";
  std::uint64_t work() const { return 3; }
  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit(1, "output_root", self.output_root);
  }
};

}  // namespace starling::ledger::market
