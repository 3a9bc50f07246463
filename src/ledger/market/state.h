#pragma once

#include <string>
#include <vector>

#include "ledger/market/messages.h"
#include "ledger/record.h"

namespace starling::ledger::market {

// Times are in milliseconds: since 1970 where they name a moment.

// Set once, by the genesis.
struct Parameters {
  Motes minimum_stake = 0;            // below it a provider wins nothing
  std::uint64_t auction_time = 0;     // from the first claim to the award
  std::uint64_t reveal_time = 0;      // from commitment to reveal
  std::uint64_t challenge_time = 0;   // from reveal to payment
  std::uint64_t cancel_time = 0;      // for reporting progress after a cancellation
  std::uint64_t unbonding_time = 0;   // from withdrawal to payment
  std::uint64_t suspension_time = 0;  // after the first missed deadline; doubles with each in a row
  std::uint32_t collateral = 0;       // of a task's max_price, in basis points: stake that backs a part
  std::uint32_t late_penalty = 0;     // of a task's max_price, in basis points; at most the collateral
  std::uint32_t attempts = 0;         // misses after which a part is refunded
  std::uint64_t benchmark_age = 0;    // a provider whose last benchmark is older claims nothing; 0: none is needed

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit(1, "minimum_stake", self.minimum_stake);
    visit(2, "auction_time", self.auction_time);
    visit(3, "reveal_time", self.reveal_time);
    visit(4, "challenge_time", self.challenge_time);
    visit(5, "cancel_time", self.cancel_time);
    visit(6, "unbonding_time", self.unbonding_time);
    visit(7, "suspension_time", self.suspension_time);
    visit(8, "collateral", self.collateral);
    visit(9, "late_penalty", self.late_penalty);
    visit(10, "attempts", self.attempts);
    visit(11, "benchmark_age", self.benchmark_age);
  }
};

struct Provider {
  std::vector<std::string> backends;
  std::uint64_t memory_mebibytes = 0;
  std::uint32_t slots = 0;
  std::uint64_t rate = 0;
  std::string endpoint;
  Motes stake = 0;
  Motes locked = 0;        // of the stake: backs parts that are not settled
  std::uint32_t held = 0;  // parts being computed
  // The record. It decides order and limits, nothing else.
  std::uint64_t done = 0;
  std::uint64_t late = 0;
  std::uint64_t wrong = 0;  // found by disputes
  std::uint32_t late_in_a_row = 0;
  std::uint64_t suspended_until = 0;
  std::uint64_t work_done = 0;  // multiply-adds paid for; stays at 2^64 - 1 when it gets there
  Motes earned = 0;             // by parts paid for, without royalties
  std::uint64_t busy_time = 0;  // from award to commitment, summed
  // The benchmark that runs; started 0: none does.
  base::Hash benchmark_seed;
  std::uint64_t benchmark_started = 0;
  // The last one that was reported, at measured_at; 0: there was none.
  base::Hash measured_seed;
  base::Hash measured_root;
  std::uint64_t measured_time = 0;  // from the seed to the report
  std::uint64_t measured_at = 0;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit(1, "backends", self.backends, kMaxBackends, kMaxBackendBytes);
    visit(2, "memory_mebibytes", self.memory_mebibytes);
    visit(3, "slots", self.slots);
    visit(4, "rate", self.rate);
    visit(5, "endpoint", self.endpoint, kMaxEndpointBytes);
    visit(6, "stake", self.stake);
    visit(7, "locked", self.locked);
    visit(8, "held", self.held);
    visit(9, "done", self.done);
    visit(10, "late", self.late);
    visit(11, "wrong", self.wrong);
    visit(12, "late_in_a_row", self.late_in_a_row);
    visit(13, "suspended_until", self.suspended_until);
    visit(14, "work_done", self.work_done);
    visit(15, "busy_time", self.busy_time);
    visit(16, "benchmark_seed", self.benchmark_seed);
    visit(17, "benchmark_started", self.benchmark_started);
    visit(18, "measured_seed", self.measured_seed);
    visit(19, "measured_root", self.measured_root);
    visit(20, "measured_time", self.measured_time);
    visit(21, "measured_at", self.measured_at);
    visit(22, "earned", self.earned);
  }
};

enum class Assurance : std::uint8_t { kSingle = 1 };

struct Task {
  base::Address requester;
  base::Hash program;
  base::Hash model;
  std::uint32_t royalty = 0;  // of the model when the task was submitted
  std::uint64_t work_per_part = 0;
  std::uint32_t calls = 0;
  std::uint64_t memory_mebibytes = 0;
  Motes max_price = 0;
  std::uint64_t time_limit = 0;
  std::uint64_t deadline = 0;
  Assurance assurance = Assurance::kSingle;
  std::uint64_t submitted = 0;
  std::uint32_t parts = 0;
  std::uint32_t open = 0;         // parts that nobody holds
  std::uint32_t unfinished = 0;   // parts not settled: each has max_price in escrow
  std::uint64_t auction_end = 0;  // 0: no auction is on
  std::uint32_t claims = 0;       // in this auction
  bool cancelled = false;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit(1, "requester", self.requester);
    visit(2, "program", self.program);
    visit(3, "model", self.model);
    visit(4, "royalty", self.royalty);
    visit(5, "work_per_part", self.work_per_part);
    visit(6, "calls", self.calls);
    visit(7, "memory_mebibytes", self.memory_mebibytes);
    visit(8, "max_price", self.max_price);
    visit(9, "time_limit", self.time_limit);
    visit(10, "deadline", self.deadline);
    visit(11, "assurance", self.assurance);
    visit(12, "submitted", self.submitted);
    visit(13, "parts", self.parts);
    visit(14, "open", self.open);
    visit(15, "unfinished", self.unfinished);
    visit(16, "auction_end", self.auction_end);
    visit(17, "claims", self.claims);
    visit(18, "cancelled", self.cancelled);
  }
};

