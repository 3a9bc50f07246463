#include <map>

#include "ledger/market/queries.h"

namespace starling::ledger::market {
namespace {

// What the parts say of each provider.
struct Load {
  std::uint32_t held = 0;
  Motes locked = 0;
};
using Loads = std::map<base::Address, Load>;

base::Error broken(const std::string& what) { return base::internal_error("market: " + what); }

base::Status check_part(const store::StateView& state, std::uint64_t number, std::uint32_t index, const Part& part,
                        Loads& loads) {
  const std::string name = "part " + std::to_string(index) + " of task " + std::to_string(number);
  const bool settled = is_settled(part.state);
  const bool working = part.state != PartState::kOpen && !settled;
  if (working != (part.due != 0)) return broken(name + " has a deadline and needs none, or the reverse");
  STARLING_ASSIGN(const auto listed, state.get(provider_part_key(part.provider, number, index)));
  if (listed.has_value() != working) return broken(name + " is not listed with its provider as it should be");
  if (!working) return {};
  Load& load = loads[part.provider];
  load.locked += part.collateral;
  if (part.state == PartState::kHeld) load.held += 1;
  return {};
}

base::Status check_task(const store::StateView& state, std::uint64_t number, const Task& task, Loads& loads) {
  const std::string name = "task " + std::to_string(number);
  std::uint32_t open = 0;
  std::uint32_t unfinished = 0;
  for (std::uint32_t index = 0; index < task.parts; ++index) {
    STARLING_ASSIGN(const std::optional<Part> found, part(state, number, index));
    if (!found.has_value()) return broken(name + " lacks part " + std::to_string(index));
    if (found->price > task.max_price) return broken(name + " pays more than its maximum price");
    if (found->calls >= task.calls) return broken(name + " has all calls of a part reported, and no result of them");
    open += found->state == PartState::kOpen ? 1 : 0;
    unfinished += is_settled(found->state) ? 0 : 1;
    STARLING_TRY(check_part(state, number, index, *found, loads));
  }
  if (open != task.open || unfinished != task.unfinished) return broken(name + " miscounts its parts");
  STARLING_ASSIGN(const auto listed, state.get(open_task_key(number)));
  if (listed.has_value() != (open > 0)) return broken(name + " is not listed as open as it should be");
  std::uint32_t claims = 0;
  STARLING_TRY(state.scan(claims_key(number), [&](base::ByteView /*key*/, base::ByteView /*value*/) {
    ++claims;
    return true;
  }));
  if (claims != task.claims || (claims > 0) != (task.auction_end != 0)) return broken(name + " miscounts its claims");
  if (task.cancelled && open > 0) return broken(name + " is cancelled and open");
  return {};
}

}  // namespace

base::Result<Holdings> check_invariants(const store::StateView& state) {
  Holdings holdings;
  Loads loads;
  std::vector<std::pair<std::uint64_t, Task>> tasks;
  base::Status read;
  STARLING_TRY(state.scan(tasks_key(), [&](base::ByteView key, base::ByteView value) {
    base::Result<Task> task = decode_record<Task>(value);
    if (!task.ok()) {
      read = task.error();
      return false;
    }
    tasks.emplace_back(key_u64(key, 2), *std::move(task));
    return true;
  }));
  STARLING_TRY(read);
  for (const auto& [number, task] : tasks) {
    STARLING_TRY(check_task(state, number, task, loads));
    holdings.escrow += task.max_price * task.unfinished;
  }
  bool sound = true;
  STARLING_TRY(each_provider(state, std::nullopt, [&](const base::Address& address, const Provider& provider) {
    const auto load = loads.find(address);
    const Load expected = load == loads.end() ? Load() : load->second;
    sound = provider.held == expected.held && provider.locked == expected.locked && provider.locked <= provider.stake;
    holdings.stake += provider.stake;
    if (load != loads.end()) loads.erase(load);
    return sound;
  }));
  if (!sound || !loads.empty()) return broken("a provider's slots or locked stake are not those of its parts");
  STARLING_TRY(state.scan(withdrawals_key(), [&](base::ByteView /*key*/, base::ByteView value) {
    const base::Result<Withdrawal> withdrawal = decode_record<Withdrawal>(value);
    sound = withdrawal.ok();
    if (sound) holdings.stake += withdrawal->motes;
    return sound;
  }));
  if (!sound) return broken("a withdrawal is malformed");
  STARLING_TRY(state.scan(benchmarks_key(), [&](base::ByteView /*key*/, base::ByteView value) {
    const base::Result<Drawing> drawing = decode_record<Drawing>(value);
    sound = drawing.ok();
    if (!sound) return false;
    const auto found = state.get(provider_key(drawing->provider));
    sound = found.ok() && found->has_value();
    return sound;
  }));
  if (!sound) return broken("a benchmark is drawn for nobody");
  return holdings;
}

}  // namespace starling::ledger::market
