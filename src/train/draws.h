#pragma once

#include <array>
#include <cstdint>

#include "exact/tensor.h"

namespace starling::train {

// What a stream of random numbers is for, so that no two uses share numbers.
enum class Purpose : std::uint32_t {
  kInitialization = 1,
  kClip = 2,
  kCrop = 3,
  kNoise = 4,
  kValidation = 5,
  kLatentClip = 6,
  kChoice = 7,
  kCaption = 8,
  kShape = 9,
};

// Random integers that are a pure function of (seed, purpose, position, number of draws so far), from Philox4x32-10
// with key `seed` and counter (draws / 4, purpose, low and high half of position). So a step of a training run can be
// made again at any time, in any order, by any thread.
class Draws {
 public:
  Draws(std::uint64_t seed, Purpose purpose, std::uint64_t position);

  std::uint32_t next();
  std::uint64_t next_u64();
  // In [0, count). Precondition: count > 0.
  std::uint32_t below(std::uint32_t count);
  // True in parts_per_thousand of a thousand.
  bool chance(std::uint32_t parts_per_thousand) { return below(1000) < parts_per_thousand; }

 private:
  std::array<std::uint32_t, 2> key_;
  std::array<std::uint32_t, 4> counter_;
  std::array<std::uint32_t, 4> words_{};
  unsigned used_ = 4;
};

// The i32[2] seed of a graph's `normal`, drawn from (seed, purpose, position).
exact::Tensor seed_tensor(std::uint64_t seed, Purpose purpose, std::uint64_t position);

}  // namespace starling::train
