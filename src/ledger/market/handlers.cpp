#include "ledger/market/handlers.h"

#include <functional>

#include "ledger/market/auction.h"
#include "ledger/market/benchmark.h"
#include "ledger/market/settlement.h"

namespace starling::ledger::market {
namespace {

std::optional<TaskEntry> load_task(Overlay& state, std::uint64_t number) {
  auto task = load<Task>(state, task_key(number));
  if (!task.has_value()) return std::nullopt;
  return TaskEntry{number, *task};
}

// A part that the sender works on, with its task.
struct HeldPart {
  TaskEntry task;
  PartEntry part;
};

std::optional<Fault> load_held(Context& context, std::uint64_t number, std::uint32_t index,
                               std::optional<HeldPart>& held) {
  auto task = load_task(context.state, number);
  if (!task.has_value()) return Fault::kTaskUnknown;
  const auto part = load<Part>(context.state, part_key(number, index));
  if (!part.has_value()) return Fault::kPartUnknown;
  if (part->provider != context.sender) return Fault::kNotHolder;
  // The last holder of a part that was taken from it.
  if (part->state == PartState::kOpen || part->state == PartState::kRefunded) return Fault::kTooLate;
  if (is_settled(part->state)) return Fault::kPartState;
  if (context.header.time >= part->due) return Fault::kTooLate;
  held = HeldPart{*task, {index, *part}};
  return std::nullopt;
}

void each_part(Overlay& state, const TaskEntry& task, PartState wanted, const std::function<void(PartEntry&)>& act) {
  for (std::uint32_t index = 0; index < task.task.parts; ++index) {
    const auto part = load<Part>(state, part_key(task.number, index));
    if (!part.has_value() || part->state != wanted) continue;
    PartEntry entry{index, *part};
    act(entry);
    save_part(state, task, entry);
  }
}

std::optional<Fault> check_task(const Context& context, const SubmitTask& message) {
  if (message.inputs.empty() || message.work_per_part == 0 || message.calls == 0 || message.max_price == 0) {
    return Fault::kTaskEmpty;
  }
  const std::uint64_t now = context.header.time;
  if (message.time_limit < kMinTimeLimit || message.deadline <= now || message.deadline - now > kMaxDeadline ||
      message.deadline - now < message.time_limit) {
    return Fault::kTaskTimesInvalid;
  }
  if (message.assurance != name_of(Assurance::kSingle)) return Fault::kAssuranceUnsupported;
  return std::nullopt;
}

}  // namespace

std::optional<Fault> handle(Context& context, const Expected& /*expected*/, const RegisterProvider& message) {
  if (message.slots == 0 || message.slots > kMaxSlots || message.memory_mebibytes == 0 || message.rate == 0) {
    return Fault::kProviderInvalid;
  }
  Provider provider = load<Provider>(context.state, provider_key(context.sender)).value_or(Provider());
  provider.backends = message.backends;
  provider.memory_mebibytes = message.memory_mebibytes;
  provider.slots = message.slots;
  provider.rate = message.rate;
  provider.endpoint = message.endpoint;
  save(context.state, provider_key(context.sender), provider);
  context.emit("market.provider", {{"provider", context.sender.text()}});
  ask_for_benchmark(context);
  return std::nullopt;
}

std::optional<Fault> handle(Context& context, const Expected& expected, const AddStake& message) {
  if (message.motes == 0) return Fault::kZeroAmount;
  auto provider = load<Provider>(context.state, provider_key(context.sender));
  if (!provider.has_value()) return Fault::kNotProvider;
  if (const auto fault = expected.money.stake(context.state, context.sender, message.motes)) return fault;
  provider->stake += message.motes;  // at most the supply
  save(context.state, provider_key(context.sender), *provider);
  context.emit("market.staked", {{"provider", context.sender.text()}, {"motes", std::to_string(message.motes)}});
  return std::nullopt;
}

std::optional<Fault> handle(Context& context, const Expected& /*expected*/, const WithdrawStake& message) {
  if (message.motes == 0) return Fault::kZeroAmount;
  auto provider = load<Provider>(context.state, provider_key(context.sender));
  if (!provider.has_value()) return Fault::kNotProvider;
  if (message.motes > provider->stake - provider->locked) return Fault::kStakeInUse;
  provider->stake -= message.motes;
  save(context.state, provider_key(context.sender), *provider);
  Counters counters = load<Counters>(context.state, counters_key()).value_or(Counters());
  const std::uint64_t number = ++counters.withdrawals;
  save(context.state, counters_key(), counters);
  const std::uint64_t due = context.header.time + parameters(context.state).unbonding_time;
  save(context.state, withdrawal_key(number), Withdrawal{context.sender, message.motes, due});
  schedule(context.state, {due, DeadlineKind::kMarketUnbond, number, 0});
  context.emit(
      "market.withdrawing",
      {{"provider", context.sender.text()}, {"motes", std::to_string(message.motes)}, {"due", std::to_string(due)}});
  return std::nullopt;
}

std::optional<Fault> handle(Context& context, const Expected& expected, const SubmitTask& message) {
  if (const auto fault = check_task(context, message)) return fault;
  std::uint32_t royalty = 0;
  if (message.model != base::Hash()) {
    const auto terms = expected.models.terms(context.state, message.model);
    if (!terms.has_value()) return Fault::kModelUnknown;
    royalty = terms->royalty;
  }
  const auto escrow = checked_multiply(message.max_price, message.inputs.size());
  if (!escrow.has_value()) return Fault::kPriceOverflow;
  if (const auto fault = expected.money.escrow(context.state, context.sender, *escrow)) return fault;

  Counters counters = load<Counters>(context.state, counters_key()).value_or(Counters());
  const std::uint64_t number = ++counters.tasks;
  save(context.state, counters_key(), counters);
  const auto parts = static_cast<std::uint32_t>(message.inputs.size());
  TaskEntry task{number, {}};
  task.task.requester = context.sender;
  task.task.program = message.program;
  task.task.model = message.model;
  task.task.royalty = royalty;
  task.task.work_per_part = message.work_per_part;
  task.task.calls = message.calls;
  task.task.memory_mebibytes = message.memory_mebibytes;
  task.task.max_price = message.max_price;
  task.task.time_limit = message.time_limit;
  task.task.deadline = message.deadline;
  task.task.submitted = context.header.time;
  task.task.parts = parts;
  task.task.open = parts;
  task.task.unfinished = parts;
  save_task(context.state, task);
  for (std::uint32_t index = 0; index < parts; ++index) {
    PartEntry part{index, {}};
    part.part.input = message.inputs[index];
    save_part(context.state, task, part);
  }
  context.state.put(open_task_key(number), {});
  context.state.put(requester_task_key(context.sender, number), {});
  schedule(context.state, {message.deadline, DeadlineKind::kMarketTask, number, 0});
  context.emit(
      "market.submitted",
      {{"task", std::to_string(number)}, {"requester", context.sender.text()}, {"parts", std::to_string(parts)}});
  return std::nullopt;
}

std::optional<Fault> handle(Context& context, const Expected& /*expected*/, const ClaimTask& message) {
  const auto provider = load<Provider>(context.state, provider_key(context.sender));
  if (!provider.has_value()) return Fault::kNotProvider;
  auto task = load_task(context.state, message.task);
  if (!task.has_value()) return Fault::kTaskUnknown;
  if (task->task.cancelled || task->task.unfinished == 0) return Fault::kTaskOver;
  if (task->task.open == 0) return Fault::kNothingOpen;
  const auto price = part_price(task->task.work_per_part, message.rate);
  if (message.rate == 0 || message.rate > provider->rate || !price.has_value() || *price > task->task.max_price) {
    return Fault::kRateTooHigh;
  }
  if (message.parts == 0 || provider->held >= provider->slots) return Fault::kNoFreeSlot;
  const Parameters rules = parameters(context.state);
  if (const auto fault = may_hold(context, rules, *provider, task->task)) return fault;
  const std::uint64_t end =
      task->task.auction_end != 0 ? task->task.auction_end : context.header.time + rules.auction_time;
  if (context.header.time > end || end + task->task.time_limit > task->task.deadline) return Fault::kTooLate;
  if (load<Claim>(context.state, claim_key(message.task, context.sender)).has_value()) return Fault::kClaimTwice;
  if (task->task.claims == kMaxClaims) return Fault::kAuctionFull;
  save(context.state, claim_key(message.task, context.sender), Claim{message.parts, message.rate});
  task->task.claims += 1;
  if (task->task.auction_end == 0) {
    task->task.auction_end = end;
    schedule(context.state, {end, DeadlineKind::kMarketAuction, message.task, 0});
  }
  save_task(context.state, *task);
  context.emit("market.claimed", {{"task", std::to_string(message.task)},
                                  {"provider", context.sender.text()},
                                  {"rate", std::to_string(message.rate)},
                                  {"auction_end", std::to_string(end)}});
  return std::nullopt;
}

std::optional<Fault> handle(Context& context, const Expected& /*expected*/, const ReportProgress& message) {
  std::optional<HeldPart> held;
  if (const auto fault = load_held(context, message.task, message.part, held)) return fault;
  Part& part = held->part.part;
  if (part.state != PartState::kHeld && part.state != PartState::kStopped) return Fault::kPartState;
  // Who has done all calls commits the result: the full price is paid for what the requester gets only.
  if (message.calls <= part.calls || message.calls >= held->task.task.calls) return Fault::kProgressInvalid;
  part.calls = message.calls;
  part.calls_root = message.calls_root;
  save_part(context.state, held->task, held->part);
  context.emit("market.progressed", {{"task", std::to_string(message.task)},
                                     {"part", std::to_string(message.part)},
                                     {"calls", std::to_string(message.calls)}});
  return std::nullopt;
}

std::optional<Fault> handle(Context& context, const Expected& /*expected*/, const CommitResult& message) {
  std::optional<HeldPart> held;
  if (const auto fault = load_held(context, message.task, message.part, held)) return fault;
  Part& part = held->part.part;
  if (part.state != PartState::kHeld && part.state != PartState::kStopped) return Fault::kPartState;
  if (part.state == PartState::kHeld) free_slot(context, held->part);
  part.state = PartState::kCommitted;
  part.commitment = message.commitment;
  set_due(context.state, held->task, held->part, context.header.time + parameters(context.state).reveal_time);
  save_part(context.state, held->task, held->part);
  context.emit("market.committed", {{"task", std::to_string(message.task)},
                                    {"part", std::to_string(message.part)},
                                    {"provider", context.sender.text()}});
  return std::nullopt;
}

std::optional<Fault> handle(Context& context, const Expected& /*expected*/, const RevealResult& message) {
  std::optional<HeldPart> held;
  if (const auto fault = load_held(context, message.task, message.part, held)) return fault;
  Part& part = held->part.part;
  if (part.state != PartState::kCommitted) return Fault::kPartState;
  if (result_commitment(message, context.sender) != part.commitment) return Fault::kCommitmentMismatch;
  part.state = PartState::kRevealed;
  part.output_root = message.output_root;
  part.trace_root = message.trace_root;
  part.receipt = message.receipt;
  set_due(context.state, held->task, held->part, context.header.time + parameters(context.state).challenge_time);
  save_part(context.state, held->task, held->part);
  context.emit("market.revealed", {{"task", std::to_string(message.task)},
                                   {"part", std::to_string(message.part)},
                                   {"provider", context.sender.text()},
                                   {"output_root", message.output_root.hex()}});
  return std::nullopt;
}

std::optional<Fault> handle(Context& context, const Expected& expected, const CancelTask& message) {
  auto task = load_task(context.state, message.task);
  if (!task.has_value()) return Fault::kTaskUnknown;
  if (task->task.requester != context.sender) return Fault::kNotRequester;
  if (task->task.cancelled || task->task.unfinished == 0) return Fault::kTaskOver;
  task->task.cancelled = true;
  end_auction(context.state, *task);
  context.emit("market.cancelled", {{"task", std::to_string(message.task)}});
  const std::uint64_t due = context.header.time + parameters(context.state).cancel_time;
  each_part(context.state, *task, PartState::kHeld, [&](PartEntry& part) {
    free_slot(context, part);
    part.part.state = PartState::kStopped;
    set_due(context.state, *task, part, due);
  });
  each_part(context.state, *task, PartState::kOpen, [&](PartEntry& part) { refund(context, expected, *task, part); });
  save_task(context.state, *task);
  return std::nullopt;
}

std::optional<Fault> handle(Context& context, const Expected& /*expected*/, const StartBenchmark& /*message*/) {
  const auto provider = load<Provider>(context.state, provider_key(context.sender));
  if (!provider.has_value()) return Fault::kNotProvider;
  ask_for_benchmark(context);
  return std::nullopt;
}

std::optional<Fault> handle(Context& context, const Expected& /*expected*/, const ReportBenchmark& message) {
  auto provider = load<Provider>(context.state, provider_key(context.sender));
  if (!provider.has_value()) return Fault::kNotProvider;
  // In the millisecond in which the seed is drawn nobody has run anything yet.
  if (provider->benchmark_started == 0 || context.header.time <= provider->benchmark_started) {
    return Fault::kBenchmarkNotRunning;
  }
  provider->measured_seed = provider->benchmark_seed;
  provider->measured_root = message.output_root;
  provider->measured_time = context.header.time - provider->benchmark_started;
  provider->measured_at = context.header.time;
  provider->benchmark_seed = {};
  provider->benchmark_started = 0;
  save(context.state, provider_key(context.sender), *provider);
  context.emit("market.measured", {{"provider", context.sender.text()},
                                   {"time", std::to_string(provider->measured_time)},
                                   {"output_root", message.output_root.hex()}});
  return std::nullopt;
}

namespace {

void part_due(Context& context, const Expected& expected, TaskEntry& task, PartEntry& part) {
  switch (part.part.state) {
    case PartState::kHeld:
    case PartState::kCommitted:
      miss(context, expected, task, part);
      break;
    case PartState::kRevealed:
      pay(context, expected, task, part, task.task.calls);
      break;
    case PartState::kStopped:
      if (part.part.calls == 0) return pay(context, expected, task, part, 0);
      part.part.state = PartState::kProved;
      set_due(context.state, task, part, context.header.time + parameters(context.state).challenge_time);
      break;
    case PartState::kProved:
      pay(context, expected, task, part, part.part.calls);
      break;
    default:
      base::halt("a deadline of the market fell due for a part that has none");
  }
}

void unbond(Context& context, const Expected& expected, std::uint64_t number) {
  const auto withdrawal = load<Withdrawal>(context.state, withdrawal_key(number));
  if (!withdrawal.has_value()) return;
  expected.money.pay_from_stake(context.state, withdrawal->provider, withdrawal->motes);
  context.state.erase(withdrawal_key(number));
  context.emit("market.withdrawn",
               {{"provider", withdrawal->provider.text()}, {"motes", std::to_string(withdrawal->motes)}});
}

}  // namespace

void fall_due(Context& context, const Expected& expected, const Deadline& deadline) {
  if (deadline.kind == DeadlineKind::kMarketUnbond) return unbond(context, expected, deadline.subject);
  if (deadline.kind == DeadlineKind::kMarketBenchmark) return draw_benchmark(context, deadline.subject);
  auto task = load_task(context.state, deadline.subject);
  if (!task.has_value()) return;
  if (deadline.kind == DeadlineKind::kMarketAuction) return close_auction(context, *task);
  if (deadline.kind == DeadlineKind::kMarketPart) {
    const auto part = load<Part>(context.state, part_key(deadline.subject, deadline.part));
    if (!part.has_value()) return;
    PartEntry entry{deadline.part, *part};
    part_due(context, expected, *task, entry);
    save_part(context.state, *task, entry);
  } else {
    end_auction(context.state, *task);
    each_part(context.state, *task, PartState::kOpen, [&](PartEntry& part) { refund(context, expected, *task, part); });
  }
  save_task(context.state, *task);
}

}  // namespace starling::ledger::market
