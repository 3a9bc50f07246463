#include "train/latent_cache.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <vector>

#include "base/file.h"
#include "temporary_folder.h"

namespace starling::train {
namespace {

namespace fs = std::filesystem;

class Cache : public FolderTest {
 protected:
  LatentCache open(std::uint8_t key = 1) const {
    base::Hash hash;
    hash.bytes[0] = key;
    auto cache = LatentCache::open(file_, hash, {2, 3});
    EXPECT_TRUE(cache.ok()) << cache.error().message;
    return std::move(*cache);
  }

  static void fill(LatentCache& cache, int records) {
    for (int i = 0; i < records; ++i) {
      const std::vector<float> values(6, 0.5F * static_cast<float>(i));
      ASSERT_TRUE(cache.append(values).ok());
    }
  }

  const fs::path file_ = folder_ / "latents.bin";
};

TEST_F(Cache, KeepsWhatWasAppended) {
  {
    LatentCache cache = open();
    EXPECT_EQ(cache.size(), 0U);
    fill(cache, 5);
  }
  const LatentCache cache = open();
  ASSERT_EQ(cache.size(), 5U);
  std::vector<float> values(6);
  ASSERT_TRUE(cache.read(3, values).ok());
  EXPECT_EQ(values, std::vector<float>(6, 1.5F));
}

TEST_F(Cache, DropsRecordsFromTheFirstDamagedOneOn) {
  {
    LatentCache cache = open();
    fill(cache, 5);
  }
  auto bytes = base::read_file(file_, 1U << 20U);
  ASSERT_TRUE(bytes.ok());
  const std::size_t record = 6 * 2 + 8;
  ASSERT_EQ(bytes->size(), 64 + 5 * record);
  (*bytes)[64 + 3 * record + 1] ^= 1U;
  ASSERT_TRUE(base::write_file(file_, *bytes).ok());
  EXPECT_EQ(open().size(), 3U);
  EXPECT_EQ(fs::file_size(file_), 64 + 3 * record);
}

TEST_F(Cache, DropsARecordThatWasCutShort) {
  {
    LatentCache cache = open();
    fill(cache, 2);
  }
  fs::resize_file(file_, fs::file_size(file_) - 1);
  EXPECT_EQ(open().size(), 1U);
  fs::resize_file(file_, 10);
  EXPECT_EQ(open().size(), 0U);
}

TEST_F(Cache, StartsAnewUnderAnotherKey) {
  {
    LatentCache cache = open(1);
    fill(cache, 2);
  }
  EXPECT_EQ(open(2).size(), 0U);
  EXPECT_EQ(open(1).size(), 0U);
}

}  // namespace
}  // namespace starling::train
