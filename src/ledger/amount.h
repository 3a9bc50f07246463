#pragma once

#include <cstdint>
#include <limits>
#include <optional>

namespace starling::ledger {

// Money: 1 credit = 10^9 motes. All there is fits, so sums of parts of the supply cannot overflow.
using Motes = std::uint64_t;
inline constexpr Motes kMotesPerCredit = 1'000'000'000;

// Parts of ten thousand, as royalties and penalties are given.
inline constexpr std::uint32_t kBasisPoints = 10'000;

// The result, or nothing when it is not in 0..2^64-1.
constexpr std::optional<std::uint64_t> checked_add(std::uint64_t a, std::uint64_t b) {
  if (b > std::numeric_limits<std::uint64_t>::max() - a) return std::nullopt;
  return a + b;
}
constexpr std::optional<std::uint64_t> checked_subtract(std::uint64_t a, std::uint64_t b) {
  if (b > a) return std::nullopt;
  return a - b;
}
constexpr std::optional<std::uint64_t> checked_multiply(std::uint64_t a, std::uint64_t b) {
  if (a != 0 && b > std::numeric_limits<std::uint64_t>::max() / a) return std::nullopt;
  return a * b;
}

__extension__ using WideInteger = unsigned __int128;

// a * b / divisor without loss in between, rounded down or up. Precondition: divisor > 0.
constexpr std::optional<std::uint64_t> multiply_divide(std::uint64_t a, std::uint64_t b, std::uint64_t divisor,
                                                       bool up = false) {
  const WideInteger product = static_cast<WideInteger>(a) * b;
  const WideInteger quotient = product / divisor + (up && product % divisor != 0 ? 1 : 0);
  if (quotient > std::numeric_limits<std::uint64_t>::max()) return std::nullopt;
  return static_cast<std::uint64_t>(quotient);
}

}  // namespace starling::ledger
