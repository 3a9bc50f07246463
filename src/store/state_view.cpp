#include "store/state_view.h"

#include <algorithm>
#include <cstring>
#include <string>

namespace starling::store {

bool KeyOrder::operator()(base::ByteView left, base::ByteView right) const {
  const std::size_t common = std::min(left.size(), right.size());
  const int order = common == 0 ? 0 : std::memcmp(left.data(), right.data(), common);
  return order != 0 ? order < 0 : left.size() < right.size();
}

base::ByteView first_key(base::ByteView prefix, base::ByteView from) {
  return KeyOrder()(prefix, from) ? from : prefix;
}

base::Status check_write(const Write& write) {
  if (write.key.empty() || write.key.size() > kMaxKeyBytes) {
    return base::invalid("a key of the state has " + std::to_string(write.key.size()) + " bytes; it must have 1 to " +
                         std::to_string(kMaxKeyBytes));
  }
  if (write.value && write.value->size() > kMaxValueBytes) {
    return base::limit_error("a value of the state has " + std::to_string(write.value->size()) + " bytes; at most " +
                             std::to_string(kMaxValueBytes) + " are allowed");
  }
  return {};
}

base::Result<std::optional<base::Bytes>> MemoryState::get(base::ByteView key) const {
  const auto found = entries_.find(base::Bytes(key.begin(), key.end()));
  if (found == entries_.end()) return std::optional<base::Bytes>();
  return std::optional<base::Bytes>(found->second);
}

base::Status MemoryState::scan_from(base::ByteView prefix, base::ByteView from, const Visit& visit) const {
  const base::ByteView first = first_key(prefix, from);
  for (auto at = entries_.lower_bound(base::Bytes(first.begin(), first.end())); at != entries_.end(); ++at) {
    const base::Bytes& key = at->first;
    if (key.size() < prefix.size() || !std::equal(prefix.begin(), prefix.end(), key.begin())) break;
    if (!visit(key, at->second)) break;
  }
  return {};
}

base::Status MemoryState::apply(std::span<const Write> writes) {
  for (const Write& write : writes) STARLING_TRY(check_write(write));
  for (const Write& write : writes) {
    if (write.value) {
      entries_[write.key] = *write.value;
    } else {
      entries_.erase(write.key);
    }
  }
  return {};
}

}  // namespace starling::store
