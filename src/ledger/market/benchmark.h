#pragma once

#include "ledger/context.h"
#include "ledger/market/state.h"

namespace starling::ledger::market {

// A provider shows how fast it is: the ledger gives it a seed that nobody could know before, it runs the benchmark
// program on that seed and reports the output's root, and the record keeps the block time between.

// Lets a benchmark start: its seed is drawn in the next block, from the hash of this one, which is not known yet.
void ask_for_benchmark(Context& context);
// The next block is there: the provider's running benchmark, if there is one, gives way to this one.
void draw_benchmark(Context& context, std::uint64_t number);
// Whether what the provider measured is young enough to claim with.
bool has_benchmark(const Context& context, const Parameters& rules, const Provider& provider);

// SHA-256 of "starling benchmark" ‖ hash of the block ‖ the provider's address.
base::Hash benchmark_seed(const base::Hash& block, const base::Address& provider);

}  // namespace starling::ledger::market
