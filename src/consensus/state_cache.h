#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "store/state_view.h"

namespace starling::consensus {

// A state in front of a slower one: it remembers what was read, and holds the writes of blocks that are not below yet.
// Not thread safe; the state below must outlive it, and change only as apply() and settle() say.
class StateCache final : public store::StateView {
 public:
  // max_bytes: beyond so many, settle() forgets them all.
  StateCache(const store::StateView& below, std::size_t max_bytes);

  base::Result<std::optional<base::Bytes>> get(base::ByteView key) const override;
  base::Status scan_from(base::ByteView prefix, base::ByteView from, const Visit& visit) const override;
  void expect(base::ByteView key) const override;

  // Remembers what is below, as much as there is room for.
  base::Status fill();
  // The writes of a block, each key once.
  void apply(const std::vector<store::Write>& writes);
  // All writes since the last settle(), each key once.
  std::vector<store::Write> changes() const;
  // These writes, each key once, and all that was applied are in the state below.
  void settle(const std::vector<store::Write>& writes);
  // Takes back everything since the last settle().
  void forget();

 private:
  // One line of the processor's cache for most of them.
  class Entry {
   public:
    explicit Entry(std::string_view key);
    std::string_view key() const { return {text(), key_size_}; }
    std::optional<base::Bytes> value() const;
    void set(bool present, base::ByteView value);
    // Bytes beside the entry itself.
    std::size_t size() const { return more_ == nullptr ? 0 : key_size_ + value_size_; }
    bool changed = false;

   private:
    const char* text() const { return more_ == nullptr ? few_.data() : more_.get(); }
    bool present_ = false;
    std::uint16_t key_size_;
    std::uint32_t value_size_ = 0;
    std::array<char, 48> few_;      // key and value, when they fit
    std::unique_ptr<char[]> more_;  // when they do not
  };
  struct Slot {
    std::uint64_t hash = 0;
    Entry* entry = nullptr;
  };
  // Changed entries whose keys begin with the same two bytes, which is how the ledger tells kinds of entries apart.
  struct Group {
    std::vector<Entry*> entries;
    bool sorted = true;
  };
  static std::uint16_t group_of(std::string_view key);
  std::uint64_t hash_of(std::string_view key) const;
  // Where the key's entry is, or would be.
  Slot& slot(std::uint64_t hash, std::string_view key) const;
  Entry& entry(std::string_view key) const;
  void set(Entry& entry, bool present, base::ByteView value) const;
  void set(Entry& entry, const std::optional<base::Bytes>& value) const;
  void grow() const;
  // Some writes at once, of those from `at` on, for whoever goes through all of them.
  void expect(const std::vector<store::Write>& writes, std::size_t at) const;
  void clear() const;
  std::size_t size() const { return entries_.size() * sizeof(Entry) + slots_.size() * sizeof(Slot) + more_; }

  const store::StateView& below_;
  std::size_t max_bytes_;
  std::uint64_t seed_;  // drawn, so that whoever chooses keys cannot choose where they lie
  mutable std::deque<Entry> entries_;
  mutable std::vector<Slot> slots_;  // by hash, the next free one when that is taken; a power of two of them
  mutable std::size_t more_ = 0;     // bytes beside the entries
  mutable std::map<std::uint16_t, Group> changed_;
};

}  // namespace starling::consensus
