#include "train/first_world/dataset.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "temporary_folder.h"
#include "train/dataset_folder.h"
#include "video/fit.h"
#include "video/writer.h"

namespace starling::train {
namespace {

namespace fs = std::filesystem;

constexpr ClipShape kSmall = {32, 32, 5, 8};

class Folder : public TemporaryFolder {
 public:
  void text(const std::string& name, const std::string& content) const { std::ofstream(path() / name) << content; }
  // Frame k is grey of the value 10·k.
  void video(const std::string& name, int width, int height, int count) const {
    auto frames = video::make_frames(width, height, count, {8, 1});
    ASSERT_TRUE(frames.ok());
    for (int k = 0; k < count; ++k) {
      for (auto& value : frames->pixels(k)) value = static_cast<std::uint8_t>(10 * k);
    }
    video::WriterOptions options;
    options.lossless = true;
    ASSERT_TRUE(video::write_video(path() / name, *frames, options).ok());
  }
};

std::string why(const fs::path& folder, const ClipShape& shape = kSmall) {
  const auto opened = FolderDataset::open(folder, shape);
  return opened.ok() ? "" : opened.error().message;
}

TEST(FirstWorldDataset, ItemsAreAPureFunctionOfSeedAndIndex) {
  const auto one = FirstWorldDataset::open(7, kSmall);
  const auto same = FirstWorldDataset::open(7, kSmall);
  const auto other = FirstWorldDataset::open(8, kSmall);
  ASSERT_TRUE(one.ok() && same.ok() && other.ok());
  EXPECT_EQ(one->identity(), same->identity());
  EXPECT_NE(one->identity(), other->identity());
  (void)same->clip(1);
  EXPECT_EQ(one->clip(3)->rgb, same->clip(3)->rgb);
  EXPECT_EQ(one->clip(3)->caption, one->caption(3, 0));
  EXPECT_NE(one->clip(3)->rgb, other->clip(3)->rgb);
  EXPECT_EQ(one->clip(3)->rgb.size(), std::size_t{32} * 32 * 3 * 5);
}

TEST(FirstWorldDataset, TrainsOnNothingHeldOut) {
  const auto dataset = FirstWorldDataset::open(7, kSmall);
  ASSERT_TRUE(dataset.ok());
  for (std::uint64_t i = 0; i < 2000; ++i) EXPECT_FALSE(held_out(dataset->scene(i).attributes));
}

TEST(FirstWorldDataset, RewordsCaptionsByEpoch) {
  const auto dataset = FirstWorldDataset::open(7, kSmall);
  ASSERT_TRUE(dataset.ok());
  int reworded = 0;
  for (std::uint64_t i = 0; i < 100; ++i) reworded += dataset->caption(i, 0) != dataset->caption(i, 1) ? 1 : 0;
  EXPECT_GT(reworded, 80);
}

TEST(FirstWorldDataset, RefusesShapesThatCannotBeDrawn) {
  EXPECT_FALSE(FirstWorldDataset::open(1, {30, 32, 5, 8}).ok());
  EXPECT_FALSE(FirstWorldDataset::open(1, {32, 32, 0, 8}).ok());
  EXPECT_FALSE(FirstWorldDataset::open(1, {32, 32, 5000, 8}).ok());
}

TEST(Cover, AveragesCropsAndInterpolates) {
  // Four columns 0 100 200 40, two rows: halved and cut to 1 × 1, the middle two columns are left.
  const std::vector<std::uint8_t> line = {0, 0, 0, 100, 100, 100, 200, 200, 200, 40, 40, 40};
  std::vector<std::uint8_t> two = line;
  two.insert(two.end(), line.begin(), line.end());
  EXPECT_EQ(video::cover({4, 2, two}, 1, 1), (std::vector<std::uint8_t>{150, 150, 150}));
  EXPECT_EQ(video::cover({4, 2, two}, 4, 2), two);
  const auto large = video::cover({4, 2, two}, 8, 4);
  EXPECT_EQ(large[0], 0);
  EXPECT_EQ(large[3], 25);
  EXPECT_EQ(large[6], 75);
}

TEST(FolderDataset, ReadsVideosWithCaptionsBesideThem) {
  const Folder folder;
  folder.video("b.mp4", 64, 48, 12);
  folder.text("b.txt", "  two words \n");
  folder.video("a.mp4", 32, 32, 5);
  folder.text("a.txt", "一个红球");
  const auto dataset = FolderDataset::open(folder.path(), kSmall);
  ASSERT_TRUE(dataset.ok()) << dataset.error().message;
  EXPECT_EQ(dataset->videos(), 2U);
  EXPECT_EQ(dataset->items(), 2U);
  EXPECT_EQ(dataset->caption(0, 0), "一个红球");
  EXPECT_EQ(dataset->caption(3, 1), "two words");
  EXPECT_TRUE(dataset->check().ok());
  const auto whole = dataset->clip(0);
  ASSERT_TRUE(whole.ok());
  for (std::size_t k = 0; k < 5; ++k) EXPECT_EQ(whole->rgb[k * 32 * 32 * 3], 10 * k);
  // A longer video gives stretches of consecutive frames that depend on the index alone.
  bool moved = false;
  for (std::uint64_t i = 1; i < 20; i += 2) {
    const auto part = dataset->clip(i);
    ASSERT_TRUE(part.ok());
    EXPECT_EQ(part->rgb.size(), std::size_t{32} * 32 * 3 * 5);
    EXPECT_EQ(part->rgb.back(), part->rgb.front() + 40);
    moved = moved || part->rgb.front() != dataset->clip(1)->rgb.front();
  }
  EXPECT_TRUE(moved);
  EXPECT_EQ(dataset->clip(5)->rgb, dataset->clip(5)->rgb);
}

TEST(FolderDataset, ReadsMetadata) {
  const Folder folder;
  fs::create_directories(folder.path() / "in");
  folder.video("in/a.mp4", 32, 32, 5);
  folder.text(
      "metadata.jsonl",
      "{\"file_name\": \"in/a.mp4\", \"text\": \"one\"}\n\n{\"file_name\": \"in/a.mp4\", \"caption\": \"two\"}\n");
  const auto dataset = FolderDataset::open(folder.path(), kSmall);
  ASSERT_TRUE(dataset.ok()) << dataset.error().message;
  EXPECT_EQ(dataset->videos(), 2U);
  EXPECT_EQ(dataset->caption(1, 0), "two");
  EXPECT_TRUE(dataset->clip(1).ok());
}

TEST(FolderDataset, SaysWhatIsWrong) {
  EXPECT_NE(why("/nonexistent/folder"), "");
  const Folder folder;
  EXPECT_NE(why(folder.path()).find("no video"), std::string::npos);
  folder.video("a.mp4", 32, 32, 3);
  EXPECT_NE(why(folder.path()).find("a.txt"), std::string::npos);
  folder.text("a.txt", "  \n");
  EXPECT_NE(why(folder.path()).find("empty"), std::string::npos);
  folder.text("a.txt", "\xff");
  EXPECT_NE(why(folder.path()).find("UTF-8"), std::string::npos);
  folder.text("a.txt", std::string(5000, 'x'));
  EXPECT_NE(why(folder.path()).find("4096"), std::string::npos);
  folder.text("a.txt", "fine");
  const auto dataset = FolderDataset::open(folder.path(), kSmall);
  ASSERT_TRUE(dataset.ok());
  ASSERT_FALSE(dataset->check().ok());
  EXPECT_NE(dataset->check().error().message.find("3 frames"), std::string::npos);
  EXPECT_NE(why(folder.path(), {32, 32, 0, 8}), "");
  folder.text("a.mp4", "not a video");
  EXPECT_FALSE(dataset->clip(0).ok());
}

TEST(FolderDataset, DoesNotLeaveItsFolder) {
  const Folder folder;
  folder.video("a.mp4", 32, 32, 5);
  for (const std::string name : {"../a.mp4", "/etc/hostname", "x/../../a.mp4", ""}) {
    folder.text("metadata.jsonl", R"({"file_name": ")" + name + R"(", "text": "x"})");
    EXPECT_NE(why(folder.path()).find("line 1"), std::string::npos) << name;
  }
  for (const char* line : {"[]", "{", "{\"file_name\": 3, \"text\": \"x\"}", "{\"file_name\": \"a.mp4\"}",
                           "{\"file_name\": \"b.mp4\", \"text\": \"x\"}"}) {
    folder.text("metadata.jsonl", line);
    EXPECT_NE(why(folder.path()).find("line 1"), std::string::npos) << line;
  }
}

}  // namespace
}  // namespace starling::train
