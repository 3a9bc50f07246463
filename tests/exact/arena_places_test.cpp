#include "exact/arena_places.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <utility>
#include <vector>

namespace starling::exact {
namespace {

bool meet(const Lifetime& a, const Lifetime& b) { return a.first <= b.last && b.first <= a.last; }

// The least offset that is free, looking at everything.
std::size_t plain_fit(std::vector<std::pair<Lifetime, std::size_t>> there, const Lifetime& value) {
  std::ranges::sort(there, {}, [](const auto& entry) { return entry.second; });
  std::size_t offset = 0;
  for (const auto& [other, at] : there) {
    if (!meet(other, value)) continue;
    if (offset + value.bytes <= at) break;
    offset = std::max(offset, at + other.bytes);
  }
  return offset;
}

TEST(ArenaPlaces, AreThoseOfASearchThroughAll) {
  std::mt19937 random(5);  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same cases each time
  const auto below = [&](std::size_t bound) { return std::size_t{random()} % bound; };
  for (const std::size_t steps : {1U, 7U, 40U, 900U, 3000U}) {
    ArenaPlaces places(steps);
    std::vector<std::pair<Lifetime, std::size_t>> there;
    for (std::uint32_t i = 0; i < 400; ++i) {
      const std::size_t first = below(steps);
      // Most are short; some last until after the last step, as outputs do.
      const std::size_t last = i % 7 == 0 ? steps : std::min(steps, first + below(i % 3 == 0 ? steps : 40));
      const Lifetime value{i, first, last, 64 * (1 + below(9))};
      const std::size_t offset = places.first_fit(value);
      ASSERT_EQ(offset, plain_fit(there, value)) << "value " << i << " of " << steps << " steps";
      for (const auto& [other, at] : there) {
        ASSERT_TRUE(!meet(other, value) || at + other.bytes <= offset || offset + value.bytes <= at);
      }
      places.add(value, offset);
      there.emplace_back(value, offset);
    }
  }
}

}  // namespace
}  // namespace starling::exact
