#pragma once

#include <map>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "store/state_view.h"

namespace starling::ledger {

struct ByteOrder {
  using is_transparent = void;
  bool operator()(base::ByteView left, base::ByteView right) const;
};

// A state with changes on top that can be taken back: all changes of a block, of which a failed transaction undoes its
// own. The state below must outlive it. Not thread safe.
class Overlay final : public store::StateView {
 public:
  explicit Overlay(const store::StateView& below) : below_(below) {}

  base::Result<std::optional<base::Bytes>> get(base::ByteView key) const override;
  // What visit does must not change this state.
  base::Status scan_from(base::ByteView prefix, base::ByteView from, const Visit& visit) const override;
  void put(base::ByteView key, base::Bytes value) { change(key, std::move(value)); }
  void erase(base::ByteView key) { change(key, std::nullopt); }

  // A point to return to; rewind() undoes every change since. Marks are returned to in the reverse of their order.
  using Mark = std::size_t;
  Mark mark() const { return journal_.size(); }
  void rewind(Mark mark);

  // The first failure to read, if there was one: whatever was computed since is worthless. Handlers read through
  // load() in record.h, which reports here and goes on as if there were nothing.
  void fail(const base::Error& error);
  base::Status status() const;

  // Every change in the order of the keys, each key once.
  std::vector<store::Write> writes() const;

 private:
  using Changes = std::map<base::Bytes, std::optional<base::Bytes>, ByteOrder>;
  struct Undo {
    Changes::iterator entry;
    bool was_there;
    std::optional<base::Bytes> value;
  };
  void change(base::ByteView key, std::optional<base::Bytes> value);
  const store::StateView& below_;
  Changes changes_;
  std::vector<Undo> journal_;
  std::optional<base::Error> failure_;
};

}  // namespace starling::ledger
