#include "exact/arena_places.h"

#include <algorithm>

namespace starling::exact {
namespace {

constexpr std::size_t kShortest = 16;
constexpr std::size_t kMostSpans = 64;  // what is needed throughout is listed in each of them

}  // namespace

ArenaPlaces::ArenaPlaces(std::size_t steps)
    : span_(std::max(kShortest, steps / kMostSpans + 1)), by_span_(steps / span_ + 1) {}

std::size_t ArenaPlaces::first_fit(const Lifetime& value) const {
  const std::size_t span = value.first / span_;
  const List& near = value.last < (span + 2) * span_ ? by_span_[span] : all_;
  std::size_t offset = 0;
  for (const Taken& taken : near) {
    if (taken.last < value.first || taken.first > value.last) continue;
    if (offset + value.bytes <= taken.offset) break;
    offset = std::max(offset, taken.end);
  }
  return offset;
}

void ArenaPlaces::add(const Lifetime& value, std::size_t offset) {
  const Taken taken{offset, offset + value.bytes, value.first, value.last};
  const auto enter = [&](List& list) {
    list.insert(std::ranges::upper_bound(list, offset, {}, &Taken::offset), taken);
  };
  enter(all_);
  const std::size_t before = value.first / span_;
  for (std::size_t span = before - std::min<std::size_t>(before, 1); span <= value.last / span_; ++span) {
    enter(by_span_[span]);
  }
}

}  // namespace starling::exact
