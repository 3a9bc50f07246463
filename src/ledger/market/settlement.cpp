#include "ledger/market/settlement.h"

#include <algorithm>
#include <limits>

#include "ledger/schedule.h"

namespace starling::ledger::market {
namespace {

constexpr std::uint32_t kMaxDoublings = 6;  // of the suspension

std::vector<Event::Attribute> attributes(const TaskEntry& task, const PartEntry& part) {
  return {{"task", std::to_string(task.number)},
          {"part", std::to_string(part.index)},
          {"provider", part.part.provider.text()}};
}

std::uint64_t saturating_add(std::uint64_t a, std::uint64_t b) {
  return checked_add(a, b).value_or(std::numeric_limits<std::uint64_t>::max());
}

// The collateral is free again, and the part leaves the provider's list.
void release(Overlay& state, const TaskEntry& task, PartEntry& part, Provider& provider) {
  provider.locked -= part.part.collateral;
  part.part.collateral = 0;
  state.erase(provider_part_key(part.part.provider, task.number, part.index));
}

void finish(Context& context, TaskEntry& task, PartEntry& part, PartState end) {
  set_due(context.state, task, part, 0);
  part.part.state = end;
  if (--task.task.unfinished > 0) return;
  unschedule(context.state, {task.task.deadline, DeadlineKind::kMarketTask, task.number, 0});
  context.emit("market.finished", {{"task", std::to_string(task.number)}});
}

void set_open(Overlay& state, TaskEntry& task, std::uint32_t open) {
  const bool was_open = task.task.open > 0;
  task.task.open = open;
  if (was_open == (open > 0)) return;
  if (open > 0) {
    state.put(open_task_key(task.number), {});
  } else {
    state.erase(open_task_key(task.number));
  }
}

}  // namespace

Parameters parameters(Overlay& state) { return load<Parameters>(state, parameters_key()).value_or(Parameters()); }

void save_task(Overlay& state, const TaskEntry& task) { save(state, task_key(task.number), task.task); }

void save_part(Overlay& state, const TaskEntry& task, const PartEntry& part) {
  save(state, part_key(task.number, part.index), part.part);
}

void set_due(Overlay& state, const TaskEntry& task, PartEntry& part, std::uint64_t due) {
  const auto deadline = [&] { return Deadline{part.part.due, DeadlineKind::kMarketPart, task.number, part.index}; };
  if (part.part.due != 0) unschedule(state, deadline());
  part.part.due = due;
  if (due != 0) schedule(state, deadline());
}

void end_auction(Overlay& state, TaskEntry& task) {
  if (task.task.auction_end == 0) return;
  unschedule(state, {task.task.auction_end, DeadlineKind::kMarketAuction, task.number, 0});
  task.task.auction_end = 0;
  task.task.claims = 0;
  std::vector<base::Bytes> keys;
  const base::Status status = state.scan(claims_key(task.number), [&](base::ByteView key, base::ByteView /*value*/) {
    keys.emplace_back(key.begin(), key.end());
    return true;
  });
  if (!status.ok()) state.fail(status.error());
  for (const base::Bytes& key : keys) state.erase(key);
}

void award(Context& context, TaskEntry& task, PartEntry& part, const base::Address& address, Provider& provider,
           Motes price, Motes collateral) {
  provider.held += 1;
  provider.locked += collateral;
  part.part.state = PartState::kHeld;
  part.part.provider = address;
  part.part.price = price;
  part.part.collateral = collateral;
  part.part.awarded = context.header.time;
  part.part.calls = 0;
  part.part.calls_root = {};
  part.part.commitment = {};
  set_due(context.state, task, part, context.header.time + task.task.time_limit);
  set_open(context.state, task, task.task.open - 1);
  context.state.put(provider_part_key(address, task.number, part.index), {});
  auto described = attributes(task, part);
  described.push_back({"price", std::to_string(price)});
  context.emit("market.awarded", std::move(described));
}

void free_slot(Context& context, const PartEntry& part) {
  const Key key = provider_key(part.part.provider);
  auto provider = load<Provider>(context.state, key);
  if (!provider.has_value()) return;
  provider->held -= 1;
  provider->busy_time = saturating_add(provider->busy_time, context.header.time - part.part.awarded);
  save(context.state, key, *provider);
}

void pay(Context& context, const Expected& expected, TaskEntry& task, PartEntry& part, std::uint32_t calls) {
  const Key key = provider_key(part.part.provider);
  auto provider = load<Provider>(context.state, key);
  if (!provider.has_value()) return;
  const Motes share = multiply_divide(part.part.price, calls, task.task.calls).value_or(0);
  const auto terms = expected.models.terms(context.state, task.task.model);
  const Motes royalty =
      terms.has_value() ? multiply_divide(share, task.task.royalty, kBasisPoints).value_or(0) : Motes{0};
  release(context.state, task, part, *provider);
  if (calls == task.task.calls) {
    provider->done += 1;
    provider->late_in_a_row = 0;
  }
  provider->work_done =
      saturating_add(provider->work_done, multiply_divide(task.task.work_per_part, calls, task.task.calls).value_or(0));
  provider->earned = saturating_add(provider->earned, share - royalty);
  save(context.state, key, *provider);
  expected.money.pay_from_escrow(context.state, part.part.provider, share - royalty);
  if (royalty > 0) expected.money.pay_from_escrow(context.state, terms->owner, royalty);
  expected.money.pay_from_escrow(context.state, task.task.requester, task.task.max_price - share);
  const PartState end = calls == task.task.calls ? PartState::kPaid
                        : calls > 0              ? PartState::kPartlyPaid
                                                 : PartState::kRefunded;
  finish(context, task, part, end);
  auto described = attributes(task, part);
  described.push_back({"paid", std::to_string(share)});
  described.push_back({"royalty", std::to_string(royalty)});
  if (royalty > 0) described.push_back({"owner", terms->owner.text()});
  described.push_back({"requester", task.task.requester.text()});
  described.push_back({"returned", std::to_string(task.task.max_price - share)});
  context.emit("market.paid", std::move(described));
}

void refund(Context& context, const Expected& expected, TaskEntry& task, PartEntry& part) {
  if (part.part.state == PartState::kOpen) set_open(context.state, task, task.task.open - 1);
  expected.money.pay_from_escrow(context.state, task.task.requester, task.task.max_price);
  finish(context, task, part, PartState::kRefunded);
  context.emit("market.refunded", {{"task", std::to_string(task.number)},
                                   {"part", std::to_string(part.index)},
                                   {"requester", task.task.requester.text()},
                                   {"returned", std::to_string(task.task.max_price)}});
}

void miss(Context& context, const Expected& expected, TaskEntry& task, PartEntry& part) {
  const Parameters rules = parameters(context.state);
  const Key key = provider_key(part.part.provider);
  auto provider = load<Provider>(context.state, key);
  if (!provider.has_value()) return;
  if (part.part.state == PartState::kHeld) provider->held -= 1;
  const Motes penalty = std::min(
      part.part.collateral, multiply_divide(task.task.max_price, rules.late_penalty, kBasisPoints, true).value_or(0));
  release(context.state, task, part, *provider);
  provider->stake -= penalty;
  provider->late += 1;
  const std::uint32_t doublings = std::min(provider->late_in_a_row, kMaxDoublings);
  provider->late_in_a_row += 1;
  provider->suspended_until = context.header.time + (rules.suspension_time << doublings);
  save(context.state, key, *provider);
  expected.money.pay_from_stake(context.state, expected.money.fee_account(context.state), penalty);
  auto described = attributes(task, part);
  described.push_back({"penalty", std::to_string(penalty)});
  context.emit("market.missed", std::move(described));

  set_due(context.state, task, part, 0);
  part.part.attempts += 1;
  if (task.task.cancelled || part.part.attempts >= rules.attempts ||
      context.header.time + task.task.time_limit > task.task.deadline) {
    refund(context, expected, task, part);
    return;
  }
  part.part.state = PartState::kOpen;
  set_open(context.state, task, task.task.open + 1);
}

}  // namespace starling::ledger::market
