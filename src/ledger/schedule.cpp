#include "ledger/schedule.h"

#include "ledger/record.h"

namespace starling::ledger {
namespace {

constexpr char kCore = 'c';
constexpr char kDeadlines = 'd';

Key key_of(const Deadline& deadline) {
  Key key(kCore, kDeadlines);
  key.add(deadline.time).add(static_cast<std::uint32_t>(deadline.kind)).add(deadline.subject).add(deadline.part);
  return key;
}

Deadline deadline_of(base::ByteView key) {
  return {key_u64(key, 2), static_cast<DeadlineKind>(key_u32(key, 10)), key_u64(key, 14), key_u32(key, 22)};
}

}  // namespace

void schedule(Overlay& state, const Deadline& deadline) { state.put(key_of(deadline), {}); }
void unschedule(Overlay& state, const Deadline& deadline) { state.erase(key_of(deadline)); }

bool take(Overlay& state, const Deadline& deadline) {
  const base::Result<std::optional<base::Bytes>> found = state.get(key_of(deadline));
  if (!found.ok()) state.fail(found.error());
  if (!found.ok() || !found->has_value()) return false;
  unschedule(state, deadline);
  return true;
}

std::vector<Deadline> due(Overlay& state, std::uint64_t time, std::size_t limit) {
  std::vector<Deadline> found;
  const base::Status status = each_deadline(state, [&](const Deadline& deadline) {
    if (deadline.time > time || found.size() == limit) return false;
    found.push_back(deadline);
    return true;
  });
  if (!status.ok()) state.fail(status.error());
  return found;
}

base::Status each_deadline(const store::StateView& state, const std::function<bool(const Deadline&)>& visit) {
  return state.scan(Key(kCore, kDeadlines),
                    [&](base::ByteView key, base::ByteView /*value*/) { return visit(deadline_of(key)); });
}

base::Result<std::optional<std::uint64_t>> next_deadline(const store::StateView& state) {
  std::optional<std::uint64_t> time;
  STARLING_TRY(each_deadline(state, [&](const Deadline& deadline) {
    time = deadline.time;
    return false;
  }));
  return time;
}

}  // namespace starling::ledger
