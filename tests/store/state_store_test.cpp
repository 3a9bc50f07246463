#include "store/state_store.h"

#include <atomic>
#include <fstream>
#include <map>
#include <thread>

#include "base/file.h"
#include "blocks.h"
#include "temporary_folder.h"

namespace starling::store {
namespace {

using base::Bytes;
using base::ErrorCode;

std::unique_ptr<StateStore> open_store(const std::filesystem::path& folder) {
  auto store = StateStore::open(
      folder, {.threads = 2, .cache_bytes = std::size_t{1} << 20, .tree_bytes = 4096, .unwritten_leaves = 1000});
  if (!store.ok()) {
    ADD_FAILURE() << store.error().message;
    return nullptr;
  }
  return std::move(*store);
}

void commit_blocks(StateStore& store, std::uint64_t first, std::uint64_t last) {
  for (std::uint64_t height = first; height <= last; ++height) {
    const auto root = store.commit(made_up_block(height), height, bytes_of("block " + std::to_string(height)));
    ASSERT_TRUE(root.ok()) << root.error().message;
    ASSERT_EQ(*root, store.root());
  }
}

std::map<Bytes, Bytes, KeyOrder> entries_of(const StateView& state, const Bytes& prefix = {}) {
  std::map<Bytes, Bytes, KeyOrder> entries;
  EXPECT_TRUE(state
                  .scan(prefix,
                        [&](base::ByteView key, base::ByteView value) {
                          entries[Bytes(key.begin(), key.end())] = Bytes(value.begin(), value.end());
                          return true;
                        })
                  .ok());
  return entries;
}

class StateStoreTest : public FolderTest {};

TEST_F(StateStoreTest, HoldsWhatWasCommitted) {
  auto store = open_store(folder_);
  EXPECT_TRUE(store->state().empty);
  EXPECT_EQ(store->root(), kEmptyHash);
  EXPECT_TRUE(store->check().ok());
  MemoryState expected;
  for (std::uint64_t height = 1; height <= 60; ++height) {
    ASSERT_TRUE(expected.apply(made_up_block(height)).ok());
    commit_blocks(*store, height, height);
    ASSERT_EQ(store->root(), defined_root(expected)) << height;
    ASSERT_EQ(store->state().entries, expected.entries().size());
    if (height % 20 == 0) {
      store.reset();
      store = open_store(folder_);
      ASSERT_EQ(store->height(), height);
      ASSERT_EQ(store->state().metadata, bytes_of("block " + std::to_string(height)));
      ASSERT_EQ(store->root(), defined_root(expected));
    }
  }
  EXPECT_EQ(entries_of(*store), expected.entries());
  EXPECT_EQ(entries_of(*store, bytes_of("key 1")), entries_of(expected, bytes_of("key 1")));
  for (const char* const from : {"", "key 1", "key 17", "key 2"}) {
    const auto keys_of = [&](const StateView& state) {
      std::vector<Bytes> keys;
      EXPECT_TRUE(state
                      .scan_from(bytes_of("key 1"), bytes_of(from),
                                 [&](base::ByteView key, base::ByteView) {
                                   keys.emplace_back(key.begin(), key.end());
                                   return true;
                                 })
                      .ok());
      return keys;
    };
    EXPECT_EQ(keys_of(*store), keys_of(expected)) << from;
  }
  EXPECT_TRUE(store->check().ok());
  for (int i = 0; i < 400; ++i) {
    const Bytes key = bytes_of("key " + std::to_string(i));
    const auto value = store->get(key);
    ASSERT_TRUE(value.ok());
    EXPECT_EQ(*value, *expected.get(key));
    const auto proven = store->prove(key);
    ASSERT_TRUE(proven.ok());
    EXPECT_EQ(proven->value, *value);
    EXPECT_TRUE(verify_proof(store->root(), key, *value, proven->proof));
  }
}

TEST_F(StateStoreTest, HeightsRise) {
  auto store = open_store(folder_);
  ASSERT_TRUE(store->commit({}, 0).ok());
  EXPECT_FALSE(store->state().empty);
  EXPECT_EQ(store->commit({}, 0).error().code, ErrorCode::kInvalidArgument);
  ASSERT_TRUE(store->commit({}, 5).ok());
  EXPECT_EQ(store->commit({}, 4).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(store->height(), 5U);
  store.reset();
  store = open_store(folder_);
  EXPECT_FALSE(store->state().empty);
  EXPECT_EQ(store->height(), 5U);
}

TEST_F(StateStoreTest, RefusedBlocksChangeNothing) {
  const auto store = open_store(folder_);
  commit_blocks(*store, 1, 3);
  const CommittedState before = store->state();
  const std::vector<Write> empty_key = {{bytes_of("key 1"), bytes_of("x")}, {{}, bytes_of("x")}};
  EXPECT_EQ(store->commit(empty_key, 4).error().code, ErrorCode::kInvalidArgument);
  const std::vector<Write> long_value = {{bytes_of("key 1"), Bytes(kMaxValueBytes + 1)}};
  EXPECT_EQ(store->commit(long_value, 4).error().code, ErrorCode::kLimit);
  EXPECT_EQ(store->commit({}, 4, Bytes(kMaxMetadataBytes + 1)).error().code, ErrorCode::kLimit);
  EXPECT_EQ(store->root(), before.root);
  EXPECT_EQ(entries_of(*store), made_up_state(3).entries());
  commit_blocks(*store, 4, 4);
}

TEST_F(StateStoreTest, SnapshotsStayAsTheyWere) {
  const auto store = open_store(folder_);
  commit_blocks(*store, 1, 5);
  const auto snapshot = store->snapshot();
  ASSERT_TRUE(snapshot.ok());
  commit_blocks(*store, 6, 9);
  const MemoryState then = made_up_state(5);
  EXPECT_EQ((*snapshot)->state().height, 5U);
  EXPECT_EQ((*snapshot)->state().root, defined_root(then));
  EXPECT_EQ(entries_of(**snapshot), then.entries());
  for (int i = 0; i < 310; ++i) {
    const Bytes key = bytes_of("key " + std::to_string(i));
    const auto proven = (*snapshot)->prove(key);
    ASSERT_TRUE(proven.ok());
    EXPECT_TRUE(verify_proof((*snapshot)->state().root, key, proven->value, proven->proof));
  }
}

TEST_F(StateStoreTest, ReadersBesideCommitsSeeWholeBlocks) {
  const auto store = open_store(folder_);
  std::atomic<bool> stop{false};
  std::atomic<int> rounds{0};
  std::atomic<int> wrong{0};
  std::thread reader([&] {
    while (!stop) {
      const auto snapshot = store->snapshot();
      const Bytes key = bytes_of("key " + std::to_string(rounds % 300));
      const auto proven = (*snapshot)->prove(key);
      if (!proven.ok() || !verify_proof((*snapshot)->state().root, key, proven->value, proven->proof)) ++wrong;
      ++rounds;
    }
  });
  commit_blocks(*store, 1, 100);
  while (rounds < 100) std::this_thread::yield();
  stop = true;
  reader.join();
  EXPECT_EQ(wrong, 0);
}

TEST_F(StateStoreTest, OneProcessAtATime) {
  const auto store = open_store(folder_);
  const auto second = StateStore::open(folder_);
  ASSERT_FALSE(second.ok());
  EXPECT_NE(second.error().message.find("in use"), std::string::npos) << second.error().message;
}

TEST_F(StateStoreTest, AFolderThatCannotBeOneIsAnError) {
  std::ofstream(folder_ / "file") << "x";
  EXPECT_FALSE(StateStore::open(folder_ / "file").ok());
  EXPECT_FALSE(StateStore::open(folder_ / "file" / "below").ok());
}

}  // namespace
}  // namespace starling::store
