#include "ledger/market/queries.h"

namespace starling::ledger::market {
namespace {

base::Result<std::vector<std::uint64_t>> numbers_under(const store::StateView& state, const Key& prefix,
                                                       std::uint64_t after, std::size_t limit) {
  std::vector<std::uint64_t> numbers;
  const std::size_t at = base::ByteView(prefix).size();
  STARLING_TRY(state.scan(prefix, [&](base::ByteView key, base::ByteView /*value*/) {
    if (numbers.size() == limit) return false;
    const std::uint64_t number = key_u64(key, at);
    if (number > after) numbers.push_back(number);
    return true;
  }));
  return numbers;
}

}  // namespace

base::Result<Parameters> parameters(const store::StateView& state) {
  STARLING_ASSIGN(const std::optional<Parameters> found, read_record<Parameters>(state, parameters_key()));
  return found.value_or(Parameters());
}

base::Result<std::optional<Task>> task(const store::StateView& state, std::uint64_t number) {
  return read_record<Task>(state, task_key(number));
}

base::Result<std::optional<Part>> part(const store::StateView& state, std::uint64_t task, std::uint32_t index) {
  return read_record<Part>(state, part_key(task, index));
}

base::Result<std::optional<Provider>> provider(const store::StateView& state, const base::Address& address) {
  return read_record<Provider>(state, provider_key(address));
}

base::Result<std::optional<Claim>> claim(const store::StateView& state, std::uint64_t task,
                                         const base::Address& provider) {
  return read_record<Claim>(state, claim_key(task, provider));
}

base::Result<std::vector<std::uint64_t>> open_tasks(const store::StateView& state, std::uint64_t after,
                                                    std::size_t limit) {
  return numbers_under(state, open_tasks_key(), after, limit);
}

base::Result<std::vector<std::uint64_t>> tasks_of(const store::StateView& state, const base::Address& requester,
                                                  std::uint64_t after, std::size_t limit) {
  return numbers_under(state, requester_tasks_key(requester), after, limit);
}

base::Result<std::vector<PartName>> parts_of(const store::StateView& state, const base::Address& provider) {
  std::vector<PartName> parts;
  const Key prefix = provider_parts_key(provider);
  const std::size_t at = base::ByteView(prefix).size();
  STARLING_TRY(state.scan(prefix, [&](base::ByteView key, base::ByteView /*value*/) {
    parts.push_back({key_u64(key, at), key_u32(key, at + 8)});
    return true;
  }));
  return parts;
}

base::Status each_provider(const store::StateView& state,
                           const std::function<bool(const base::Address&, const Provider&)>& visit) {
  base::Status read;
  STARLING_TRY(state.scan(providers_key(), [&](base::ByteView key, base::ByteView value) {
    const base::Result<Provider> provider = decode_record<Provider>(value);
    if (!provider.ok()) {
      read = provider.error();
      return false;
    }
    return visit(key_address(key, 2), *provider);
  }));
  return read;
}

}  // namespace starling::ledger::market
