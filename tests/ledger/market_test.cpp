#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "ledger/json_fields.h"
#include "ledger/market/benchmark.h"
#include "ledger/market/state.h"
#include "ledger/schedule.h"
#include "test_chain.h"

namespace starling::ledger {
namespace {

using market::PartState;

const base::Address kRequester = person(1);  // asks
const base::Address kOwner = person(2);      // of the model
const base::Address kPia = person(3);        // provides
const base::Address kQuin = person(4);
const base::Address kCollector = person(200);
constexpr Motes kFee = 1'000'000;  // of every transaction here

market::RegisterProvider provider_message(std::uint64_t rate = 1000, std::uint32_t slots = 4) {
  return {{"avx2"}, 16'000, slots, rate, "http://127.0.0.1:1"};
}

// Work 2 * 10^12: the price is twice the rate.
market::SubmitTask task_message(std::uint32_t parts, std::uint64_t now) {
  market::SubmitTask task;
  task.program = hash_of(10);
  task.model = hash_of(20);
  for (std::uint32_t i = 0; i < parts; ++i) task.inputs.push_back(hash_of(100 + i));
  task.work_per_part = 2 * market::kRateWork;
  task.calls = 10;
  task.memory_mebibytes = 1000;
  task.max_price = 3000;
  task.time_limit = 10'000;
  task.deadline = now + 60'000;
  task.assurance = "single";
  return task;
}

market::RevealResult result_of(std::uint64_t task, std::uint32_t part) {
  return {task, part, hash_of(1), hash_of(2), hash_of(3), hash_of(4)};
}

// A chain with a model of 10 % royalty, and providers Pia and Quin.
class Market : public testing::Test {
 protected:
  Market() {
    fine(kOwner, models::RegisterModel{hash_of(20), "star", 1000, {"http://127.0.0.1:9"}});
    for (const base::Address& provider : {kPia, kQuin}) {
      fine(provider, provider_message());
      fine(provider, market::AddStake{2 * kCredit});
    }
  }
  void fine(const base::Address& from, const Message& message, std::uint64_t later = 10) {
    EXPECT_STREQ(name_of(chain.send(from, message, later)), "fine") << message_name(message);
  }
  void fails(const char* fault, const base::Address& from, const Message& message, std::uint64_t later = 10) {
    EXPECT_STREQ(name_of(chain.send(from, message, later)), fault) << message_name(message);
  }
  void submit(std::uint32_t parts = 1) { fine(kRequester, task_message(parts, chain.now())); }
  // Pia wins `parts` parts of task 1.
  void award(std::uint32_t parts = 1) {
    fine(kPia, market::ClaimTask{1, parts, 1000});
    chain.run_until(chain.now() + 100);
  }
  void commit(std::uint32_t part = 0) {
    fine(kPia, market::CommitResult{1, part, market::result_commitment(result_of(1, part), kPia)});
  }

  TestChain chain;
};

// Counts what scans read.
class CountingState final : public store::StateView {
 public:
  explicit CountingState(const store::StateView& below) : below_(below) {}
  base::Result<std::optional<base::Bytes>> get(base::ByteView key) const override { return below_.get(key); }
  base::Status scan_from(base::ByteView prefix, base::ByteView from, const Visit& visit) const override {
    return below_.scan_from(prefix, from, [&](base::ByteView key, base::ByteView value) {
      ++read;
      return visit(key, value);
    });
  }
  mutable std::size_t read = 0;

 private:
  const store::StateView& below_;
};

TEST_F(Market, ListsAreReadFromWhereTheyAreAskedFor) {
  std::vector<std::uint64_t> anns;
  for (std::uint64_t number = 1; number <= 60; ++number) {
    const bool hers = number % 3 != 0;
    fine(hers ? kRequester : kOwner, task_message(1, chain.now()));
    if (hers) anns.push_back(number);
  }
  const CountingState state(chain.state());
  using Numbers = std::vector<std::uint64_t>;
  EXPECT_EQ(*market::tasks_of(state, kRequester, 0, 99), anns);
  state.read = 0;
  EXPECT_EQ(*market::tasks_of(state, kRequester, 50, 3), (Numbers{52, 53, 55}));
  EXPECT_EQ(*market::open_tasks(state, 57, 2), (Numbers{58, 59}));
  EXPECT_LE(state.read, 5U);
  constexpr std::uint64_t kAll = std::numeric_limits<std::uint64_t>::max();
  EXPECT_TRUE(market::tasks_of(state, kRequester, kAll, 9)->empty());
  EXPECT_TRUE(market::tasks_of(state, kRequester, 0, 0)->empty());

  state.read = 0;
  EXPECT_EQ(*market::latest_tasks_of(state, kRequester, kAll, 3), (Numbers{59, 58, 56}));
  EXPECT_LE(state.read, 10U);
  EXPECT_EQ(*market::latest_tasks_of(state, kRequester, 5, 3), (Numbers{4, 2, 1}));
  EXPECT_EQ(*market::latest_tasks_of(state, kRequester, kAll, 99), Numbers(anns.rbegin(), anns.rend()));
  EXPECT_EQ(market::latest_tasks_of(state, kOwner, kAll, 99)->size(), 20U);
  EXPECT_TRUE(market::latest_tasks_of(state, kRequester, 1, 3)->empty());
  EXPECT_TRUE(market::latest_tasks_of(state, kRequester, 0, 3)->empty());
  EXPECT_TRUE(market::latest_tasks_of(state, kRequester, kAll, 0)->empty());
  EXPECT_TRUE(market::latest_tasks_of(state, kPia, kAll, 3)->empty());

  const auto providers_after = [&](const std::optional<base::Address>& after) {
    std::vector<base::Address> found;
    EXPECT_TRUE(market::each_provider(state, after, [&](const base::Address& address, const market::Provider&) {
                  found.push_back(address);
                  return true;
                }).ok());
    return found;
  };
  const std::vector<base::Address> all = providers_after(std::nullopt);
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(providers_after(all[0]), std::vector<base::Address>{all[1]});
  EXPECT_TRUE(providers_after(all[1]).empty());
}

TEST_F(Market, ATaskIsClaimedCommittedRevealedAndPaid) {
  const Motes ann = chain.balance(kRequester);
  const Motes owner = chain.balance(kOwner);
  const Motes pia = chain.balance(kPia);
  submit();
  EXPECT_EQ(chain.balance(kRequester), ann - kFee - 3000);
  EXPECT_EQ(*market::open_tasks(chain.state(), 0, 10), std::vector<std::uint64_t>{1});
  EXPECT_EQ(*market::tasks_of(chain.state(), kRequester, 0, 10), std::vector<std::uint64_t>{1});
  award();
  EXPECT_EQ(chain.part(1, 0).state, PartState::kHeld);
  EXPECT_EQ(chain.part(1, 0).price, 2000U);
  EXPECT_EQ(chain.provider(kPia).locked, 6000U);
  EXPECT_EQ(chain.provider(kPia).held, 1U);
  EXPECT_TRUE(market::open_tasks(chain.state(), 0, 10)->empty());
  EXPECT_EQ(market::parts_of(chain.state(), kPia)->size(), 1U);
  commit();
  EXPECT_EQ(chain.provider(kPia).held, 0U);
  fine(kPia, result_of(1, 0));
  EXPECT_EQ(chain.part(1, 0).output_root, hash_of(1));
  chain.run_until(chain.now() + 499);
  EXPECT_EQ(chain.part(1, 0).state, PartState::kRevealed);
  EXPECT_EQ(*to_json(chain.part(1, 0)).text("state"), "revealed");
  EXPECT_EQ(*to_json(chain.task(1)).text("assurance"), "single");
  base::Json shown = to_json(chain.part(1, 0));
  shown.set("task", "1");
  EXPECT_EQ(encode_record(*record_from_json<market::Part>(shown)), encode_record(chain.part(1, 0)));
  EXPECT_EQ(encode_record(*record_from_json<market::Task>(to_json(chain.task(1)))), encode_record(chain.task(1)));
  shown.set("state", "lost");
  EXPECT_FALSE(record_from_json<market::Part>(shown).ok());
  EXPECT_EQ(chain.balance(kPia), pia - 3 * kFee);
  chain.run_until(chain.now() + 1);
  EXPECT_EQ(chain.part(1, 0).state, PartState::kPaid);
  EXPECT_EQ(chain.balance(kPia), pia - 3 * kFee + 1800);
  EXPECT_EQ(chain.balance(kOwner), owner + 200);
  EXPECT_EQ(chain.balance(kRequester), ann - kFee - 2000);
  EXPECT_EQ(chain.provider(kPia).done, 1U);
  EXPECT_EQ(chain.provider(kPia).locked, 0U);
  EXPECT_EQ(chain.provider(kPia).work_done, 2 * market::kRateWork);
  EXPECT_EQ(chain.provider(kPia).earned, 1800U);
  EXPECT_EQ(chain.task(1).unfinished, 0U);
  EXPECT_EQ(*bank::pot(chain.state(), bank::Pot::kEscrow), 0U);
  fails("TASK_OVER", kRequester, market::CancelTask{1});
  fails("TASK_OVER", kPia, market::ClaimTask{1, 1, 1000});
}

TEST_F(Market, TheLowestRateWinsAndTiesGoByHash) {
  submit();
  fine(kPia, market::ClaimTask{1, 1, 1000});
  fine(kQuin, market::ClaimTask{1, 1, 999});
  chain.run_until(chain.now() + 100);
  EXPECT_EQ(chain.part(1, 0).provider, kQuin);
  EXPECT_EQ(chain.part(1, 0).price, 1998U);
  int pia = 0;
  for (std::uint64_t task = 2; task < 18; ++task) {
    TestChain fresh;
    fresh.send(kPia, provider_message());
    fresh.send(kPia, market::AddStake{2 * kCredit});
    fresh.send(kQuin, provider_message());
    fresh.send(kQuin, market::AddStake{2 * kCredit});
    for (std::uint64_t i = 0; i < task; ++i) fresh.block({});
    market::SubmitTask message = task_message(1, fresh.now());
    message.model = {};
    fresh.send(kRequester, message);
    fresh.block({{kPia, market::ClaimTask{1, 1, 1000}}, {kQuin, market::ClaimTask{1, 1, 1000}}});
    fresh.run_until(fresh.now() + 100);
    pia += fresh.part(1, 0).provider == kPia ? 1 : 0;
  }
  EXPECT_GT(pia, 2);
  EXPECT_LT(pia, 14);
}

TEST_F(Market, WhoHasTooLittleMemoryWhenTheAuctionEndsWinsNothing) {
  submit();
  fine(kPia, market::ClaimTask{1, 1, 900});
  fine(kQuin, market::ClaimTask{1, 1, 1000});
  market::RegisterProvider less = provider_message();
  less.memory_mebibytes = 1;
  fine(kPia, less);
  chain.run_until(chain.now() + 100);
  EXPECT_EQ(chain.part(1, 0).provider, kQuin);
}

TEST_F(Market, ABatchIsSplitAndJoined) {
  submit(6);
  fine(kPia, market::ClaimTask{1, 9, 900});  // has 4 slots
  fine(kQuin, market::ClaimTask{1, 1, 1000});
  chain.run_until(chain.now() + 100);
  EXPECT_EQ(chain.provider(kPia).held, 4U);
  EXPECT_EQ(chain.provider(kQuin).held, 1U);
  EXPECT_EQ(chain.task(1).open, 1U);
  fails("NO_FREE_SLOT", kPia, market::ClaimTask{1, 1, 900});
  for (std::uint32_t i = 0; i < 4; ++i) commit(i);
  fine(kPia, market::ClaimTask{1, 2, 950});
  for (std::uint32_t i = 0; i < 4; ++i) fine(kPia, result_of(1, i));
  chain.run_until(chain.now() + 100);
  EXPECT_EQ(chain.task(1).open, 0U);
  EXPECT_EQ(chain.part(1, 5).price, 1900U);
  commit(5);
  fine(kPia, result_of(1, 5));
  // Quin never delivers: the part is offered again, and Pia takes it.
  chain.run_until(chain.part(1, 4).due);
  EXPECT_EQ(chain.part(1, 4).state, PartState::kOpen);
  EXPECT_EQ(chain.part(1, 4).attempts, 1U);
  EXPECT_EQ(chain.task(1).unfinished, 1U);
  fails("SUSPENDED", kQuin, market::ClaimTask{1, 1, 800});
  fine(kPia, market::ClaimTask{1, 1, 1000});
  chain.run_until(chain.now() + 100);
  commit(4);
  fine(kPia, result_of(1, 4));
  chain.run_until(chain.now() + 500);
  EXPECT_EQ(chain.task(1).unfinished, 0U);
  EXPECT_EQ(chain.provider(kPia).done, 6U);
}

TEST_F(Market, AMissedDeadlineIsRelistedAndTheProviderPays) {
  submit();
  const Motes ann = chain.balance(kRequester);
  award();
  const Motes fees = chain.balance(kCollector);
  chain.run_until(chain.part(1, 0).due - 1);
  EXPECT_EQ(chain.part(1, 0).state, PartState::kHeld);
  // A block at the deadline is one block too late.
  fails("TOO_LATE", kPia, market::CommitResult{1, 0, hash_of(1)}, 1);
  EXPECT_EQ(chain.part(1, 0).state, PartState::kOpen);
  EXPECT_EQ(chain.provider(kPia).stake, 2 * kCredit - 1500);  // half of what the task pays at most
  EXPECT_EQ(chain.provider(kPia).locked, 0U);
  EXPECT_EQ(chain.provider(kPia).late, 1U);
  EXPECT_EQ(chain.balance(kCollector), fees + 1500 + kFee);
  EXPECT_EQ(chain.balance(kRequester), ann);
  // The suspension doubles with each miss in a row.
  chain.run_until(chain.now() + 999);
  fails("SUSPENDED", kPia, market::ClaimTask{1, 1, 1000}, 0);
  fine(kPia, market::ClaimTask{1, 1, 1000}, 1);
  chain.run_until(chain.now() + 100);
  chain.run_until(chain.part(1, 0).due);
  EXPECT_EQ(chain.provider(kPia).suspended_until, chain.now() + 2000);
  // The third miss ends it.
  chain.run_until(chain.now() + 2000);
  award();
  chain.run_until(chain.part(1, 0).due);
  EXPECT_EQ(chain.part(1, 0).state, PartState::kRefunded);
  EXPECT_EQ(chain.balance(kRequester), ann + 3000);
  EXPECT_EQ(chain.provider(kPia).stake, 2 * kCredit - 4500);
  fails("TOO_LATE", kPia, market::CommitResult{1, 0, hash_of(1)});
}

TEST_F(Market, HoldingForNothingCostsAsMuchAsHoldingForAll) {
  market::SubmitTask task = task_message(1, chain.now());
  task.max_price = 3001;
  fine(kRequester, task);
  fine(kPia, market::ClaimTask{1, 1, 1});
  chain.run_until(chain.now() + 100);
  EXPECT_EQ(chain.part(1, 0).price, 2U);
  EXPECT_EQ(chain.part(1, 0).collateral, 6002U);
  EXPECT_EQ(chain.provider(kPia).locked, 6002U);
  chain.run_until(chain.part(1, 0).due);
  EXPECT_EQ(chain.part(1, 0).state, PartState::kOpen);
  EXPECT_EQ(chain.provider(kPia).stake, 2 * kCredit - 1501) << "rounded up";
  EXPECT_EQ(chain.provider(kPia).locked, 0U);
}

TEST_F(Market, WhoCommitsAndNeverRevealsPaysToo) {
  submit();
  award();
  commit();
  chain.run_until(chain.now() + 1000);
  EXPECT_EQ(chain.part(1, 0).state, PartState::kOpen);
  EXPECT_EQ(chain.provider(kPia).stake, 2 * kCredit - 1500);
  fails("TOO_LATE", kPia, result_of(1, 0));
}

TEST_F(Market, ARevealMustMatchItsCommitment) {
  submit();
  award();
  commit();
  for (int field = 0; field < 4; ++field) {
    market::RevealResult wrong = result_of(1, 0);
    (field == 0   ? wrong.output_root
     : field == 1 ? wrong.trace_root
     : field == 2 ? wrong.receipt
                  : wrong.salt) = hash_of(77);
    fails("COMMITMENT_MISMATCH", kPia, wrong);
  }
  fails("NOT_HOLDER", kQuin, result_of(1, 0));
  fine(kPia, result_of(1, 0));
  fails("PART_STATE", kPia, result_of(1, 0));
}

TEST_F(Market, ACopiedCommitmentEarnsNothing) {
  submit(2);
  fine(kPia, market::ClaimTask{1, 1, 900});
  fine(kQuin, market::ClaimTask{1, 1, 1000});
  chain.run_until(chain.now() + 100);
  commit(0);
  fine(kQuin, market::CommitResult{1, 1, chain.part(1, 0).commitment});
  fine(kPia, result_of(1, 0));
  fails("COMMITMENT_MISMATCH", kQuin, result_of(1, 1));
}

TEST_F(Market, CancellingBeforeAClaimRefundsAll) {
  const Motes ann = chain.balance(kRequester);
  submit(3);
  fails("NOT_REQUESTER", kPia, market::CancelTask{1});
  fine(kPia, market::ClaimTask{1, 1, 1000});  // a bid is no award yet
  fine(kRequester, market::CancelTask{1});
  EXPECT_EQ(chain.balance(kRequester), ann - 2 * kFee);
  EXPECT_EQ(chain.task(1).unfinished, 0U);
  fails("TASK_OVER", kRequester, market::CancelTask{1});
  fails("TASK_OVER", kPia, market::ClaimTask{1, 1, 1000});
  chain.run_until(chain.now() + 100'000);
  EXPECT_EQ(chain.provider(kPia).held, 0U);
}

TEST_F(Market, CancellingAfterAnAwardPaysTheProvedShare) {
  const Motes ann = chain.balance(kRequester);
  const Motes pia = chain.balance(kPia);
  const Motes owner = chain.balance(kOwner);
  submit(3);
  award(3);
  commit(2);
  fine(kPia, market::ReportProgress{1, 0, 2, hash_of(5)});
  fails("PROGRESS_INVALID", kPia, market::ReportProgress{1, 0, 2, hash_of(5)});
  fails("PROGRESS_INVALID", kPia, market::ReportProgress{1, 0, 11, hash_of(5)});
  fails("PROGRESS_INVALID", kPia, market::ReportProgress{1, 0, 10, hash_of(5)});
  fails("NOT_HOLDER", kQuin, market::ReportProgress{1, 0, 4, hash_of(5)});
  fails("PART_STATE", kPia, market::ReportProgress{1, 2, 4, hash_of(5)});
  fine(kRequester, market::CancelTask{1});
  EXPECT_EQ(chain.part(1, 0).state, PartState::kStopped);
  EXPECT_EQ(chain.part(1, 2).state, PartState::kCommitted);
  EXPECT_EQ(chain.provider(kPia).held, 0U);
  fails("PROGRESS_INVALID", kPia, market::ReportProgress{1, 0, 10, hash_of(5)});
  fine(kPia, market::ReportProgress{1, 0, 5, hash_of(6)});
  fine(kPia, result_of(1, 2));
  chain.run_until(chain.now() + 1000);
  EXPECT_EQ(chain.part(1, 0).state, PartState::kPartlyPaid);
  EXPECT_EQ(chain.part(1, 1).state, PartState::kRefunded);
  EXPECT_EQ(chain.part(1, 2).state, PartState::kPaid);
  // Half of one part, and a whole one, a tenth of each to the model's owner.
  EXPECT_EQ(chain.balance(kRequester), ann - 2 * kFee - 1000 - 2000);
  EXPECT_EQ(chain.balance(kPia), pia - 10 * kFee + 2700);
  EXPECT_EQ(chain.balance(kOwner), owner + 300);
  EXPECT_EQ(chain.provider(kPia).stake, 2 * kCredit);
  EXPECT_EQ(chain.provider(kPia).done, 1U);
}

TEST_F(Market, WhatWasReadyWhenItsTaskWasCancelledIsRevealedAndPaid) {
  const Motes ann = chain.balance(kRequester);
  const Motes pia = chain.balance(kPia);
  submit(3);
  award(3);
  fine(kPia, market::ReportProgress{1, 0, 9, hash_of(5)});
  fine(kRequester, market::CancelTask{1});
  commit(0);
  commit(1);
  EXPECT_EQ(chain.provider(kPia).held, 0U);
  EXPECT_EQ(chain.part(1, 0).state, PartState::kCommitted);
  fails("PART_STATE", kPia, market::ReportProgress{1, 0, 9, hash_of(5)});
  fine(kPia, result_of(1, 0));
  // The first is revealed, the second is not, the third is neither reported nor committed in time.
  chain.run_until(chain.part(1, 2).due);
  fails("TOO_LATE", kPia, market::CommitResult{1, 2, hash_of(1)});
  chain.run_until(chain.now() + 100'000);
  EXPECT_EQ(chain.part(1, 0).state, PartState::kPaid);
  EXPECT_EQ(chain.part(1, 1).state, PartState::kRefunded);
  EXPECT_EQ(chain.part(1, 2).state, PartState::kRefunded);
  EXPECT_EQ(chain.balance(kRequester), ann - 2 * kFee - 2000);
  EXPECT_EQ(chain.balance(kPia), pia - 7 * kFee + 1800);
  EXPECT_EQ(chain.provider(kPia).stake, 2 * kCredit - 1500) << "the reveal that was missed is paid for";
  EXPECT_EQ(chain.provider(kPia).locked, 0U);
  EXPECT_EQ(chain.provider(kPia).done, 1U);
}

TEST_F(Market, ATaskNobodyTakesEndsWithARefund) {
  const Motes ann = chain.balance(kRequester);
  market::SubmitTask huge = task_message(2, chain.now());
  huge.memory_mebibytes = 1'000'000;
  fine(kRequester, huge);
  fails("MEMORY_TOO_SMALL", kPia, market::ClaimTask{1, 1, 1000});
  chain.run_until(huge.deadline - 1);
  EXPECT_EQ(chain.task(1).open, 2U);
  chain.run_until(huge.deadline);
  EXPECT_EQ(chain.task(1).unfinished, 0U);
  EXPECT_EQ(chain.balance(kRequester), ann - kFee);
  EXPECT_EQ(next_deadline(chain.state())->has_value(), false);
}

TEST_F(Market, TasksThatMakeNoSenseAreRefused) {
  const auto refused = [&](const char* fault, const std::function<void(market::SubmitTask&)>& change) {
    market::SubmitTask task = task_message(1, chain.now());
    change(task);
    fails(fault, kRequester, task, 0);
  };
  refused("TASK_EMPTY", [](auto& task) { task.inputs.clear(); });
  refused("TASK_EMPTY", [](auto& task) { task.work_per_part = 0; });
  refused("TASK_EMPTY", [](auto& task) { task.calls = 0; });
  refused("TASK_EMPTY", [](auto& task) { task.max_price = 0; });
  refused("TASK_TIMES_INVALID", [](auto& task) { task.time_limit = 999; });
  refused("TASK_TIMES_INVALID", [](auto& task) { task.time_limit = ~std::uint64_t{0}; });
  refused("TASK_TIMES_INVALID", [](auto& task) { task.time_limit = 60'001; });
  refused("TASK_TIMES_INVALID", [&](auto& task) { task.deadline = chain.now(); });
  refused("TASK_TIMES_INVALID", [](auto& task) { task.deadline = 0; });
  refused("TASK_TIMES_INVALID", [](auto& task) { task.deadline = ~std::uint64_t{0}; });
  refused("ASSURANCE_UNSUPPORTED", [](auto& task) { task.assurance = "redundant 3"; });
  refused("ASSURANCE_UNSUPPORTED", [](auto& task) { task.assurance = ""; });
  refused("MODEL_UNKNOWN", [](auto& task) { task.model = hash_of(21); });
  refused("BALANCE_TOO_LOW", [](auto& task) { task.max_price = 2000 * kCredit; });
  refused("PRICE_OVERFLOW", [](auto& task) {
    task.inputs.resize(2);
    task.max_price = ~Motes{0};
  });
  refused("fine", [](auto& task) { task.time_limit = 60'000; });
  refused("fine", [](auto& task) { task.model = {}; });
}

TEST_F(Market, ClaimsThatCannotBeKeptAreRefused) {
  submit();
  fails("NOT_PROVIDER", kRequester, market::ClaimTask{1, 1, 1000});
  fails("TASK_UNKNOWN", kPia, market::ClaimTask{2, 1, 1000});
  fails("RATE_TOO_HIGH", kPia, market::ClaimTask{1, 1, 0});
  fails("RATE_TOO_HIGH", kPia, market::ClaimTask{1, 1, 1001});
  fails("NO_FREE_SLOT", kPia, market::ClaimTask{1, 0, 1000});
  fine(kPia, provider_message(~std::uint64_t{0}));
  fails("RATE_TOO_HIGH", kPia, market::ClaimTask{1, 1, 1501});  // above the task's maximum price
  fails("RATE_TOO_HIGH", kPia, market::ClaimTask{1, 1, ~std::uint64_t{0}});
  fine(kPia, market::WithdrawStake{kCredit + 1});
  fails("STAKE_TOO_LOW", kPia, market::ClaimTask{1, 1, 1500});
  fine(kPia, market::AddStake{1});
  fine(kPia, market::ClaimTask{1, 1, 1500});
  fails("CLAIM_TWICE", kPia, market::ClaimTask{1, 1, 1400});
  chain.run_until(chain.now() + 100);
  fails("NOTHING_OPEN", kQuin, market::ClaimTask{1, 1, 1000});
  submit();
  chain.run_until(chain.task(2).deadline - 10'050);
  fails("TOO_LATE", kQuin, market::ClaimTask{2, 1, 1000}, 0);
}

TEST_F(Market, StakeBacksPartsAndLeavesSlowly) {
  market::SubmitTask dear = task_message(3, chain.now());
  dear.max_price = kCredit / 2;
  fine(kPia, provider_message(kCredit));
  fine(kRequester, dear);
  // At most half a credit is paid, the collateral is twice that: the stake of two credits backs two parts.
  fine(kPia, market::ClaimTask{1, 3, kCredit / 4});
  chain.run_until(chain.now() + 100);
  EXPECT_EQ(chain.provider(kPia).held, 2U);
  EXPECT_EQ(chain.provider(kPia).locked, 2 * kCredit);
  fails("STAKE_IN_USE", kPia, market::WithdrawStake{1});
  fails("ZERO_AMOUNT", kPia, market::WithdrawStake{0});
  fails("ZERO_AMOUNT", kPia, market::AddStake{0});
  fails("BALANCE_TOO_LOW", kPia, market::AddStake{~Motes{0}});
  fails("NOT_PROVIDER", kRequester, market::AddStake{1});
  fails("NOT_PROVIDER", kRequester, market::WithdrawStake{1});
  const Motes quin = chain.balance(kQuin);
  fine(kQuin, market::WithdrawStake{2 * kCredit});
  fails("STAKE_IN_USE", kQuin, market::WithdrawStake{1});
  chain.run_until(chain.now() + 4'989);
  EXPECT_EQ(chain.balance(kQuin), quin - 2 * kFee);
  chain.run_until(chain.now() + 1);
  EXPECT_EQ(chain.balance(kQuin), quin - 2 * kFee + 2 * kCredit);
}

TEST_F(Market, ProvidersSayWhatTheyHave) {
  market::RegisterProvider wrong = provider_message();
  wrong.slots = 0;
  fails("PROVIDER_INVALID", kRequester, wrong);
  wrong.slots = 65;
  fails("PROVIDER_INVALID", kRequester, wrong);
  wrong = provider_message(0);
  fails("PROVIDER_INVALID", kRequester, wrong);
  wrong = provider_message();
  wrong.memory_mebibytes = 0;
  fails("PROVIDER_INVALID", kRequester, wrong);
  fine(kPia, provider_message(5));
  EXPECT_EQ(chain.provider(kPia).rate, 5U);
  EXPECT_EQ(chain.provider(kPia).stake, 2 * kCredit);
}

TEST_F(Market, PartsAndTasksThatAreNotThere) {
  submit();
  award();
  fails("TASK_UNKNOWN", kPia, market::CommitResult{9, 0, hash_of(1)});
  fails("PART_UNKNOWN", kPia, market::CommitResult{1, 1, hash_of(1)});
  fails("NOT_HOLDER", kQuin, market::CommitResult{1, 0, hash_of(1)});
  fails("PART_STATE", kPia, result_of(1, 0));
  commit();
  fails("PART_STATE", kPia, market::CommitResult{1, 0, hash_of(1)});
  fails("TASK_UNKNOWN", kRequester, market::CancelTask{9});
}

TEST(Models, BelongToWhoRegisteredThem) {
  TestChain chain;
  const auto send = [&](const base::Address& from, const Message& message) {
    return std::string(name_of(chain.send(from, message)));
  };
  EXPECT_EQ(send(kRequester, models::RegisterModel{{}, "zero", 0, {}}), "MODEL_ROOT_ZERO");
  EXPECT_EQ(send(kRequester, models::RegisterModel{hash_of(1), "m", 5001, {}}), "ROYALTY_TOO_HIGH");
  EXPECT_EQ(send(kRequester, models::RegisterModel{hash_of(1), "m", 5000, {}}), "fine");
  EXPECT_EQ(send(kOwner, models::RegisterModel{hash_of(1), "m", 0, {}}), "MODEL_TAKEN");
  EXPECT_EQ(send(kOwner, models::UpdateModel{hash_of(1), kOwner, "m", 0, {}}), "NOT_MODEL_OWNER");
  EXPECT_EQ(send(kRequester, models::UpdateModel{hash_of(2), kOwner, "m", 0, {}}), "MODEL_UNKNOWN");
  EXPECT_EQ(send(kRequester, models::UpdateModel{hash_of(1), kOwner, "m", 5001, {}}), "ROYALTY_TOO_HIGH");
  EXPECT_EQ(send(kRequester, models::UpdateModel{hash_of(1), kOwner, "n", 7, {"x"}}), "fine");
  EXPECT_EQ(send(kRequester, models::UpdateModel{hash_of(1), kRequester, "n", 7, {}}), "NOT_MODEL_OWNER");
  const auto model = *models::model(chain.state(), hash_of(1));
  EXPECT_EQ(model->owner, kOwner);
  EXPECT_EQ(model->royalty, 7U);
  EXPECT_EQ(model->locations, std::vector<std::string>{"x"});
}

TEST_F(Market, ABenchmarksSeedIsDrawnFromTheBlockThatAskedForIt) {
  const base::Address rita = person(5);
  fails("NOT_PROVIDER", rita, market::StartBenchmark{});
  fails("NOT_PROVIDER", rita, market::ReportBenchmark{hash_of(1)});
  fine(rita, provider_message());
  EXPECT_EQ(chain.provider(rita).benchmark_started, 0U);
  EXPECT_EQ(*next_deadline(chain.state()), chain.now() + 1);  // a block is needed at once
  const base::Hash asked = hash_of(chain.header().height);    // what the next header says of this block
  fails("BENCHMARK_NOT_RUNNING", rita, market::ReportBenchmark{hash_of(1)}, 1);
  const std::uint64_t started = chain.now();
  EXPECT_EQ(chain.provider(rita).benchmark_started, started);
  EXPECT_EQ(chain.provider(rita).benchmark_seed, market::benchmark_seed(asked, rita));
  fine(rita, market::ReportBenchmark{hash_of(1)}, 250);
  const market::Provider measured = chain.provider(rita);
  EXPECT_EQ(measured.benchmark_started, 0U);
  EXPECT_EQ(measured.measured_seed, market::benchmark_seed(asked, rita));
  EXPECT_EQ(measured.measured_root, hash_of(1));
  EXPECT_EQ(measured.measured_time, 250U);
  EXPECT_EQ(measured.measured_at, chain.now());
  fails("BENCHMARK_NOT_RUNNING", rita, market::ReportBenchmark{hash_of(2)});
  // Again: the old one stays until the new one is reported.
  fine(rita, market::StartBenchmark{});
  chain.block({}, 1);
  EXPECT_EQ(chain.provider(rita).measured_root, hash_of(1));
  EXPECT_NE(chain.provider(rita).benchmark_seed, measured.measured_seed);
  fine(rita, market::ReportBenchmark{hash_of(2)}, 7);
  EXPECT_EQ(chain.provider(rita).measured_time, 7U);
}

TEST(Benchmark, WhoHasNoneThatIsYoungWinsNothing) {
  base::Json genesis = test_genesis();
  base::Json rules = *genesis.find("market");
  rules.set("benchmark_age", 5000);
  genesis.set("market", rules);
  TestChain chain(genesis);
  const auto expect = [&](const char* fault, const base::Address& from, const Message& message) {
    EXPECT_STREQ(name_of(chain.send(from, message)), fault) << message_name(message);
  };
  market::SubmitTask task = task_message(3, chain.now());
  task.model = {};
  expect("fine", kPia, provider_message());
  expect("fine", kPia, market::AddStake{2 * kCredit});
  expect("fine", kRequester, task);
  expect("NO_BENCHMARK", kPia, market::ClaimTask{1, 1, 1000});
  expect("fine", kPia, market::ReportBenchmark{hash_of(1)});
  const std::uint64_t measured = chain.now();
  expect("fine", kPia, market::ClaimTask{1, 1, 1000});
  chain.run_until(chain.now() + 100);
  EXPECT_EQ(chain.part(1, 0).state, PartState::kHeld);
  chain.run_until(measured + 4950);
  expect("fine", kPia, market::ClaimTask{1, 1, 1000});
  chain.run_until(chain.now() + 100);  // the benchmark is too old when the auction ends
  EXPECT_EQ(chain.part(1, 1).state, PartState::kOpen);
  expect("NO_BENCHMARK", kPia, market::ClaimTask{1, 1, 1000});
}

}  // namespace
}  // namespace starling::ledger
