#include "consensus/state_cache.h"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "base/random.h"

namespace starling::consensus {
namespace {

std::string_view text_of(base::ByteView bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

constexpr std::size_t kFewestSlots = 1024;

bool begins_with(std::string_view key, base::ByteView prefix) { return key.starts_with(text_of(prefix)); }

}  // namespace

StateCache::Entry::Entry(std::string_view key) : key_size_(static_cast<std::uint16_t>(key.size())) {
  static_assert(store::kMaxKeyBytes <= UINT16_MAX);
  if (key.size() > few_.size()) more_ = std::make_unique<char[]>(key.size());
  std::ranges::copy(key, more_ == nullptr ? few_.data() : more_.get());
}

std::optional<base::Bytes> StateCache::Entry::value() const {
  if (!present_) return std::nullopt;
  const base::ByteView bytes = base::as_bytes({text() + key_size_, value_size_});
  return base::Bytes(bytes.begin(), bytes.end());
}

void StateCache::Entry::set(bool present, base::ByteView value) {
  const std::size_t size = key_size_ + value.size();
  if (size > few_.size()) {
    auto bytes = std::make_unique<char[]>(size);
    std::copy_n(text(), key_size_, bytes.get());
    more_ = std::move(bytes);
  } else if (more_ != nullptr) {
    std::copy_n(more_.get(), key_size_, few_.data());
    more_.reset();
  }
  std::ranges::copy(value, (more_ == nullptr ? few_.data() : more_.get()) + key_size_);
  present_ = present;
  value_size_ = static_cast<std::uint32_t>(value.size());
}

StateCache::StateCache(const store::StateView& below, std::size_t max_bytes)
    : below_(below), max_bytes_(max_bytes), seed_(base::random_u64()), slots_(kFewestSlots) {}

std::uint16_t StateCache::group_of(std::string_view key) {
  const unsigned second = key.size() > 1 ? static_cast<std::uint8_t>(key[1]) : 0U;
  return static_cast<std::uint16_t>((unsigned{static_cast<std::uint8_t>(key[0])} << 8U) | second);
}

std::uint64_t StateCache::hash_of(std::string_view key) const {
  std::uint64_t hash = seed_ ^ key.size();
  for (std::size_t at = 0; at < key.size(); at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, key.data() + at, std::min<std::size_t>(8, key.size() - at));
    hash = (hash ^ word) * ((seed_ << 1U) | 1U);
    hash ^= hash >> 32U;
  }
  return hash;
}

StateCache::Slot& StateCache::slot(std::uint64_t hash, std::string_view key) const {
  for (std::size_t at = hash & (slots_.size() - 1);; at = (at + 1) & (slots_.size() - 1)) {
    Slot& slot = slots_[at];
    if (slot.entry == nullptr || (slot.hash == hash && slot.entry->key() == key)) return slot;
  }
}

StateCache::Entry& StateCache::entry(std::string_view key) const {
  const std::uint64_t hash = hash_of(key);
  Slot* found = &slot(hash, key);
  if (found->entry == nullptr) {
    if (entries_.size() >= slots_.size() / 2) {
      grow();
      found = &slot(hash, key);
    }
    entries_.emplace_back(key);
    *found = {hash, &entries_.back()};
    more_ += found->entry->size();
  }
  return *found->entry;
}

void StateCache::grow() const {
  std::vector<Slot> before(2 * slots_.size());
  before.swap(slots_);
  for (const Slot& old : before) {
    if (old.entry != nullptr) slot(old.hash, old.entry->key()) = old;
  }
}

void StateCache::set(Entry& entry, bool present, base::ByteView value) const {
  more_ -= entry.size();
  entry.set(present, value);
  more_ += entry.size();
}

void StateCache::set(Entry& entry, const std::optional<base::Bytes>& value) const {
  set(entry, value.has_value(), value.has_value() ? base::ByteView(*value) : base::ByteView());
}

void StateCache::clear() const {
  entries_.clear();
  slots_.assign(kFewestSlots, {});
  more_ = 0;
}

base::Result<std::optional<base::Bytes>> StateCache::get(base::ByteView key) const {
  const std::string_view name = text_of(key);
  if (const Slot& found = slot(hash_of(name), name); found.entry != nullptr) return found.entry->value();
  base::Result<std::optional<base::Bytes>> value = below_.get(key);
  if (value.ok()) set(entry(name), *value);
  return value;
}

void StateCache::expect(base::ByteView key) const {
  const Slot& first = slots_[hash_of(text_of(key)) & (slots_.size() - 1)];
  if (first.entry != nullptr) __builtin_prefetch(first.entry);
}

void StateCache::expect(const std::vector<store::Write>& writes, std::size_t at) const {
  constexpr std::size_t kTogether = 64;
  if (at % kTogether != 0) return;
  for (std::size_t i = at; i < std::min(at + kTogether, writes.size()); ++i) expect(writes[i].key);
}

base::Status StateCache::fill() {
  return below_.scan({}, [&](base::ByteView key, base::ByteView value) {
    if (slot(hash_of(text_of(key)), text_of(key)).entry == nullptr) set(entry(text_of(key)), true, value);
    return size() < max_bytes_ / 4 * 3;  // the rest is for what is new
  });
}

base::Status StateCache::scan_from(base::ByteView prefix, base::ByteView from, const Visit& visit) const {
  // A short prefix reaches into several groups.
  std::vector<Group*> groups;
  for (auto& [number, group] : changed_) {
    const std::uint8_t start[2] = {static_cast<std::uint8_t>(number >> 8U), static_cast<std::uint8_t>(number)};
    const std::size_t known = std::min<std::size_t>(prefix.size(), 2);
    if (std::equal(start, start + known, prefix.begin())) groups.push_back(&group);
  }
  // Characters of a std::string_view compare as unsigned bytes, so this is the order of keys; so is that of the groups.
  std::vector<Entry*> ours;
  for (Group* group : groups) {
    if (!group->sorted) {
      std::ranges::sort(group->entries, {}, &Entry::key);
      group->sorted = true;
    }
    const auto first =
        std::ranges::lower_bound(group->entries, text_of(store::first_key(prefix, from)), {}, &Entry::key);
    for (auto at = first; at != group->entries.end() && begins_with((*at)->key(), prefix); ++at) ours.push_back(*at);
  }
  auto next = ours.begin();
  bool going = true;
  const auto visit_next = [&] {
    const std::optional<base::Bytes> value = (*next)->value();
    if (value.has_value()) going = visit(base::as_bytes((*next)->key()), *value);
    ++next;
  };
  STARLING_TRY(below_.scan_from(prefix, from, [&](base::ByteView key, base::ByteView value) {
    while (going && next != ours.end() && (*next)->key() < text_of(key)) visit_next();
    if (!going) return false;
    if (next != ours.end() && (*next)->key() == text_of(key)) {
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
  for (std::size_t i = 0; i < writes.size(); ++i) {
    expect(writes, i);
    const store::Write& write = writes[i];
    Entry& changed = entry(text_of(write.key));
    set(changed, write.value);
    if (changed.changed) continue;
    changed.changed = true;
    Group& group = changed_[group_of(text_of(write.key))];
    group.entries.push_back(&changed);
    group.sorted = false;
  }
}

std::vector<store::Write> StateCache::changes() const {
  std::vector<store::Write> writes;
  for (const auto& [number, group] : changed_) {
    for (const Entry* entry : group.entries) {
      const base::ByteView key = base::as_bytes(entry->key());
      writes.push_back({{key.begin(), key.end()}, entry->value()});
    }
  }
  return writes;
}

void StateCache::settle(const std::vector<store::Write>& writes) {
  for (auto& [number, group] : changed_) {
    for (Entry* entry : group.entries) entry->changed = false;
  }
  changed_.clear();
  for (std::size_t i = 0; i < writes.size(); ++i) {
    expect(writes, i);
    set(entry(text_of(writes[i].key)), writes[i].value);
  }
  if (size() > max_bytes_) clear();
}

void StateCache::forget() {
  changed_.clear();
  clear();
}

}  // namespace starling::consensus
