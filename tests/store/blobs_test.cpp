#include "store/blobs.h"

#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <random>
#include <thread>

#include "base/encoding.h"
#include "base/file.h"
#include "base/merkle.h"
#include "blocks.h"
#include "child.h"
#include "temporary_folder.h"

namespace starling::store {
namespace {

namespace fs = std::filesystem;
using base::Bytes;
using base::ErrorCode;
using base::Hash;

// Bytes that are different in each piece and for each seed.
Bytes some_bytes(std::size_t size, std::uint8_t seed) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(i * 7 + i / kPieceBytes + seed);
  return bytes;
}

BlobManifest manifest_of(const Bytes& bytes) {
  BlobManifest manifest;
  manifest.size = bytes.size();
  for (std::size_t at = 0; at < bytes.size(); at += kPieceBytes) {
    manifest.pieces.push_back(
        base::merkle_leaf(base::ByteView(bytes).subspan(at, std::min<std::size_t>(kPieceBytes, bytes.size() - at))));
  }
  return manifest;
}

base::ByteView piece_of(const Bytes& bytes, std::size_t piece) {
  const std::size_t at = piece * kPieceBytes;
  return base::ByteView(bytes).subspan(at, std::min<std::size_t>(kPieceBytes, bytes.size() - at));
}

class BlobsTest : public FolderTest {
 protected:
  std::unique_ptr<Blobs> open(const BlobOptions& options = {}) {
    auto blobs = Blobs::open(folder_, options);
    if (!blobs.ok()) {
      ADD_FAILURE() << blobs.error().message;
      return nullptr;
    }
    return std::move(*blobs);
  }
  static Bytes content(const Blobs& blobs, const Hash& name) {
    const auto reader = blobs.read(name, 0);
    if (!reader.ok()) return {};
    Bytes bytes(reader->size());
    EXPECT_TRUE(reader->read(0, bytes).ok());
    return bytes;
  }
};

TEST_F(BlobsTest, NamesAreAsDescribed) {
  const auto blobs = open();
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{kPieceBytes}, std::size_t{kPieceBytes} + 1,
                                 std::size_t{2 * kPieceBytes + 5}}) {
    const Bytes bytes = some_bytes(size, 1);
    const BlobManifest manifest = manifest_of(bytes);
    base::Encoder encoder;
    encoder.text("starling blob");
    encoder.u64(size);
    encoder.hash(base::merkle_root(manifest.pieces));
    const auto name = blobs->put(bytes, 5);
    ASSERT_TRUE(name.ok()) << name.error().message;
    EXPECT_EQ(*name, base::sha256(encoder.data()));
    EXPECT_EQ(*name, manifest.name());
    EXPECT_EQ(*blobs->manifest(*name), manifest);
    EXPECT_EQ(content(*blobs, *name), bytes);
    EXPECT_TRUE(blobs->check(*name).ok());
  }
  EXPECT_EQ(blobs->list().size(), 5U);
}