enum class PartState : std::uint8_t {
  kOpen = 0,
  kHeld = 1,       // a provider computes it
  kCommitted = 2,  // the provider is bound to a result
  kRevealed = 3,   // the result is known; the challenge window is open
  kStopped = 4,    // cancelled while held; the provider may report how far it is, or commit what is ready
  kProved = 5,     // that report's challenge window is open
  kPaid = 6,
  kPartlyPaid = 7,
  kRefunded = 8,
};

struct Part {
  base::Hash input;
  PartState state = PartState::kOpen;
  std::uint32_t attempts = 0;  // that missed
  // From here on: of the present holder, or of the last one when the part is settled.
  base::Address provider;
  Motes price = 0;
  Motes collateral = 0;
  std::uint64_t awarded = 0;
  std::uint64_t due = 0;    // when the present state ends by itself
  std::uint32_t calls = 0;  // reported
  base::Hash calls_root;
  base::Hash commitment;
  base::Hash output_root;
  base::Hash trace_root;
  base::Hash receipt;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit(1, "input", self.input);
    visit(2, "state", self.state);
    visit(3, "attempts", self.attempts);
    visit(4, "provider", self.provider);
    visit(5, "price", self.price);
    visit(6, "collateral", self.collateral);
    visit(7, "awarded", self.awarded);
    visit(8, "due", self.due);
    visit(9, "calls", self.calls);
    visit(10, "calls_root", self.calls_root);
    visit(11, "commitment", self.commitment);
    visit(12, "output_root", self.output_root);
    visit(13, "trace_root", self.trace_root);
    visit(14, "receipt", self.receipt);
  }
};

struct Claim {
  std::uint32_t parts = 0;
  std::uint64_t rate = 0;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit(1, "parts", self.parts);
    visit(2, "rate", self.rate);
  }
};

struct Withdrawal {
  base::Address provider;
  Motes motes = 0;
  std::uint64_t due = 0;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit(1, "provider", self.provider);
    visit(2, "motes", self.motes);
    visit(3, "due", self.due);
  }
};

// A benchmark that was asked for and whose seed is not drawn yet.
struct Drawing {
  base::Address provider;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit(1, "provider", self.provider);
  }
};

// Numbers given out so far.
struct Counters {
  std::uint64_t tasks = 0;
  std::uint64_t withdrawals = 0;
  std::uint64_t benchmarks = 0;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit(1, "tasks", self.tasks);
    visit(2, "withdrawals", self.withdrawals);
    visit(3, "benchmarks", self.benchmarks);
  }
};

inline constexpr std::uint32_t kMaxClaims = 256;
inline constexpr std::uint64_t kMinTimeLimit = 1'000;
inline constexpr std::uint64_t kMaxDeadline = std::uint64_t{30} * 24 * 3600 * 1000;  // from the submission

const char* name_of(Assurance assurance);
const char* name_of(PartState state);
// What has this name; false, and no change, when nothing does.
bool from_name(const std::string& name, Assurance& assurance);
bool from_name(const std::string& name, PartState& state);
bool is_settled(PartState state);

inline constexpr char kModule = 'k';
Key parameters_key();
Key counters_key();
Key provider_key(const base::Address& provider);
Key task_key(std::uint64_t task);
Key part_key(std::uint64_t task, std::uint32_t part);
Key claims_key(std::uint64_t task);  // of all claims of a task; the provider follows
Key claim_key(std::uint64_t task, const base::Address& provider);
Key withdrawal_key(std::uint64_t number);
Key benchmark_key(std::uint64_t number);
// Lists: entries without a value.
Key open_tasks_key();
Key open_task_key(std::uint64_t task);
Key requester_tasks_key(const base::Address& requester);
Key requester_task_key(const base::Address& requester, std::uint64_t task);
Key provider_parts_key(const base::Address& provider);  // not settled
Key provider_part_key(const base::Address& provider, std::uint64_t task, std::uint32_t part);
// All providers, all tasks, all withdrawals, all drawings: for scans.
Key providers_key();
Key tasks_key();
Key withdrawals_key();
Key benchmarks_key();

// SHA-256 of output_root ‖ trace_root ‖ receipt ‖ salt ‖ the provider's address (20 bytes): copying another's says
// nothing.
base::Hash result_commitment(const RevealResult& result, const base::Address& provider);
// What a part costs at a rate, rounded up; nothing when that is more than there can be.
std::optional<Motes> part_price(std::uint64_t work, std::uint64_t rate);

}  // namespace starling::ledger::market
