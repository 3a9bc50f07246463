#include "ledger/market/benchmark.h"

#include "ledger/market/settlement.h"
#include "ledger/schedule.h"

namespace starling::ledger::market {

base::Hash benchmark_seed(const base::Hash& block, const base::Address& provider) {
  base::Sha256 sha;
  sha.update(base::as_bytes("starling benchmark"));
  sha.update(block.bytes);
  sha.update(provider.bytes);
  return sha.finish();
}

void ask_for_benchmark(Context& context) {
  Counters counters = load<Counters>(context.state, counters_key()).value_or(Counters());
  const std::uint64_t number = ++counters.benchmarks;
  save(context.state, counters_key(), counters);
  save(context.state, benchmark_key(number), Drawing{context.sender});
  schedule(context.state, {context.header.time + 1, DeadlineKind::kMarketBenchmark, number, 0});
}

void draw_benchmark(Context& context, std::uint64_t number) {
  const auto drawing = load<Drawing>(context.state, benchmark_key(number));
  if (!drawing.has_value()) return;
  context.state.erase(benchmark_key(number));
  auto provider = load<Provider>(context.state, provider_key(drawing->provider));
  if (!provider.has_value()) return;
  provider->benchmark_seed = benchmark_seed(context.header.previous, drawing->provider);
  provider->benchmark_started = context.header.time;
  save(context.state, provider_key(drawing->provider), *provider);
  context.emit("market.benchmark", {{"provider", drawing->provider.text()}, {"seed", provider->benchmark_seed.hex()}});
}

bool has_benchmark(const Context& context, const Parameters& rules, const Provider& provider) {
  if (rules.benchmark_age == 0) return true;
  return provider.measured_at != 0 && context.header.time - provider.measured_at < rules.benchmark_age;
}

}  // namespace starling::ledger::market
