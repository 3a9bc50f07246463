// Kills, torn logs and full disks: what a state's folder holds afterwards.
#include <sys/resource.h>

#include <bit>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <random>
#include <thread>

#include "base/file.h"
#include "blocks.h"
#include "child.h"
#include "store/state_store.h"
#include "store/tree.h"
#include "temporary_folder.h"

namespace starling::store {
namespace {

namespace fs = std::filesystem;
using base::ErrorCode;

// Pages are written, and forgotten, after every few commits.
constexpr StateStoreOptions kFaultsOptions{
    .threads = 2, .cache_bytes = std::size_t{1} << 20, .tree_bytes = 4096, .unwritten_leaves = 300};
// Pages are never written: everything is in one file of the log.
constexpr StateStoreOptions kNoPages{
    .threads = 2, .cache_bytes = std::size_t{1} << 20, .unwritten_leaves = 1'000'000'000};

// Commits blocks without end, and reports the height of each once its commit has returned.
const ChildBody kCommits("Commits", [](const ChildArguments& given) {
  auto store = StateStore::open(given.at(0), kFaultsOptions);
  ASSERT_TRUE(store.ok());
  for (std::uint64_t height = (*store)->height() + 1;; ++height) {
    ASSERT_TRUE((*store)->commit(made_up_block(height), height).ok());
    Child::report(height);
  }
});

// Made-up states one after another.
class History {
 public:
  const MemoryState& at(std::uint64_t height) {
    if (height < height_) {
      state_ = {};
      height_ = 0;
    }
    while (height_ < height) EXPECT_TRUE(state_.apply(made_up_block(++height_)).ok());
    return state_;
  }

 private:
  MemoryState state_;
  std::uint64_t height_ = 0;
};

class StateFaultsTest : public FolderTest {
 protected:
  // The store in a folder holds exactly the state after the block that it says; returns that block's height.
  std::uint64_t expect_whole_block(const fs::path& folder) {
    const auto store = StateStore::open(folder, kFaultsOptions);
    if (!store.ok()) {
      ADD_FAILURE() << store.error().message;
      return 0;
    }
    const std::uint64_t height = (*store)->height();
    EXPECT_EQ((*store)->root(), defined_root(history_.at(height))) << "height " << height;
    EXPECT_TRUE((*store)->check().ok());
    return height;
  }

  void commit(const fs::path& folder, std::uint64_t last) {
    const auto store = StateStore::open(folder, kNoPages);
    ASSERT_TRUE(store.ok());
    for (std::uint64_t height = 1; height <= last; ++height) {
      ASSERT_TRUE((*store)->commit(made_up_block(height), height).ok());
    }
  }

  static fs::path newest_log(const fs::path& folder) {
    fs::path newest;
    for (const auto& entry : fs::directory_iterator(folder)) {
      if (entry.path().extension() == ".log" && entry.path() > newest) newest = entry.path();
    }
    return newest;
  }

  History history_;
};

// STARLING_TEST_KILLS sets how many times (20 when it is unset).
TEST_F(StateFaultsTest, SurvivesKillsAtAnyInstant) {
  const char* const wanted = std::getenv("STARLING_TEST_KILLS");
  const int kills = wanted == nullptr ? 20 : std::atoi(wanted);
  std::mt19937_64 random(11);
  std::uint64_t height = 0;
  std::uint64_t acknowledged = 0;
  int killed_in_commit = 0;
  for (int i = 0; i < kills; ++i) {
    // Now and then from the beginning, so that kills hit the making of the folder as well.
    if (i % 8 == 0) {
      fs::remove_all(folder_);
      height = acknowledged = 0;
    }
    Child child("Commits", {folder_});
    if (random() % 4 != 0) {
      if (const auto first = child.next_report()) acknowledged = *first;
    }
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 30000));
    child.kill();
    for (const std::uint64_t report : child.reports()) acknowledged = report;
    ASSERT_EQ(child.wait(), 128 + SIGKILL);
    height = expect_whole_block(folder_);
    ASSERT_GE(height, acknowledged) << "an acknowledged block is lost";
    ASSERT_LE(height, acknowledged + 1);
    if (height == acknowledged + 1) ++killed_in_commit;
    acknowledged = height;
    if (HasFailure()) break;
  }
  std::printf("%d kills, %d of them between a commit and its report\n", kills, killed_in_commit);
}

TEST_F(StateFaultsTest, ALogCutAnywhereGivesAWholeBlock) {
  const fs::path original = folder_ / "original";
  constexpr std::uint64_t kBlocks = 6;
  commit(original, kBlocks);
  const fs::path log = newest_log(original);
  const std::uintmax_t size = fs::file_size(log);
  ASSERT_GT(size, 1000U);
  std::mt19937_64 random(5);
  std::uint64_t heights = 0;
  for (int i = 0; i < 12; ++i) {
    const fs::path copy = folder_ / "copy";
    fs::remove_all(copy);
    fs::copy(original, copy, fs::copy_options::recursive);
    const std::uintmax_t kept = i < 4 ? size - 1 - static_cast<std::uintmax_t>(i) : random() % size;
    fs::resize_file(copy / log.filename(), kept);
    const std::uint64_t height = expect_whole_block(copy);
    EXPECT_LT(height, kBlocks);
    if (i < 4) {
      EXPECT_EQ(height, kBlocks - 1);
    }
    heights |= std::uint64_t{1} << height;
    // And it goes on from there.
    const auto store = StateStore::open(copy, kFaultsOptions);
    ASSERT_TRUE((*store)->commit(made_up_block(height + 1), height + 1).ok());
    EXPECT_EQ((*store)->root(), defined_root(history_.at(height + 1)));
  }
  EXPECT_GT(std::popcount(heights), 2);
}

TEST_F(StateFaultsTest, DamageInTheLogIsAnErrorOrCutsOffWholeBlocks) {
  const fs::path original = folder_ / "original";
  commit(original, 6);
  const fs::path log = newest_log(original);
  const std::uintmax_t size = fs::file_size(log);
  std::mt19937_64 random(6);
  int errors = 0;
  constexpr int kTimes = 16;
  for (int i = 0; i < kTimes; ++i) {
    const fs::path copy = folder_ / "copy";
    fs::remove_all(copy);
    fs::copy(original, copy, fs::copy_options::recursive);
    std::fstream file(copy / log.filename(), std::ios::in | std::ios::out | std::ios::binary);
    const auto at = static_cast<std::streamoff>(random() % size);
    file.seekg(at);
    const int byte = file.get();
    file.seekp(at);
    file.put(static_cast<char>(byte ^ (1 << (random() % 8))));
    file.close();
    const auto store = StateStore::open(copy, kFaultsOptions);
    if (store.ok()) {
      EXPECT_EQ((*store)->root(), defined_root(history_.at((*store)->height())));
      EXPECT_TRUE((*store)->check().ok());
      continue;
    }
    ++errors;
    EXPECT_EQ(store.error().code, ErrorCode::kCorrupt) << store.error().message;
    EXPECT_NE(store.error().message.find("damaged"), std::string::npos);
  }
  EXPECT_GT(errors, kTimes * 3 / 4);
}

TEST_F(StateFaultsTest, AMissingFileIsAnError) {
  commit(folder_, 2);
  fs::remove(folder_ / "CURRENT");
  const auto store = StateStore::open(folder_, kFaultsOptions);
  ASSERT_FALSE(store.ok());
  EXPECT_EQ(store.error().code, ErrorCode::kCorrupt);
}

// Commits until a file would grow beyond the limit, as on a full disk.
const ChildBody kFillsTheDisk("FillsTheDisk", [](const ChildArguments& given) {
  auto store = StateStore::open(given.at(0), kNoPages);
  ASSERT_TRUE(store.ok());
  std::signal(SIGXFSZ, SIG_IGN);
  const rlimit limit{100'000, 100'000};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
  for (std::uint64_t height = 1; height < 1000; ++height) {
    const auto root = (*store)->commit(made_up_block(height), height);
    if (root.ok()) {
      Child::report(height);
      continue;
    }
    EXPECT_EQ(root.error().code, ErrorCode::kIo) << root.error().message;
    EXPECT_EQ((*store)->height(), height - 1);
    EXPECT_EQ((*store)->root(), defined_root(made_up_state(height - 1)));
    EXPECT_TRUE((*store)->get(bytes_of("key 1")).ok());
    const auto again = (*store)->commit(made_up_block(height), height);
    EXPECT_FALSE(again.ok());
    EXPECT_NE(again.error().message.find("takes no more blocks"), std::string::npos);
    return;
  }
  FAIL() << "the disk was never full";
});

// The log has room, and a file of pages has none.
const ChildBody kFillsTheDiskWithPages("FillsTheDiskWithPages", [](const ChildArguments& given) {
  constexpr std::uint64_t kBlocks = 40;
  auto store = StateStore::open(given.at(0), kNoPages);
  for (std::uint64_t height = 1; height <= kBlocks; ++height) {
    ASSERT_TRUE((*store)->commit(made_up_block(height), height).ok());
  }
  Child::report(kBlocks);
  store->reset();
  StateStoreOptions options = kNoPages;
  options.unwritten_leaves = 1;
  store = StateStore::open(given.at(0), options);
  ASSERT_TRUE(store.ok());
  std::signal(SIGXFSZ, SIG_IGN);
  const rlimit limit{12'000, 12'000};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
  // Pages are written meanwhile, so a few blocks may still be taken.
  for (std::uint64_t height = kBlocks + 1; height < kBlocks + 60; ++height) {
    const auto root = (*store)->commit({}, height);
    if (root.ok()) {
      Child::report(height);
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      continue;
    }
    EXPECT_EQ(root.error().code, ErrorCode::kIo) << root.error().message;
    EXPECT_TRUE((*store)->get(bytes_of("key 1")).ok());
    EXPECT_FALSE((*store)->commit({}, height + 1).ok());
    return;
  }
  FAIL() << "the disk was never full";
});

TEST_F(StateFaultsTest, APageThatCannotBeWrittenIsAnErrorAndDoesNoDamage) {
  Child child("FillsTheDiskWithPages", {folder_});
  const auto reports = child.reports();
  ASSERT_EQ(child.wait(), 0);
  ASSERT_FALSE(reports.empty());
  const auto store = StateStore::open(folder_, kFaultsOptions);
  ASSERT_TRUE(store.ok()) << store.error().message;
  EXPECT_EQ((*store)->root(), defined_root(history_.at(40)));
  EXPECT_GE((*store)->height(), reports.back());
  EXPECT_LE((*store)->height(), reports.back() + 1);
  EXPECT_TRUE((*store)->check().ok());
}

TEST_F(StateFaultsTest, AFullDiskIsAnErrorAndDoesNoDamage) {
  Child child("FillsTheDisk", {folder_});
  const auto reports = child.reports();
  ASSERT_EQ(child.wait(), 0);
  ASSERT_FALSE(reports.empty());
  const std::uint64_t height = expect_whole_block(folder_);
  EXPECT_GE(height, reports.back());
  EXPECT_LE(height, reports.back() + 1);
}

}  // namespace
}  // namespace starling::store
