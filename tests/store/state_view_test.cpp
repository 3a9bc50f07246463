#include "store/state_view.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace starling::store {
namespace {

base::Bytes bytes(std::string_view text) { return {text.begin(), text.end()}; }

std::vector<std::string> keys_from(const StateView& state, const base::Bytes& prefix, std::size_t limit = 100) {
  std::vector<std::string> keys;
  EXPECT_TRUE(state
                  .scan(prefix,
                        [&](base::ByteView key, base::ByteView) {
                          keys.emplace_back(key.begin(), key.end());
                          return keys.size() < limit;
                        })
                  .ok());
  return keys;
}

TEST(MemoryState, KeepsTheLastWriteOfAKey) {
  MemoryState state;
  const std::vector<Write> writes = {
      {bytes("a"), bytes("1")}, {bytes("b"), bytes("2")}, {bytes("a"), bytes("")}, {bytes("b"), {}}, {bytes("c"), {}}};
  ASSERT_TRUE(state.apply(writes).ok());
  EXPECT_EQ(**state.get(bytes("a")), bytes(""));
  EXPECT_FALSE(state.get(bytes("b"))->has_value());
  EXPECT_EQ(state.entries().size(), 1U);
}

TEST(MemoryState, ScansAPrefixInOrder) {
  MemoryState state;
  const std::vector<Write> writes = {{bytes("b/2"), bytes("")},    {bytes("b/1"), bytes("")}, {bytes("a"), bytes("")},
                                     {bytes("b/\xff"), bytes("")}, {bytes("b0"), bytes("")},  {bytes("b/"), bytes("")}};
  ASSERT_TRUE(state.apply(writes).ok());
  EXPECT_EQ(keys_from(state, bytes("b/")), (std::vector<std::string>{"b/", "b/1", "b/2", "b/\xff"}));
  EXPECT_EQ(keys_from(state, bytes("b/"), 2), (std::vector<std::string>{"b/", "b/1"}));
  EXPECT_EQ(keys_from(state, {}).size(), 6U);
  EXPECT_TRUE(keys_from(state, bytes("c")).empty());
  const auto later_keys = [&](std::string_view from) {
    std::vector<std::string> keys;
    EXPECT_TRUE(state
                    .scan_from(bytes("b/"), bytes(from),
                               [&](base::ByteView key, base::ByteView) {
                                 keys.emplace_back(key.begin(), key.end());
                                 return true;
                               })
                    .ok());
    return keys;
  };
  EXPECT_EQ(later_keys("b/1"), (std::vector<std::string>{"b/1", "b/2", "b/\xff"}));
  EXPECT_EQ(later_keys("b/11"), (std::vector<std::string>{"b/2", "b/\xff"}));
  EXPECT_EQ(later_keys("a").size(), 4U);
  EXPECT_TRUE(later_keys("b0").empty());
}

TEST(MemoryState, RefusesWritesOutOfBoundsAsAWhole) {
  MemoryState state;
  const std::vector<Write> empty = {{bytes("a"), bytes("1")}, {bytes(""), bytes("1")}};
  EXPECT_EQ(state.apply(empty).error().code, base::ErrorCode::kInvalidArgument);
  const std::vector<Write> long_key = {{base::Bytes(kMaxKeyBytes), bytes("1")}, {base::Bytes(kMaxKeyBytes + 1), {}}};
  EXPECT_EQ(state.apply(long_key).error().code, base::ErrorCode::kInvalidArgument);
  const std::vector<Write> long_value = {{bytes("a"), base::Bytes(kMaxValueBytes + 1)}};
  EXPECT_EQ(state.apply(long_value).error().code, base::ErrorCode::kLimit);
  EXPECT_TRUE(state.entries().empty());
}

}  // namespace
}  // namespace starling::store
