#pragma once

#include <functional>
#include <map>
#include <optional>
#include <span>

#include "base/bytes.h"
#include "base/result.h"

namespace starling::store {

// A key has 1 to kMaxKeyBytes bytes, a value up to kMaxValueBytes. Keys are ordered as strings of unsigned bytes.
constexpr std::size_t kMaxKeyBytes = 1024;
constexpr std::size_t kMaxValueBytes = std::size_t{1} << 20;

// The order of keys.
struct KeyOrder {
  bool operator()(base::ByteView left, base::ByteView right) const;
};
// Where a scan begins: the later of the two.
base::ByteView first_key(base::ByteView prefix, base::ByteView from);

// A state to read: a set of entries, each a key with its value. An error is a failure to read, never an answer; a
// failed read must end what depends on it.
class StateView {
 public:
  // Sees one entry; false ends the scan. The views last until it returns.
  using Visit = std::function<bool(base::ByteView key, base::ByteView value)>;

  virtual ~StateView() = default;
  // The key's value, or nothing when there is no such entry.
  virtual base::Result<std::optional<base::Bytes>> get(base::ByteView key) const = 0;
  // Visits every entry whose key begins with prefix and is not before `from`, in the order of the keys, until visit
  // returns false. What comes before `from` is not read.
  virtual base::Status scan_from(base::ByteView prefix, base::ByteView from, const Visit& visit) const = 0;
  // All that begin with prefix.
  base::Status scan(base::ByteView prefix, const Visit& visit) const { return scan_from(prefix, prefix, visit); }
  // Says that the key will be read soon: several at once are found in less time than one after another.
  virtual void expect(base::ByteView /*key*/) const {}
};

// One change of a state.
struct Write {
  base::Bytes key;
  std::optional<base::Bytes> value;  // none: the entry is erased, if there is one
};

// An error unless key and value keep the bounds above.
base::Status check_write(const Write& write);

// A state in memory.
class MemoryState : public StateView {
 public:
  base::Result<std::optional<base::Bytes>> get(base::ByteView key) const override;
  base::Status scan_from(base::ByteView prefix, base::ByteView from, const Visit& visit) const override;
  // In order, so that of two writes of a key the later one stays; all of them, or none when one is out of bounds.
  base::Status apply(std::span<const Write> writes);
  const std::map<base::Bytes, base::Bytes, KeyOrder>& entries() const { return entries_; }

 private:
  std::map<base::Bytes, base::Bytes, KeyOrder> entries_;
};

}  // namespace starling::store
