#include "store/snapshot_file.h"

#include <algorithm>
#include <cstring>
#include <fstream>

#include "base/encoding.h"
#include "base/file.h"
#include "blocks.h"
#include "store/tree.h"
#include "temporary_folder.h"

namespace starling::store {
namespace {

namespace fs = std::filesystem;
using base::Bytes;
using base::ErrorCode;

constexpr StateStoreOptions kOptions{.threads = 2, .cache_bytes = std::size_t{1} << 20};

void write(const fs::path& file, const Bytes& bytes) { ASSERT_TRUE(base::write_file(file, bytes).ok()); }
Bytes read(const fs::path& file) { return *base::read_file(file, std::size_t{64} << 20); }

// A snapshot of these entries in chunks as they are given, by the format's description.
Bytes snapshot_bytes(const SnapshotHeader& header, const std::vector<std::vector<Write>>& chunks) {
  base::Encoder encoder;
  encoder.text("starling state");
  encoder.u32(1);
  encoder.u64(header.height);
  encoder.hash(header.root);
  encoder.u64(header.entries);
  encoder.bytes(header.metadata);
  base::Hash hash = base::sha256(encoder.data());
  encoder.hash(hash);
  for (const auto& chunk : chunks) {
    base::Encoder payload;
    for (const Write& entry : chunk) {
      payload.bytes(entry.key);
      payload.bytes(*entry.value);
    }
    encoder.bytes(payload.data());
    Bytes message(hash.bytes.begin(), hash.bytes.end());
    message.insert(message.end(), payload.data().begin(), payload.data().end());
    hash = base::sha256(message);
    encoder.hash(hash);
  }
  encoder.u32(0);
  return encoder.data();
}

// Reads all chunks of a snapshot in memory.
base::Status read_all(const Bytes& bytes) {
  std::size_t at = 0;
  STARLING_ASSIGN(SnapshotReader reader, SnapshotReader::open(
                                             [&](std::span<std::uint8_t> buffer) -> base::Result<std::size_t> {
                                               const std::size_t count = std::min(buffer.size(), bytes.size() - at);
                                               std::copy_n(bytes.data() + at, count, buffer.data());
                                               at += count;
                                               return count;
                                             },
                                             "input"));
  for (;;) {
    STARLING_ASSIGN(const std::vector<Write> chunk, reader.next());
    if (chunk.empty()) return {};
  }
}

class SnapshotTest : public FolderTest {
 protected:
  // A store with the made-up history up to a height, exported to `file`.
  void export_history(std::uint64_t height, const fs::path& file) {
    const fs::path folder = folder_ / ("history" + std::to_string(height));
    const auto store = StateStore::open(folder, kOptions);
    ASSERT_TRUE(store.ok());
    for (std::uint64_t block = 1; block <= height; ++block) {
      ASSERT_TRUE((*store)->commit(made_up_block(block), block, bytes_of("about")).ok());
    }
    ASSERT_TRUE(export_snapshot(**(*store)->snapshot(), file).ok());
  }

