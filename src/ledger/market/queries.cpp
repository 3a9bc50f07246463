#include "ledger/market/queries.h"

#include <algorithm>
#include <limits>

#include "ledger/schedule.h"

namespace starling::ledger::market {
namespace {

base::Result<std::vector<std::uint64_t>> numbers_under(const store::StateView& state, const Key& prefix,
                                                       std::uint64_t after, std::size_t limit) {
  std::vector<std::uint64_t> numbers;
  if (limit == 0 || after == std::numeric_limits<std::uint64_t>::max()) return numbers;
  const std::size_t at = base::ByteView(prefix).size();
  STARLING_TRY(state.scan_from(prefix, Key(prefix).add(after + 1), [&](base::ByteView key, base::ByteView /*value*/) {
    numbers.push_back(key_u64(key, at));
    return numbers.size() < limit;
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

base::Result<std::uint64_t> last_task(const store::StateView& state) {
  STARLING_ASSIGN(const std::optional<Counters> counters, read_record<Counters>(state, counters_key()));
  return counters.value_or(Counters()).tasks;
}

// A part that is open waits for its task's deadline, another that is not settled has one of its own.
base::Result<std::set<std::uint64_t>> unfinished_tasks(const store::StateView& state) {
  std::set<std::uint64_t> tasks;
  STARLING_TRY(each_deadline(state, [&](const Deadline& deadline) {
    if (deadline.kind == DeadlineKind::kMarketTask || deadline.kind == DeadlineKind::kMarketPart) {
      tasks.insert(deadline.subject);
    }
    return true;
  }));
  return tasks;
}

// A state is read upwards only: so in spans that end where the one before began, each twice as wide, and what is read
// is no more than what is given and half of the rest.
base::Result<std::vector<std::uint64_t>> latest_tasks_of(const store::StateView& state, const base::Address& requester,
                                                         std::uint64_t before, std::size_t limit) {
  STARLING_ASSIGN(const std::uint64_t last, last_task(state));
  const Key prefix = requester_tasks_key(requester);
  const std::size_t at = base::ByteView(prefix).size();
  std::vector<std::uint64_t> latest;
  std::uint64_t width = std::max<std::uint64_t>(limit, 1);
  std::uint64_t end = std::min(before, last + 1);
  while (end > 0 && latest.size() < limit) {
    const std::uint64_t begin = end - std::min(end, width);
    std::vector<std::uint64_t> numbers;
    STARLING_TRY(state.scan_from(prefix, Key(prefix).add(begin), [&](base::ByteView key, base::ByteView /*value*/) {
      const std::uint64_t number = key_u64(key, at);
      if (number < end) numbers.push_back(number);
      return number < end;
    }));
    const std::size_t more = std::min(limit - latest.size(), numbers.size());
    latest.insert(latest.end(), numbers.rbegin(), numbers.rbegin() + static_cast<std::ptrdiff_t>(more));
    end = begin;
    width *= 2;
  }
  return latest;
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

base::Status each_provider(const store::StateView& state, const std::optional<base::Address>& after,
                           const std::function<bool(const base::Address&, const Provider&)>& visit) {
  base::Status read;
  const Key from = after.has_value() ? provider_key(*after) : providers_key();
  STARLING_TRY(state.scan_from(providers_key(), from, [&](base::ByteView key, base::ByteView value) {
    if (after.has_value() && key_address(key, 2) == *after) return true;
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
