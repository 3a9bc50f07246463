#include "base/file.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace starling::base {
namespace {

class FileTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::path(testing::TempDir()) / ("starling_file_" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::size_t files() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder_), {}));
  }
  std::filesystem::path folder_;
};

TEST_F(FileTest, WritesReadsAndMaps) {
  const std::filesystem::path path = folder_ / "a";
  ASSERT_TRUE(write_file(path, as_bytes("hello")).ok());
  EXPECT_EQ(*read_file(path, 5), Bytes({'h', 'e', 'l', 'l', 'o'}));
  auto mapped = MappedFile::open(path);
  ASSERT_TRUE(mapped.ok());
  EXPECT_EQ(std::string(mapped->bytes().begin(), mapped->bytes().end()), "hello");
  EXPECT_EQ(files(), 1U);
}

TEST_F(FileTest, ReplacesOnlyOnCommit) {
  const std::filesystem::path path = folder_ / "a";
  ASSERT_TRUE(write_file(path, as_bytes("old")).ok());
  {
    auto file = AtomicFile::create(path);
    ASSERT_TRUE(file.ok());
    ASSERT_TRUE(file->write(as_bytes("new")).ok());
  }
  EXPECT_EQ(*read_file(path, 100), Bytes({'o', 'l', 'd'}));
  EXPECT_EQ(files(), 1U) << "the temporary file is gone";
}

TEST_F(FileTest, SaysWhyItCannot) {
  EXPECT_EQ(read_file(folder_ / "none", 10).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(MappedFile::open(folder_).error().code, ErrorCode::kInvalidArgument);
  ASSERT_TRUE(write_file(folder_ / "a", as_bytes("12345")).ok());
  EXPECT_EQ(read_file(folder_ / "a", 4).error().code, ErrorCode::kLimit);
  EXPECT_FALSE(AtomicFile::create(folder_ / "no" / "such").ok());
  ASSERT_TRUE(write_file(folder_ / "empty", {}).ok());
  EXPECT_TRUE(MappedFile::open(folder_ / "empty")->bytes().empty());
}

}  // namespace
}  // namespace starling::base