TEST_F(BlobsTest, AreThereAfterAStart) {
  const Bytes bytes = some_bytes(kPieceBytes + 10, 3);
  Hash name;
  {
    const auto blobs = open();
    std::ofstream(folder_ / "source", std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    name = *blobs->put_file(folder_ / "source", 1234);
    const auto abandoned = blobs->write();
    ASSERT_TRUE((*abandoned)->append(bytes).ok());
    EXPECT_FALSE(Blobs::open(folder_).ok());  // one process at a time
  }
  const auto blobs = open();
  ASSERT_EQ(blobs->list().size(), 1U);
  EXPECT_EQ(blobs->find(name)->last_used, 1234);
  EXPECT_EQ(content(*blobs, name), bytes);
  EXPECT_TRUE(fs::is_empty(folder_ / "writing"));
}

TEST_F(BlobsTest, RangesAreBounded) {
  const auto blobs = open();
  const Bytes bytes = some_bytes(1000, 4);
  const Hash name = *blobs->put(bytes, 0);
  const auto reader = blobs->read(name, 0);
  Bytes range(100);
  ASSERT_TRUE(reader->read(900, range).ok());
  EXPECT_TRUE(std::equal(range.begin(), range.end(), bytes.begin() + 900));
  EXPECT_FALSE(reader->read(901, range).ok());
  EXPECT_FALSE(reader->read(~std::uint64_t{0}, range).ok());
  EXPECT_EQ(blobs->read(base::sha256({}), 0).error().code, ErrorCode::kNotFound);
}

TEST_F(BlobsTest, PiecesComeInAnyOrderAndAreChecked) {
  const auto blobs = open();
  const Bytes bytes = some_bytes(3 * kPieceBytes + 100, 5);
  const BlobManifest manifest = manifest_of(bytes);
  const auto partial = blobs->receive(manifest);
  ASSERT_TRUE(partial.ok());
  EXPECT_EQ(*blobs->receive(manifest), *partial);
  EXPECT_EQ((*partial)->missing(), (std::vector<std::size_t>{0, 1, 2, 3}));
  EXPECT_EQ((*partial)->write_piece(0, piece_of(bytes, 1)).error().code, ErrorCode::kCorrupt);
  EXPECT_EQ((*partial)->write_piece(3, piece_of(bytes, 0)).error().code, ErrorCode::kCorrupt);
  EXPECT_EQ((*partial)->write_piece(4, piece_of(bytes, 0)).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ((*partial)->finish(1).error().code, ErrorCode::kInvalidArgument);
  std::thread other([&] {
    for (const std::size_t piece : {1U, 3U, 0U})
      EXPECT_TRUE((*partial)->write_piece(piece, piece_of(bytes, piece)).ok());
  });
  for (const std::size_t piece : {2U, 3U, 1U}) EXPECT_TRUE((*partial)->write_piece(piece, piece_of(bytes, piece)).ok());
  other.join();
  EXPECT_FALSE(blobs->has(manifest.name()));
  ASSERT_TRUE((*partial)->finish(7).ok());
  ASSERT_TRUE((*partial)->finish(8).ok());
  EXPECT_EQ(content(*blobs, manifest.name()), bytes);
  EXPECT_TRUE(fs::is_empty(folder_ / "partial"));
  EXPECT_EQ(blobs->receive(manifest).error().code, ErrorCode::kInvalidArgument);
}

TEST_F(BlobsTest, ReceivingGoesOnAfterAStart) {
  const Bytes bytes = some_bytes(4 * kPieceBytes, 6);
  const BlobManifest manifest = manifest_of(bytes);
  {
    const auto blobs = open();
    const auto partial = blobs->receive(manifest);
    ASSERT_TRUE((*partial)->write_piece(2, piece_of(bytes, 2)).ok());
    ASSERT_TRUE((*partial)->write_piece(0, piece_of(bytes, 0)).ok());
  }
  {  // a piece that the disk lost
    std::fstream file(folder_ / "partial" / manifest.name().hex(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(5);
    file.put('x');
  }
  const auto blobs = open();
  const auto known = blobs->partial_manifest(manifest.name());
  ASSERT_TRUE(known.ok());
  EXPECT_EQ(*known, manifest);
  const auto partial = blobs->receive(*known);
  EXPECT_EQ((*partial)->missing(), (std::vector<std::size_t>{0, 1, 3}));
  for (const std::size_t piece : (*partial)->missing()) {
    ASSERT_TRUE((*partial)->write_piece(piece, piece_of(bytes, piece)).ok());
  }
  ASSERT_TRUE((*partial)->finish(1).ok());
  EXPECT_TRUE(blobs->check(manifest.name()).ok());
}

TEST_F(BlobsTest, ManifestsAreBounded) {
  const BlobManifest manifest = manifest_of(some_bytes(kPieceBytes + 1, 1));
  const Bytes bytes = manifest.encode();
  EXPECT_TRUE(BlobManifest::decode(bytes, manifest.name()).ok());
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    Bytes changed = bytes;
    changed[at] ^= 1U;
    EXPECT_FALSE(BlobManifest::decode(changed, manifest.name()).ok());
    EXPECT_FALSE(BlobManifest::decode(base::ByteView(bytes).first(at), manifest.name()).ok());
  }
  BlobManifest huge;
  huge.size = kMaxBlobBytes + 1;
  EXPECT_FALSE(BlobManifest::decode(huge.encode(), huge.name()).ok());
  EXPECT_FALSE(open()->receive(huge).ok());
}

TEST_F(BlobsTest, TheQuotaThrowsOutTheLongestUnused) {
  auto blobs = open({.quota_bytes = 1000, .max_age_seconds = 0});
  const Hash a = *blobs->put(some_bytes(300, 1), 1);
  const Hash b = *blobs->put(some_bytes(301, 2), 2);
  const Hash c = *blobs->put(some_bytes(302, 3), 3);
  ASSERT_TRUE(blobs->read(a, 4).ok());
  const Hash d = *blobs->put(some_bytes(303, 4), 5);
  EXPECT_TRUE(blobs->has(a) && !blobs->has(b) && blobs->has(c) && blobs->has(d));
  ASSERT_TRUE(blobs->pin(a, "model").ok());
  ASSERT_TRUE(blobs->pin(a, "task-1").ok());
  ASSERT_TRUE(blobs->unpin(a, "task-1").ok());
  EXPECT_EQ(blobs->remove(a).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(blobs->put(some_bytes(701, 5), 6).error().code, ErrorCode::kLimit);
  EXPECT_TRUE(blobs->has(c) && blobs->has(d)) << "thrown out in vain";
  blobs.reset();
  blobs = open({.quota_bytes = 1000, .max_age_seconds = 0});
  EXPECT_TRUE(blobs->find(a)->pinned);
  const Hash e = *blobs->put(some_bytes(700, 5), 6);
  EXPECT_TRUE(blobs->has(a) && blobs->has(e));
  EXPECT_EQ(blobs->list().size(), 2U);
  EXPECT_TRUE(blobs->unpin(a, "model").ok());
  EXPECT_TRUE(blobs->remove(a).ok());
  EXPECT_FALSE(fs::exists(folder_ / "manifests" / a.hex()));
}

TEST_F(BlobsTest, TheirNumberIsBounded) {
  auto blobs = open({.most_blobs = 3});
  std::vector<Hash> names;
  for (std::int64_t i = 0; i < 6; ++i) {
    names.push_back(*blobs->put(some_bytes(10, static_cast<std::uint32_t>(i)), i));
    if (i == 0) {
      EXPECT_TRUE(blobs->pin(names[0], "task-1").ok());
    }
    if (i == 3) {
      blobs.reset();
      blobs = open({.most_blobs = 3});
      ASSERT_EQ(blobs->pins().size(), 1U);
      EXPECT_EQ(blobs->pins()[0].name, names[0]);
      EXPECT_EQ(blobs->pins()[0].owner, "task-1");
    }
  }
  EXPECT_TRUE(blobs->has(names[0]) && blobs->has(names[4]) && blobs->has(names[5]));
  EXPECT_EQ(blobs->list().size(), 3U);
  // What is unpinned is the longest unused again, and goes; used, it stays.
  ASSERT_TRUE(blobs->unpin(names[0], "task-1").ok());
  ASSERT_TRUE(blobs->read(names[0], 7).ok());
  ASSERT_TRUE(blobs->put(some_bytes(10, 7), 8).ok());
  EXPECT_TRUE(blobs->has(names[0]) && !blobs->has(names[4]));
  for (const BlobInfo& blob : blobs->list()) ASSERT_TRUE(blobs->pin(blob.name, "all").ok());
  EXPECT_EQ(blobs->put(some_bytes(10, 9), 9).error().code, ErrorCode::kLimit);
}

TEST_F(BlobsTest, PartialBlobsCountAgainstTheQuota) {
  const auto blobs = open({.quota_bytes = 1000, .max_age_seconds = 0});
  const Bytes bytes = some_bytes(600, 1);
  const auto partial = blobs->receive(manifest_of(bytes));
  ASSERT_TRUE(partial.ok());
  EXPECT_EQ(blobs->put(some_bytes(401, 2), 1).error().code, ErrorCode::kLimit);
  EXPECT_EQ(blobs->receive(manifest_of(some_bytes(401, 3))).error().code, ErrorCode::kLimit);
  ASSERT_TRUE((*partial)->write_piece(0, bytes).ok());
  ASSERT_TRUE((*partial)->finish(2).ok());
  ASSERT_TRUE(blobs->put(some_bytes(400, 2), 3).ok());
  EXPECT_EQ(blobs->list().size(), 2U);
}

TEST_F(BlobsTest, AgeThrowsOutWhatIsNotPinned) {
  const auto blobs = open({.quota_bytes = 0, .max_age_seconds = 100});
  const Hash old = *blobs->put(some_bytes(10, 1), 1000);
  const Hash pinned = *blobs->put(some_bytes(11, 2), 1000);
  const Hash fresh = *blobs->put(some_bytes(12, 3), 1050);
  ASSERT_TRUE(blobs->pin(pinned, "me").ok());
  const auto reader = blobs->read(old, 1000);
  const auto collected = blobs->collect(1101);
  ASSERT_TRUE(collected.ok());
  EXPECT_EQ(collected->count, 1U);
  EXPECT_EQ(collected->bytes, 10U);
  EXPECT_TRUE(!blobs->has(old) && blobs->has(pinned) && blobs->has(fresh));
  Bytes bytes(10);
  EXPECT_TRUE(reader->read(0, bytes).ok());
  EXPECT_EQ(bytes, some_bytes(10, 1));
  for (const char* owner : {"", "A", "a/b", "a.b"}) EXPECT_FALSE(blobs->pin(old, owner).ok()) << owner;
}

TEST_F(BlobsTest, DamageOnTheDiskIsFound) {
  const auto blobs = open();
  const Hash name = *blobs->put(some_bytes(kPieceBytes + 10, 1), 0);
  const fs::path file = *blobs->path(name, 0);
  {
    std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
    stream.seekp(kPieceBytes + 1);
    stream.put('x');
  }
  const auto checked = blobs->check(name);
  ASSERT_FALSE(checked.ok());
  EXPECT_NE(checked.error().message.find("piece 1 "), std::string::npos) << checked.error().message;
  fs::resize_file(file, 5);
  EXPECT_EQ(blobs->check(name).error().code, ErrorCode::kCorrupt);
  Bytes bytes(10);
  EXPECT_FALSE(blobs->read(name, 0)->read(0, bytes).ok());
}

// Puts, receives and removes blobs without end.
const ChildBody kWorks("Works", [](const ChildArguments& given) {
  const auto blobs = Blobs::open(given.at(0), {.quota_bytes = 3'000'000, .max_age_seconds = 0});
  ASSERT_TRUE(blobs.ok());
  int i = 0;
  for (const BlobInfo& info : (*blobs)->list()) i = std::max(i, static_cast<int>(info.last_used) + 1);
  for (;; ++i) {
    const Bytes bytes = some_bytes(100'000 + static_cast<std::size_t>(i) % 50, static_cast<std::uint8_t>(i));
    if (i % 2 == 0) {
      ASSERT_TRUE((*blobs)->put(bytes, i).ok());
    } else if (const BlobManifest manifest = manifest_of(bytes); !(*blobs)->has(manifest.name())) {
      const auto partial = (*blobs)->receive(manifest);
      ASSERT_TRUE(partial.ok()) << partial.error().message;
      ASSERT_TRUE((*partial)->write_piece(0, bytes).ok());
      ASSERT_TRUE((*partial)->finish(i).ok());
    }
    Child::report(static_cast<std::uint64_t>(i));
  }
});

TEST_F(BlobsTest, SurviveKillsAtAnyInstant) {
  std::mt19937_64 random(3);
  for (int i = 0; i < 15; ++i) {
    Child child("Works", {folder_});
    if (random() % 4 != 0) child.next_report();
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 30000));
    child.kill();
    const auto reports = child.reports();
    child.wait();
    const auto blobs = open({.quota_bytes = 3'000'000, .max_age_seconds = 0});
    ASSERT_NE(blobs, nullptr);
    if (!reports.empty()) {
      const std::uint64_t last = reports.back();
      const Bytes bytes = some_bytes(100'000 + static_cast<std::size_t>(last) % 50, static_cast<std::uint8_t>(last));
      EXPECT_TRUE(blobs->has(manifest_of(bytes).name()));
    }
    std::uint64_t total = 0;
    for (const BlobInfo& info : blobs->list()) {
      EXPECT_TRUE(blobs->check(info.name).ok());
      total += info.size;
    }
    EXPECT_LE(total, 3'000'000U);
    EXPECT_TRUE(fs::is_empty(folder_ / "writing"));
  }
}

const ChildBody kFillsTheFolder("FillsTheFolder", [](const ChildArguments& given) {
  std::signal(SIGXFSZ, SIG_IGN);
  const rlimit limit{5'000'000, 5'000'000};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
  const auto blobs = Blobs::open(given.at(0));
  ASSERT_TRUE((*blobs)->put(some_bytes(4'500'000, 1), 1).ok());
  EXPECT_EQ((*blobs)->put(some_bytes(9'000'000, 2), 1).error().code, ErrorCode::kIo);
  EXPECT_EQ((*blobs)->receive(manifest_of(some_bytes(9'000'000, 2))).error().code, ErrorCode::kIo);
  EXPECT_EQ((*blobs)->list().size(), 1U);
  Child::report(1);
});

TEST_F(BlobsTest, AFullDiskIsAnErrorAndDoesNoDamage) {
  Child child("FillsTheFolder", {folder_});
  (void)child.reports();
  EXPECT_EQ(child.wait(), 0);
  const auto blobs = open();
  ASSERT_EQ(blobs->list().size(), 1U);
  EXPECT_TRUE(blobs->check(blobs->list().front().name).ok());
}

}  // namespace
}  // namespace starling::store
