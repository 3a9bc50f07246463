#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace starling::exact {

// From which step of a plan to which one a value is needed, and how many bytes it has.
struct Lifetime {
  std::uint32_t value = 0;
  std::size_t first = 0;
  std::size_t last = 0;
  std::size_t bytes = 0;
};

// Where values lie in an arena: two that are needed at the same time do not overlap. Most are needed for a few steps
// only, so those that are there are kept by spans of steps too, and a search looks at a few of them.
class ArenaPlaces {
 public:
  explicit ArenaPlaces(std::size_t steps);
  // The least offset at which the value fits between those that are there.
  std::size_t first_fit(const Lifetime& value) const;
  // Precondition: the value fits at `offset`.
  void add(const Lifetime& value, std::size_t offset);

 private:
  struct Taken {
    std::size_t offset;
    std::size_t end;
    std::size_t first;
    std::size_t last;
  };
  using List = std::vector<Taken>;  // by offset

  std::size_t span_;           // steps
  std::vector<List> by_span_;  // what is needed in two neighbouring spans, i and i + 1
  List all_;
};

}  // namespace starling::exact
