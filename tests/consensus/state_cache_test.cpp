#include "consensus/state_cache.h"

#include <gtest/gtest.h>

#include <random>

namespace starling::consensus {
namespace {

std::vector<base::Bytes> keys_of(const store::StateView& state, base::ByteView prefix, base::ByteView from,
                                 std::size_t limit) {
  std::vector<base::Bytes> keys;
  EXPECT_TRUE(state
                  .scan_from(prefix, from,
                             [&](base::ByteView key, base::ByteView) {
                               keys.emplace_back(key.begin(), key.end());
                               return keys.size() < limit;
                             })
                  .ok());
  return keys;
}

// Random writes, some of them settled below: every scan sees what a plain state with the same writes sees.
TEST(StateCache, ScansAsOneState) {
  std::mt19937 random(5);
  const auto draw = [&](unsigned below) { return static_cast<std::uint8_t>(random() % below); };
  const auto key = [&] {
    base::Bytes bytes{draw(2), draw(2), draw(8)};
    bytes.resize(1 + draw(3));
    return bytes;
  };
  store::MemoryState below;
  store::MemoryState plain;
  StateCache cache(below, std::size_t{1} << 20);
  for (int round = 0; round < 300; ++round) {
    std::vector<store::Write> writes;
    for (int i = 0; i < 4; ++i) {
      store::Write write{key(), std::nullopt};
      if (draw(3) > 0) write.value = base::Bytes{draw(250)};
      writes.push_back(write);
    }
    cache.apply(writes);
    ASSERT_TRUE(plain.apply(writes).ok());
    if (round % 7 == 0) {
      const std::vector<store::Write> changes = cache.changes();
      ASSERT_TRUE(below.apply(changes).ok());
      cache.settle(changes);
    }
    const base::Bytes prefix = round % 5 == 0 ? base::Bytes() : key();
    const base::Bytes from = key();
    const std::size_t limit = 1 + draw(20);
    ASSERT_EQ(keys_of(cache, prefix, from, limit), keys_of(plain, prefix, from, limit)) << round;
    ASSERT_EQ(keys_of(cache, prefix, prefix, limit), keys_of(plain, prefix, prefix, limit)) << round;
  }
}

}  // namespace
}  // namespace starling::consensus
