#pragma once

#include <cstdint>

namespace starling::train {

// SplitMix64's finaliser (Steele, Lea, Flood 2014): a bijection of 64 bits that scatters well.
constexpr std::uint64_t scatter(std::uint64_t value) {
  value += 0x9e3779b97f4a7c15U;
  value = (value ^ (value >> 30U)) * 0xbf58476d1ce4e5b9U;
  value = (value ^ (value >> 27U)) * 0x94d049bb133111ebU;
  return value ^ (value >> 31U);
}

// A key derived from two numbers, such as a data set's seed and an item's index.
constexpr std::uint64_t derive(std::uint64_t seed, std::uint64_t index) {
  return scatter(scatter(seed) ^ (index * 0xd1342543de82ef95U));
}

// Draws that are a pure function of (key, number of draws so far), in integer arithmetic and exact conversions only,
// so that every machine and compiler gives the same bits. Draw once in an expression: the language leaves the order of
// two open.
class Random {
 public:
  explicit Random(std::uint64_t key) : key_(scatter(key)) {}

  std::uint64_t next() { return scatter(key_ + 0x9e3779b97f4a7c15U * ++count_); }
  // In [0, 1), a multiple of 2^-53.
  double unit() { return static_cast<double>(next() >> 11U) * 0x1p-53; }
  double between(double low, double high) { return low + (high - low) * unit(); }
  // In [0, count). Precondition: 0 < count < 2^32.
  std::uint32_t below(std::uint32_t count) { return static_cast<std::uint32_t>(((next() >> 32U) * count) >> 32U); }
  bool chance(double probability) { return unit() < probability; }

 private:
  std::uint64_t key_;
  std::uint64_t count_ = 0;
};

}  // namespace starling::train
