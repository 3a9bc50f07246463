#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "store/state_view.h"

namespace starling::consensus {

// A state in front of a slower one: it remembers what was read, and holds the writes of blocks that are not below yet.
// Not thread safe; the state below must outlive it, and change only as settle() says.
class StateCache final : public store::StateView {
 public:
  // max_entries: beyond so many, settle() forgets them all.
  StateCache(const store::StateView& below, std::size_t max_entries);

  base::Result<std::optional<base::Bytes>> get(base::ByteView key) const override;
  base::Status scan(base::ByteView prefix, const Visit& visit) const override;

  // The writes of a block, each key once.
  void apply(const std::vector<store::Write>& writes);
  // All writes since the last settle(), each key once.
  std::vector<store::Write> changes() const;
  // What was applied is in the state below.
  void settle();
  // Takes back everything since the last settle().
  void forget();

 private:
  struct Entry {
    std::optional<base::Bytes> value;
    bool changed = false;
  };

  // Whoever chooses keys cannot choose where they lie: the seed is drawn.
  struct KeyHash {
    std::uint64_t seed;
    std::size_t operator()(const std::string& key) const;
  };
  using Entries = std::unordered_map<std::string, Entry, KeyHash>;
  // Changed entries whose keys begin with the same two bytes, which is how the ledger tells kinds of entries apart.
  struct Group {
    std::vector<Entries::pointer> entries;
    bool sorted = true;
  };
  static std::uint16_t group_of(base::ByteView key);

  const store::StateView& below_;
  std::size_t max_entries_;
  mutable Entries entries_;
  mutable std::map<std::uint16_t, Group> changed_;
};

}  // namespace starling::consensus