  // Imports the bytes into a fresh folder; on an error nothing may be left of it.
  base::Result<SnapshotHeader> import(const Bytes& bytes) {
    const fs::path parent = folder_ / "imports";
    fs::remove_all(parent);
    fs::create_directory(parent);
    write(folder_ / "import", bytes);
    auto header = import_snapshot(folder_ / "import", parent / "state", std::nullopt, kOptions);
    EXPECT_EQ(fs::is_empty(parent), !header.ok());
    return header;
  }
};

TEST_F(SnapshotTest, GoesOnWhereTheOriginalWas) {
  export_history(12, folder_ / "file");
  const MemoryState expected = made_up_state(12);
  const base::Hash root = defined_root(expected);
  const auto header = import_snapshot(folder_ / "file", folder_ / "copy/", root, kOptions);
  ASSERT_TRUE(header.ok()) << header.error().message;
  EXPECT_EQ(header->height, 12U);
  EXPECT_EQ(header->entries, expected.entries().size());
  const auto store = StateStore::open(folder_ / "copy", kOptions);
  ASSERT_TRUE(store.ok());
  EXPECT_EQ((*store)->root(), root);
  EXPECT_EQ((*store)->height(), 12U);
  EXPECT_EQ((*store)->state().metadata, bytes_of("about"));
  EXPECT_TRUE((*store)->check().ok());
  ASSERT_TRUE(export_snapshot(**(*store)->snapshot(), folder_ / "again").ok());
  EXPECT_EQ(read(folder_ / "again"), read(folder_ / "file"));
  const auto next = (*store)->commit(made_up_block(13), 13);
  ASSERT_TRUE(next.ok());
  EXPECT_EQ(*next, defined_root(made_up_state(13)));
}

TEST_F(SnapshotTest, FollowsItsDescription) {
  export_history(3, folder_ / "file");
  std::vector<Write> entries;
  const MemoryState state = made_up_state(3);
  for (const auto& [key, value] : state.entries()) entries.push_back({key, value});
  const SnapshotHeader header{3, defined_root(state), entries.size(), bytes_of("about")};
  EXPECT_EQ(read(folder_ / "file"), snapshot_bytes(header, {entries}));
}

TEST_F(SnapshotTest, ManyChunks) {
  const fs::path folder = folder_ / "large";
  MemoryState expected;
  {
    const auto store = StateStore::open(folder, kOptions);
    std::vector<Write> writes;
    for (int i = 0; i < 11; ++i) writes.push_back({bytes_of(std::to_string(i)), Bytes(kMaxValueBytes - 7, 1)});
    ASSERT_TRUE((*store)->commit(writes, 1).ok());
    ASSERT_TRUE(expected.apply(writes).ok());
    ASSERT_TRUE(export_snapshot(**(*store)->snapshot(), folder_ / "file").ok());
  }
  const auto header = import_snapshot(folder_ / "file", folder_ / "copy", std::nullopt, kOptions);
  ASSERT_TRUE(header.ok()) << header.error().message;
  EXPECT_EQ((*StateStore::open(folder_ / "copy", kOptions))->root(), defined_root(expected));
  // 4 MiB hold 3 of these entries, so this is 4 chunks.
  const Bytes bytes = read(folder_ / "file");
  std::uint32_t length = 0;
  std::memcpy(&length, bytes.data() + 74 + 32, 4);
  EXPECT_LE(length, kMaxChunkBytes);
  EXPECT_GT(length, kMaxChunkBytes * 3 / 4 - 100);
}

TEST_F(SnapshotTest, EmptyStates) {
  const auto header = import(snapshot_bytes({7, kEmptyHash, 0, {}}, {}));
  ASSERT_TRUE(header.ok()) << header.error().message;
  EXPECT_EQ((*StateStore::open(folder_ / "imports/state", kOptions))->height(), 7U);
}

TEST_F(SnapshotTest, HostileFilesAreErrors) {
  const Write a{bytes_of("a"), bytes_of("1")};
  const Write b{bytes_of("b"), bytes_of("2")};
  MemoryState state;
  ASSERT_TRUE(state.apply(std::vector{a, b}).ok());
  const base::Hash root = defined_root(state);
  ASSERT_TRUE(import(snapshot_bytes({1, root, 2, {}}, {{a, b}})).ok());

  const auto code = [&](const Bytes& bytes) { return import(bytes).error().code; };
  EXPECT_EQ(code(snapshot_bytes({1, base::sha256({}), 2, {}}, {{a, b}})), ErrorCode::kCorrupt);
  EXPECT_EQ(code(snapshot_bytes({1, root, 3, {}}, {{a, b}})), ErrorCode::kCorrupt);
  EXPECT_EQ(code(snapshot_bytes({1, root, 2, {}}, {{b, a}})), ErrorCode::kCorrupt);
  EXPECT_EQ(code(snapshot_bytes({1, root, 3, {}}, {{a, a, b}})), ErrorCode::kCorrupt);
  EXPECT_EQ(code(snapshot_bytes({1, root, 2, {}}, {{a}, {b}})), ErrorCode::kCorrupt);
  EXPECT_EQ(code(snapshot_bytes({1, root, 1, {}}, {{a}})), ErrorCode::kCorrupt);
  EXPECT_EQ(code(snapshot_bytes({1, root, 2, {}}, {{{Bytes(), bytes_of("1")}, b}})), ErrorCode::kCorrupt);
  EXPECT_EQ(code(snapshot_bytes({1, root, 2, Bytes(kMaxMetadataBytes + 1)}, {{a, b}})), ErrorCode::kCorrupt);
  EXPECT_EQ(code(snapshot_bytes({1, root, 2, {}}, {{a, {Bytes(kMaxKeyBytes + 1, 'b'), bytes_of("2")}}})),
            ErrorCode::kCorrupt);
  EXPECT_EQ(code({}), ErrorCode::kCorrupt);

  const Bytes good = snapshot_bytes({1, root, 2, bytes_of("m")}, {{a, b}});
  ASSERT_TRUE(read_all(good).ok());
  for (std::size_t at = 0; at < good.size(); ++at) {
    Bytes changed = good;
    changed[at] ^= 0x40U;
    EXPECT_FALSE(read_all(changed).ok()) << at;
    EXPECT_FALSE(read_all(Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(at))).ok()) << at;
  }
  Bytes longer = good;
  longer.push_back(0);
  EXPECT_FALSE(read_all(longer).ok());
}

TEST_F(SnapshotTest, TheWrongStateOrPlaceIsRefused) {
  write(folder_ / "file", snapshot_bytes({1, kEmptyHash, 0, {}}, {}));
  EXPECT_EQ(import_snapshot(folder_ / "file", folder_ / "state", base::sha256({}), kOptions).error().code,
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(import_snapshot(folder_ / "file", folder_, std::nullopt, kOptions).error().code,
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(import_snapshot(folder_ / "nothing", folder_ / "state", std::nullopt, kOptions).error().code,
            ErrorCode::kNotFound);
  EXPECT_EQ(import_snapshot(folder_, folder_ / "state", std::nullopt, kOptions).error().code,
            ErrorCode::kInvalidArgument);
  fs::create_directory(folder_ / "empty");
  EXPECT_TRUE(import_snapshot(folder_ / "file", folder_ / "empty", kEmptyHash, kOptions).ok());
}

}  // namespace
}  // namespace starling::store
