#include "ledger/market/state.h"

namespace starling::ledger::market {

const char* name_of(Assurance /*assurance*/) { return "single"; }

const char* name_of(PartState state) {
  static constexpr const char* kNames[] = {"open",   "held", "committed",   "revealed", "stopped",
                                           "proved", "paid", "partly_paid", "refunded"};
  const auto index = static_cast<std::size_t>(state);
  return index < std::size(kNames) ? kNames[index] : "unknown";
}

bool from_name(const std::string& name, Assurance& assurance) {
  if (name != name_of(Assurance::kSingle)) return false;
  assurance = Assurance::kSingle;
  return true;
}

bool from_name(const std::string& name, PartState& state) {
  for (std::uint8_t i = 0; i <= static_cast<std::uint8_t>(PartState::kRefunded); ++i) {
    if (name != name_of(static_cast<PartState>(i))) continue;
    state = static_cast<PartState>(i);
    return true;
  }
  return false;
}

bool is_settled(PartState state) { return state >= PartState::kPaid; }

Key parameters_key() { return {kModule, 'g'}; }
Key counters_key() { return {kModule, 'n'}; }
Key providers_key() { return {kModule, 'v'}; }
Key provider_key(const base::Address& provider) { return providers_key().add(provider); }
Key tasks_key() { return {kModule, 't'}; }
Key task_key(std::uint64_t task) { return tasks_key().add(task); }
Key part_key(std::uint64_t task, std::uint32_t part) { return Key(kModule, 'p').add(task).add(part); }
Key claims_key(std::uint64_t task) { return Key(kModule, 'c').add(task); }
Key claim_key(std::uint64_t task, const base::Address& provider) { return claims_key(task).add(provider); }
Key withdrawals_key() { return {kModule, 'w'}; }
Key withdrawal_key(std::uint64_t number) { return withdrawals_key().add(number); }
Key benchmarks_key() { return {kModule, 'b'}; }
Key benchmark_key(std::uint64_t number) { return benchmarks_key().add(number); }
Key open_tasks_key() { return {kModule, 'o'}; }
Key open_task_key(std::uint64_t task) { return open_tasks_key().add(task); }
Key requester_tasks_key(const base::Address& requester) { return Key(kModule, 'r').add(requester); }
Key requester_task_key(const base::Address& requester, std::uint64_t task) {
  return requester_tasks_key(requester).add(task);
}
Key provider_parts_key(const base::Address& provider) { return Key(kModule, 'h').add(provider); }
Key provider_part_key(const base::Address& provider, std::uint64_t task, std::uint32_t part) {
  return provider_parts_key(provider).add(task).add(part);
}

base::Hash result_commitment(const RevealResult& result, const base::Address& provider) {
  base::Sha256 sha;
  for (const base::Hash* const hash : {&result.output_root, &result.trace_root, &result.receipt, &result.salt}) {
    sha.update(hash->bytes);
  }
  sha.update(provider.bytes);
  return sha.finish();
}

std::optional<Motes> part_price(std::uint64_t work, std::uint64_t rate) {
  return multiply_divide(work, rate, kRateWork, true);
}

}  // namespace starling::ledger::market
