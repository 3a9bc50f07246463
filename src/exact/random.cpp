#include "exact/random.h"

#include "exact/math.h"

namespace starling::exact {
namespace {

std::array<std::uint32_t, 4> block_of(std::uint64_t key, std::uint32_t stream, std::uint64_t index) {
  const std::uint64_t block = index / 4;
  return philox({static_cast<std::uint32_t>(block), static_cast<std::uint32_t>(block >> 32), stream, 0},
                {static_cast<std::uint32_t>(key), static_cast<std::uint32_t>(key >> 32)});
}

}  // namespace

std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = 0xd2511f53ULL * counter[0];
    const std::uint64_t b = 0xcd9e8d57ULL * counter[2];
    counter = {static_cast<std::uint32_t>(b >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(b),
               static_cast<std::uint32_t>(a >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(a)};
    key[0] += 0x9e3779b9U;
    key[1] += 0xbb67ae85U;
  }
  return counter;
}

float uniform_at(std::uint64_t key, std::uint32_t stream, std::uint64_t index) {
  return static_cast<float>(block_of(key, stream, index)[index % 4] >> 8) * 0x1p-24F;
}

float normal_at(std::uint64_t key, std::uint32_t stream, std::uint64_t index) {
  const std::array<std::uint32_t, 4> words = block_of(key, stream, index);
  const std::size_t even = index % 4 & 2U;
  const float u = static_cast<float>((words[even] >> 8) + 1) * 0x1p-24F;
  const float angle = static_cast<float>(words[even + 1] >> 8) * 0x1.921fb6p-22F;
  const float radius = math::sqrt(-2.0F * math::log(u));
  return radius * (index % 2 == 0 ? math::cos(angle) : math::sin(angle));
}

}  // namespace starling::exact
