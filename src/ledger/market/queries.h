#pragma once

#include <functional>
#include <set>

#include "ledger/market/state.h"

namespace starling::ledger::market {

base::Result<Parameters> parameters(const store::StateView& state);
base::Result<std::optional<Task>> task(const store::StateView& state, std::uint64_t number);
base::Result<std::optional<Part>> part(const store::StateView& state, std::uint64_t task, std::uint32_t index);
base::Result<std::optional<Provider>> provider(const store::StateView& state, const base::Address& address);
base::Result<std::optional<Claim>> claim(const store::StateView& state, std::uint64_t task,
                                         const base::Address& provider);

// Numbers in ascending order, those above `after`, at most `limit`.
base::Result<std::vector<std::uint64_t>> open_tasks(const store::StateView& state, std::uint64_t after,
                                                    std::size_t limit);
base::Result<std::vector<std::uint64_t>> tasks_of(const store::StateView& state, const base::Address& requester,
                                                  std::uint64_t after, std::size_t limit);
// In descending order, those below `before`, at most `limit`.
base::Result<std::vector<std::uint64_t>> latest_tasks_of(const store::StateView& state, const base::Address& requester,
                                                         std::uint64_t before, std::size_t limit);

// The number of the last task that was submitted; 0: none was.
base::Result<std::uint64_t> last_task(const store::StateView& state);
// Those with parts that are not settled, ascending.
base::Result<std::set<std::uint64_t>> unfinished_tasks(const store::StateView& state);

struct PartName {
  std::uint64_t task = 0;
  std::uint32_t part = 0;
};
// What a provider has won and is not yet settled.
base::Result<std::vector<PartName>> parts_of(const store::StateView& state, const base::Address& provider);

// In the order of the addresses, those above `after` or all, until visit returns false.
base::Status each_provider(const store::StateView& state, const std::optional<base::Address>& after,
                           const std::function<bool(const base::Address&, const Provider&)>& visit);

// What the market believes to be in the bank's pots.
struct Holdings {
  Motes escrow = 0;
  Motes stake = 0;
};
// kInternal unless tasks agree with their parts, parts with their providers, and lists with both. Reads the whole
// market.
base::Result<Holdings> check_invariants(const store::StateView& state);

}  // namespace starling::ledger::market
