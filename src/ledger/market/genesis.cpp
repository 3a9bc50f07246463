#include "ledger/market/genesis.h"

#include "ledger/json_fields.h"
#include "ledger/market/state.h"

namespace starling::ledger::market {

base::Status read_genesis(Overlay& state, const base::Json& section) {
  Parameters rules;
  JsonReader reader(section);
  Parameters::fields(rules, reader);
  const base::Status status = reader.finish();
  if (!status.ok()) return base::invalid("market: " + status.error().message);
  for (const std::uint64_t time : {rules.auction_time, rules.reveal_time, rules.challenge_time, rules.cancel_time,
                                   rules.unbonding_time, rules.suspension_time}) {
    if (time == 0 || time > kMaxDeadline) return base::invalid("market: times are from 1 ms to 30 days");
  }
  if (rules.benchmark_age > kMaxDeadline) return base::invalid("market: benchmark_age is at most 30 days");
  if (rules.attempts == 0) return base::invalid("market: attempts must be at least 1");
  save(state, parameters_key(), rules);
  return state.status();
}

}  // namespace starling::ledger::market
