#include "train/draws.h"

#include "exact/random.h"

namespace starling::train {

Draws::Draws(std::uint64_t seed, Purpose purpose, std::uint64_t position)
    : key_{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32U)},
      counter_{0, static_cast<std::uint32_t>(purpose), static_cast<std::uint32_t>(position),
               static_cast<std::uint32_t>(position >> 32U)} {}

std::uint32_t Draws::next() {
  if (used_ == words_.size()) {
    words_ = exact::philox(counter_, key_);
    ++counter_[0];
    used_ = 0;
  }
  return words_[used_++];
}

std::uint64_t Draws::next_u64() {
  const std::uint64_t low = next();
  return low | static_cast<std::uint64_t>(next()) << 32U;
}

std::uint32_t Draws::below(std::uint32_t count) {
  return static_cast<std::uint32_t>((static_cast<std::uint64_t>(next()) * count) >> 32U);
}

exact::Tensor seed_tensor(std::uint64_t seed, Purpose purpose, std::uint64_t position) {
  Draws draws(seed, purpose, position);
  const std::array<std::int32_t, 2> words{static_cast<std::int32_t>(draws.next()),
                                          static_cast<std::int32_t>(draws.next())};
  return exact::Tensor::from_i32({2}, words);
}

}  // namespace starling::train
