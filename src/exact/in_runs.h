#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace starling::exact {

// Calls body(first, count) for the runs that [begin, end) falls into where each `length` numbers have something in
// common: what one thread has to do at once is prepared once for a run.
template <class Body>
void in_runs(std::size_t begin, std::size_t end, std::int64_t length, const Body& body) {
  const auto last = static_cast<std::int64_t>(end);
  for (auto first = static_cast<std::int64_t>(begin); first < last;) {
    const std::int64_t count = std::min(last - first, length - first % length);
    body(first, count);
    first += count;
  }
}

}  // namespace starling::exact
