#include "ledger/market/auction.h"

#include <algorithm>
#include <tuple>

#include "ledger/market/benchmark.h"

namespace starling::ledger::market {
namespace {

struct Bid {
  Claim claim;
  base::Hash draw;
  base::Address provider;
};

base::Hash draw_of(const base::Hash& previous, std::uint64_t task, const base::Address& provider) {
  base::Bytes bytes(previous.bytes.begin(), previous.bytes.end());
  for (int shift = 56; shift >= 0; shift -= 8) bytes.push_back(static_cast<std::uint8_t>(task >> shift));
  bytes.insert(bytes.end(), provider.bytes.begin(), provider.bytes.end());
  return base::sha256(bytes);
}

std::vector<Bid> ordered_bids(Context& context, std::uint64_t task) {
  std::vector<Bid> bids;
  const Key prefix = claims_key(task);
  const std::size_t prefix_size = base::ByteView(prefix).size();
  const base::Status status = context.state.scan(prefix, [&](base::ByteView key, base::ByteView value) {
    const base::Result<Claim> claim = decode_record<Claim>(value);
    if (!claim.ok()) {
      context.state.fail(claim.error());
      return false;
    }
    const base::Address provider = key_address(key, prefix_size);
    bids.push_back({*claim, draw_of(context.header.previous, task, provider), provider});
    return true;
  });
  if (!status.ok()) context.state.fail(status.error());
  std::sort(bids.begin(), bids.end(), [](const Bid& left, const Bid& right) {
    return std::tie(left.claim.rate, left.draw, left.provider) < std::tie(right.claim.rate, right.draw, right.provider);
  });
  return bids;
}

}  // namespace

std::optional<Motes> collateral_for(const Parameters& rules, Motes max_price) {
  return multiply_divide(max_price, rules.collateral, kBasisPoints, true);
}

std::optional<Fault> may_hold(const Context& context, const Parameters& rules, const Provider& provider,
                              const Task& task) {
  if (provider.memory_mebibytes < task.memory_mebibytes) return Fault::kMemoryTooSmall;
  if (context.header.time < provider.suspended_until) return Fault::kSuspended;
  if (!has_benchmark(context, rules, provider)) return Fault::kNoBenchmark;
  const auto collateral = collateral_for(rules, task.max_price);
  if (!collateral.has_value() || provider.stake < rules.minimum_stake ||
      provider.stake - provider.locked < *collateral) {
    return Fault::kStakeTooLow;
  }
  return std::nullopt;
}

void close_auction(Context& context, TaskEntry& task) {
  const Parameters rules = parameters(context.state);
  const std::vector<Bid> bids = ordered_bids(context, task.number);
  end_auction(context.state, task);
  std::uint32_t next = 0;  // every open part has this index or a larger one
  for (const Bid& bid : bids) {
    auto provider = load<Provider>(context.state, provider_key(bid.provider));
    const auto price = part_price(task.task.work_per_part, bid.claim.rate);
    if (!provider.has_value() || !price.has_value()) continue;
    for (std::uint32_t won = 0; won < bid.claim.parts && task.task.open > 0; ++won) {
      // A late block may leave too little time; a provider may have withdrawn, or won elsewhere.
      if (context.header.time + task.task.time_limit > task.task.deadline || provider->held >= provider->slots ||
          may_hold(context, rules, *provider, task.task).has_value()) {
        break;
      }
      std::optional<Part> part;
      for (; next < task.task.parts; ++next) {
        part = load<Part>(context.state, part_key(task.number, next));
        if (part.has_value() && part->state == PartState::kOpen) break;
      }
      if (next == task.task.parts || !part.has_value()) break;
      PartEntry entry{next++, *part};
      award(context, task, entry, bid.provider, *provider, *price, *collateral_for(rules, task.task.max_price));
      save_part(context.state, task, entry);
    }
    save(context.state, provider_key(bid.provider), *provider);
  }
  save_task(context.state, task);
}

}  // namespace starling::ledger::market
