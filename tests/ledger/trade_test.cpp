// Random trade: thousands of valid and senseless transactions, with every invariant checked after every block. A run
// that fails is made shorter before it is shown.
#include <gtest/gtest.h>

#include <cstdlib>
#include <sstream>

#include "ledger/modules.h"
#include "ledger/schedule.h"
#include "test_chain.h"

namespace starling::ledger {
namespace {

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t below(std::uint64_t bound) {
    state_ = state_ * 6364136223846793005U + 1442695040888963407U;
    return (state_ >> 33U) % bound;
  }
  bool one_in(std::uint64_t count) { return below(count) == 0; }

 private:
  std::uint64_t state_;
};

// One act of somebody, told apart from the state it meets, so that acts can be left out.
struct Step {
  std::uint64_t seed;
  std::uint64_t later;  // milliseconds since the block before
};

constexpr std::uint64_t kPeople = 8;

base::Address someone(Random& random) { return person(static_cast<std::uint8_t>(1 + random.below(kPeople))); }

std::uint64_t number(Random& random) {
  switch (random.below(8)) {
    case 0:
      return 0;
    case 1:
      return ~std::uint64_t{0} - random.below(3);
    case 2:
      return random.below(2000) * kCredit;
    default:
      return random.below(10'000);
  }
}

std::uint64_t some_task(Random& random, const store::StateView& state) {
  const auto tasks = market::open_tasks(state, 0, 1000);
  if (!tasks->empty() && !random.one_in(4)) return (*tasks)[random.below(tasks->size())];
  return random.below(40);
}

market::SubmitTask some_new_task(Random& random, std::uint64_t now) {
  market::SubmitTask task;
  task.program = hash_of(1);
  if (random.one_in(2)) task.model = hash_of(random.below(4));
  task.inputs.resize(random.below(6));
  task.work_per_part = random.one_in(20) ? number(random) : 1 + random.below(3 * market::kRateWork);
  task.calls = static_cast<std::uint32_t>(random.below(12));
  task.memory_mebibytes = random.below(20);
  task.max_price = random.one_in(10) ? number(random) : 500 + random.below(5000);
  task.time_limit = random.one_in(20) ? number(random) : 1000 + random.below(4000);
  task.deadline = random.one_in(20) ? number(random) : now + 1000 + random.below(20'000);
  task.assurance = random.one_in(30) ? "ledger" : "single";
  return task;
}

// What the holder of a part does next; nothing when the sender holds none.
std::optional<Message> some_work(Random& random, const store::StateView& state, const base::Address& from) {
  const auto held = *market::parts_of(state, from);
  if (held.empty()) return std::nullopt;
  const auto [task, index] = held[random.below(held.size())];
  market::RevealResult result{task, index, hash_of(1), hash_of(2), hash_of(3), hash_of(random.one_in(8) ? 5 : 4)};
  switch (random.below(4)) {
    case 0:
      return market::ReportProgress{task, index, static_cast<std::uint32_t>(random.below(12)), hash_of(5)};
    case 1:
      return result;
    default:
      return (*market::part(state, task, index))->state != market::PartState::kCommitted
                 ? Message(market::CommitResult{task, index, market::result_commitment(result, from)})
                 : Message(result);
  }
}

Message some_message(Random& random, const store::StateView& state, const base::Address& from, std::uint64_t now) {
  if (random.below(10) < 6) {
    if (auto work = some_work(random, state, from)) return *work;
  }
  switch (random.below(18)) {
    case 0:
      return bank::Transfer{person(static_cast<std::uint8_t>(random.below(12))), number(random)};
    case 1:
      return models::RegisterModel{hash_of(random.below(4)), "m", static_cast<std::uint32_t>(random.below(5100)), {}};
    case 2:
      return models::UpdateModel{
          hash_of(random.below(4)), someone(random), "n", static_cast<std::uint32_t>(random.below(5100)), {"x"}};
    case 3:
      return market::RegisterProvider{
          {"generic"}, random.below(80), static_cast<std::uint32_t>(random.below(5)), random.below(2500), ""};
    case 4:
      return market::AddStake{random.one_in(3) ? number(random) : 2 * kCredit};
    case 5:
      return market::WithdrawStake{number(random)};
    case 6:
    case 7:
      return some_new_task(random, now);
    case 8:
      return market::CancelTask{some_task(random, state)};
    case 9: {
      const auto task = random.below(40);
      return market::CommitResult{task, static_cast<std::uint32_t>(random.below(6)), hash_of(1)};
    }
    case 10:
      return market::StartBenchmark{};
    case 11:
      return market::ReportBenchmark{hash_of(random.below(4))};
    default:
      return market::ClaimTask{some_task(random, state), static_cast<std::uint32_t>(random.below(4)),
                               random.one_in(20) ? number(random) : random.below(2000)};
  }
}

struct Report {
  std::string failure;
  std::map<std::string, int> faults;  // how often each happened
  base::Hash root;
};

// Runs the steps, one block each, on a ledger of its own.
Report run(const std::vector<Step>& steps) {
  Report report;
  store::MemoryState state;
  base::Json genesis = test_genesis();
  base::Json market = *genesis.find("market");
  market.set("benchmark_age", 20'000);
  genesis.set("market", market);
  if (!state.apply(*read_genesis(genesis)).ok()) return {"the genesis does not fit", {}, {}};
  Header header = *last_header(state);
  base::Sha256 all;
  for (std::size_t i = 0; i < steps.size() && report.failure.empty(); ++i) {
    Random random(steps[i].seed);
    header = {header.height + 1, header.time + steps[i].later, hash_of(steps[i].seed)};
    std::vector<ReadTransaction> transactions;
    std::map<base::Address, std::uint64_t> sent;
    for (std::uint64_t count = random.below(8); count > 0; --count) {
      Transaction transaction;
      transaction.chain_id = random.one_in(50) ? 1 : 7001;
      transaction.from = someone(random);
      transaction.nonce = bank::account(state, transaction.from)->nonce + sent[transaction.from]++;
      if (random.one_in(20)) transaction.nonce += random.below(3) - 1;
      transaction.fee = random.one_in(30) ? number(random) : 10'000;
      transaction.message = some_message(random, state, transaction.from, header.time);
      auto read = read_transaction(encode_transaction(transaction));
      if (!read.ok()) continue;
      read->verified = !random.one_in(60);
      transactions.push_back(*std::move(read));
    }
    const auto result = execute_block(state, header, transactions);
    if (!result.ok()) {
      report.failure = "block " + std::to_string(i) + ": " + result.error().message;
      break;
    }
    for (const Outcome& outcome : result->outcomes) ++report.faults[name_of(outcome.fault)];
    for (const Event& event : result->events) ++report.faults[event.name];
    all.update(outcomes_root(*result).bytes);
    for (const store::Write& write : result->writes) {
      all.update(write.key);
      all.update(write.value.value_or(base::Bytes()));
    }
    if (!state.apply(result->writes).ok()) report.failure = "the writes do not fit";
    const base::Status sound = check_invariants(state);
    if (!sound.ok()) report.failure = "block " + std::to_string(i) + ": " + sound.error().message;
    if (*bank::supply(state) != 8000 * kCredit) report.failure = "the supply changed";
    if (*next_deadline(state) <= std::optional(header.time) && next_deadline(state)->has_value()) {
      report.failure = "a deadline of the past is left over";
    }
  }
  report.root = all.finish();
  return report;
}

std::vector<Step> steps_of(std::uint64_t seed, std::size_t count) {
  Random random(seed);
  std::vector<Step> steps;
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t pause = random.one_in(20) ? random.below(8000) : random.below(60);
    steps.push_back({random.below(std::uint64_t{1} << 31), pause});
  }
  return steps;
}

// Leaves out ever smaller pieces for as long as the run still fails.
std::vector<Step> shrink(std::vector<Step> steps) {
  for (std::size_t piece = steps.size() / 2; piece > 0; piece /= 2) {
    for (std::size_t at = 0; at + piece <= steps.size();) {
      std::vector<Step> shorter = steps;
      shorter.erase(shorter.begin() + static_cast<std::ptrdiff_t>(at),
                    shorter.begin() + static_cast<std::ptrdiff_t>(at + piece));
      if (run(shorter).failure.empty()) {
        at += piece;
      } else {
        steps = std::move(shorter);
      }
    }
  }
  return steps;
}

// Two that are always the same, and those of STARLING_TRADE_SEEDS, a decimal number each.
std::vector<std::uint64_t> seeds() {
  std::vector<std::uint64_t> seeds = {1, 2};
  const char* const more = std::getenv("STARLING_TRADE_SEEDS");  // NOLINT(concurrency-mt-unsafe)
  std::istringstream text(more == nullptr ? "" : more);
  for (std::uint64_t seed = 0; text >> seed;) seeds.push_back(seed);
  EXPECT_TRUE(text.eof()) << "STARLING_TRADE_SEEDS has what is no number: " << more;
  return seeds;
}

TEST(Trade, EveryInvariantHoldsAfterEveryBlock) {
  std::map<std::string, int> faults;
  for (const std::uint64_t seed : seeds()) {
    const std::vector<Step> steps = steps_of(seed, 700);
    const Report report = run(steps);
    if (!report.failure.empty()) {
      std::string shown;
      const std::vector<Step> shortest = shrink(steps);
      for (const Step& step : shortest) {
        shown += "{" + std::to_string(step.seed) + ", " + std::to_string(step.later) + "}, ";
      }
      FAIL() << "seed " << seed << ": " << run(shortest).failure << "\nshortest run: " << shown;
    }
    if (seed == 1) {
      EXPECT_EQ(run(steps).root, report.root);
      // Of any compiler and machine.
      EXPECT_EQ(report.root.hex(), "1feb6a580068a1cfc0cabf288a32cf57e492f5b91e04f35b09920e925f007ddc");
    }
    for (const auto& [name, count] : report.faults) faults[name] += count;
  }
  // The trade is worth its name only if it gets everywhere.
  for (const char* name : {"fine",
                           "WRONG_CHAIN",
                           "NONCE_USED",
                           "NONCE_AHEAD",
                           "BAD_SIGNATURE",
                           "FEE_TOO_LOW",
                           "BALANCE_TOO_LOW",
                           "MODEL_TAKEN",
                           "NOT_MODEL_OWNER",
                           "STAKE_TOO_LOW",
                           "STAKE_IN_USE",
                           "TASK_EMPTY",
                           "PRICE_OVERFLOW",
                           "NOTHING_OPEN",
                           "CLAIM_TWICE",
                           "NO_FREE_SLOT",
                           "SUSPENDED",
                           "NOT_HOLDER",
                           "COMMITMENT_MISMATCH",
                           "NO_BENCHMARK",
                           "BENCHMARK_NOT_RUNNING",
                           "market.awarded",
                           "market.missed",
                           "market.paid",
                           "market.refunded",
                           "market.withdrawn"}) {
    EXPECT_GT(faults[name], 0) << name;
  }
}

}  // namespace
}  // namespace starling::ledger
