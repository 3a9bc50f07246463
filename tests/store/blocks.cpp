#include "blocks.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "store/tree.h"

namespace starling::store {

std::vector<Write> made_up_block(std::uint64_t height) {
  std::mt19937_64 random(height);
  std::vector<Write> writes(20 + random() % 100);
  for (Write& write : writes) {
    write.key = bytes_of("key " + std::to_string(random() % 300));
    if (random() % 3 != 0) write.value = base::Bytes(random() % 200, static_cast<std::uint8_t>(random()));
  }
  return writes;
}

MemoryState made_up_state(std::uint64_t height) {
  MemoryState state;
  for (std::uint64_t block = 1; block <= height; ++block) {
    EXPECT_TRUE(state.apply(made_up_block(block)).ok());
  }
  return state;
}

base::Hash defined_root(const MemoryState& state) {
  std::vector<Leaf> leaves;
  for (const auto& [key, value] : state.entries()) leaves.push_back({path_of(key), base::sha256(value)});
  std::ranges::sort(leaves);
  return tree_root(leaves);
}

}  // namespace starling::store
