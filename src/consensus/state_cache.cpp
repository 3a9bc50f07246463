#include "consensus/state_cache.h"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "base/random.h"

namespace starling::consensus {
namespace {

std::string_view text_of(base::ByteView bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

bool begins_with(std::string_view key, base::ByteView prefix) { return key.starts_with(text_of(prefix)); }

}  // namespace

std::size_t StateCache::KeyHash::operator()(const std::string& key) const {
  std::uint64_t hash = seed ^ key.size();
  for (std::size_t at = 0; at < key.size(); at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, key.data() + at, std::min<std::size_t>(8, key.size() - at));
    hash = (hash ^ word) * ((seed << 1U) | 1U);
    hash ^= hash >> 32U;
  }
  return static_cast<std::size_t>(hash);
}

StateCache::StateCache(const store::StateView& below, std::size_t max_entries)
    : below_(below), max_entries_(max_entries), entries_(0, KeyHash{base::random_u64()}) {}

std::uint16_t StateCache::group_of(base::ByteView key) {
  const unsigned second = key.size() > 1 ? key[1] : 0U;
  return static_cast<std::uint16_t>((unsigned{key[0]} << 8U) | second);
}

base::Result<std::optional<base::Bytes>> StateCache::get(base::ByteView key) const {
  const std::string name(text_of(key));
  if (const auto found = entries_.find(name); found != entries_.end()) return found->second.value;
  base::Result<std::optional<base::Bytes>> value = below_.get(key);
  if (value.ok()) entries_[name].value = *value;
  return value;
}

base::Status StateCache::scan(base::ByteView prefix, const Visit& visit) const {
  // A short prefix reaches into several groups.
  std::vector<Group*> groups;
  for (auto& [number, group] : changed_) {
    const std::uint8_t start[2] = {static_cast<std::uint8_t>(number >> 8U), static_cast<std::uint8_t>(number)};
    const std::size_t known = std::min<std::size_t>(prefix.size(), 2);
    if (std::equal(start, start + known, prefix.begin())) groups.push_back(&group);
  }
  // Bytes of std::string compare as unsigned ones, so this is the order of keys; so is that of the groups.
  std::vector<Entries::pointer> ours;
  for (Group* group : groups) {
    if (!group->sorted) {
      std::ranges::sort(group->entries, {}, [](Entries::pointer entry) -> const std::string& { return entry->first; });
      group->sorted = true;
    }
    const auto first = std::ranges::lower_bound(group->entries, text_of(prefix), {},
                                                [](Entries::pointer entry) { return std::string_view(entry->first); });
    for (auto at = first; at != group->entries.end() && begins_with((*at)->first, prefix); ++at) ours.push_back(*at);
  }
  auto next = ours.begin();
  bool going = true;
  const auto visit_next = [&] {
    const Entry& entry = (*next)->second;
    if (entry.value.has_value()) going = visit(base::as_bytes((*next)->first), *entry.value);
    ++next;
  };
  STARLING_TRY(below_.scan(prefix, [&](base::ByteView key, base::ByteView value) {
    while (going && next != ours.end() && (*next)->first < text_of(key)) visit_next();
    if (!going) return false;
    if (next != ours.end() && (*next)->first == text_of(key)) {
      visit_next();
    } else {
      going = visit(key, value);
    }
    return going;
  }));
  while (going && next != ours.end()) visit_next();
  return {};
}

void StateCache::apply(const std::vector<store::Write>& writes) {
  for (const store::Write& write : writes) {
    const auto [at, inserted] = entries_.try_emplace(std::string(text_of(write.key)));
    at->second.value = write.value;
    if (at->second.changed) continue;
    at->second.changed = true;
    Group& group = changed_[group_of(write.key)];
    group.entries.push_back(&*at);
    group.sorted = false;
  }
}

std::vector<store::Write> StateCache::changes() const {
  std::vector<store::Write> writes;
  for (const auto& [number, group] : changed_) {
    for (Entries::pointer entry : group.entries) {
      const base::ByteView key = base::as_bytes(entry->first);
      writes.push_back({{key.begin(), key.end()}, entry->second.value});
    }
  }
  return writes;
}

void StateCache::settle() {
  for (auto& [number, group] : changed_) {
    for (Entries::pointer entry : group.entries) entry->second.changed = false;
  }
  changed_.clear();
  if (entries_.size() > max_entries_) entries_.clear();
}

void StateCache::forget() {
  changed_.clear();
  entries_.clear();
}

}  // namespace starling::consensus
