#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <utility>

#include "base/scratch_file.h"
#include "exact/call_schedule.h"
#include "exact/tensor.h"

namespace starling::exact {

// Outputs of calls that wait in a file. Not thread safe.
class WaitingValues {
 public:
  // The file is made when the first value comes, and has room for `most` bytes.
  explicit WaitingValues(std::uint64_t most) : most_(most) {}

  // Nothing happens if it is there.
  base::Status put(CallOutput value, const Tensor& tensor);
  bool has(CallOutput value) const { return places_.contains(key(value)); }
  // A copy of a value that is there.
  base::Result<Tensor> get(CallOutput value) const;
  void drop(CallOutput value);

 private:
  using Key = std::pair<std::uint32_t, std::uint32_t>;
  struct Place {
    std::uint64_t at;
    Type type;
    Shape shape;
    std::size_t bytes;
  };
  static Key key(CallOutput value) { return {value.call, value.output}; }

  std::uint64_t most_;
  std::optional<base::ScratchFile> file_;
  std::map<Key, Place> places_;
};

}  // namespace starling::exact
