#include "generate/video_check.h"

#include <gtest/gtest.h>

#include "temporary_folder.h"
#include "video/writer.h"

namespace starling::generate {
namespace {

namespace fs = std::filesystem;

// Files that other programs wrote.
fs::path foreign(const std::string& name) {
  return fs::path(STARLING_TEST_DATA).parent_path().parent_path() / "video" / "data" / name;
}

// Grounds that differ from frame to frame, smooth enough for every codec.
video::Frames make_frames(int count, video::Rate rate) {
  auto frames = video::make_frames(32, 32, count, rate);
  EXPECT_TRUE(frames.ok());
  for (std::size_t i = 0; i < frames->rgb.size(); ++i) {
    const std::size_t frame = i / frames->frame_bytes();
    frames->rgb[i] = static_cast<std::uint8_t>(40 + 9 * frame);
  }
  return *std::move(frames);
}

// What comparing the file says of frames that were computed at `rate`; nothing if they hold.
std::string verdict(const fs::path& path, const video::Frames& frames, FrameRate rate) {
  TextToVideo request;
  request.width = frames.width;
  request.height = frames.height;
  request.frames = frames.count;
  request.rate = rate;
  auto check = VideoCheck::open(path, request);
  EXPECT_TRUE(check.ok()) << check.error().message;
  for (int i = 0; i < frames.count; ++i) EXPECT_TRUE(check->add(frames.frame(i)).ok());
  EXPECT_TRUE(check->finish({}).ok());
  return check->difference() ? check->difference()->message : "";
}

TEST(VideoCheck, EveryTypeKeepsItsTimes) {
  const TemporaryFolder folder;
  for (const FrameRate rate : {FrameRate{8, 1}, FrameRate{24, 1}, FrameRate{30000, 1001}, FrameRate{50, 1}}) {
    for (const int count : {1, 20}) {
      for (const char* name : {"a.mp4", "a.webm", "a.gif", "a/", "lossless.mp4", "lossless.webm"}) {
        const video::Rate written{static_cast<int>(rate.numerator), static_cast<int>(rate.denominator)};
        const video::Frames frames = make_frames(count, written);
        video::WriterOptions options;
        options.lossless = std::string_view(name).starts_with("lossless");
        ASSERT_TRUE(video::write_video(folder / name, frames, options).ok()) << name;
        EXPECT_EQ(verdict(folder / name, frames, rate), "") << name << " at " << rate.text() << ", " << count;
      }
    }
  }
}

TEST(VideoCheck, AnotherSpeedIsFound) {
  const TemporaryFolder folder;
  for (const char* name : {"a.mp4", "a.webm", "a.gif"}) {
    const video::Frames frames = make_frames(9, {4, 1});
    ASSERT_TRUE(video::write_video(folder / name, frames, {}).ok());
    EXPECT_EQ(verdict(folder / name, frames, {4, 1}), "");
    EXPECT_EQ(verdict(folder / name, frames, {8, 1}).substr(0, 51),
              "frame 1 of the video: it is shown at 0.25 s, not at")
        << name;
    EXPECT_EQ(verdict(folder / name, frames, {1, 1}).substr(0, 51),
              "frame 1 of the video: it is shown at 0.25 s, not at")
        << name;
  }
  // The last frame stays.
  const video::Frames frames = make_frames(2, {4, 1});
  ASSERT_TRUE(video::write_video(folder / "a.gif", frames, {}).ok());
  EXPECT_EQ(verdict(folder / "a.gif", frames, {5, 1}), "");
  EXPECT_EQ(verdict(folder / "a.gif", frames, {6, 1}),
            "frame 1 of the video: it is shown for 0.25 s, not for 0.1667 s");
}

TEST(VideoCheck, AFreezeInTheMiddleIsFound) {
  auto frames = video::read_frames(foreign("uneven.mkv"));
  ASSERT_TRUE(frames.ok()) << frames.error().message;
  EXPECT_EQ(verdict(foreign("uneven.mkv"), *frames, {10, 1}),
            "frame 2 of the video: it is shown at 0.5 s, not at 0.2 s");
}

TEST(VideoCheck, StretchedPixelsAreFound) {
  auto frames = video::read_frames(foreign("wide-pixels.mkv"));
  ASSERT_TRUE(frames.ok()) << frames.error().message;
  EXPECT_EQ(verdict(foreign("wide-pixels.mkv"), *frames, {8, 1}),
            "video: its pixels are to be shown 4:1, those of the receipt are square");
}

TEST(VideoCheck, TheFramesComeBeforeTheirTimes) {
  const TemporaryFolder folder;
  video::Frames frames = make_frames(9, {4, 1});
  ASSERT_TRUE(video::write_video(folder / "a.mp4", frames, {.lossless = true}).ok());
  frames.pixels(7)[0] ^= 1;
  EXPECT_EQ(verdict(folder / "a.mp4", frames, {8, 1}).substr(0, 21), "frame 7 of the video:");
}

TEST(VideoCheck, OneBitOfALosslessFileIsFoundHoweverLittleItIs) {
  const TemporaryFolder folder;
  auto frames = video::make_frames(512, 512, 30, {8, 1});
  ASSERT_TRUE(frames.ok());
  ASSERT_TRUE(video::write_video(folder / "a.mp4", *frames, {.lossless = true}).ok());
  frames->pixels(7)[0] ^= 1;
  TextToVideo request;
  request.width = request.height = 512;
  request.frames = frames->count;
  auto check = VideoCheck::open(folder / "a.mp4", request);
  ASSERT_TRUE(check.ok()) << check.error().message;
  for (int i = 0; i < frames->count; ++i) ASSERT_TRUE(check->add(frames->frame(i)).ok());
  ASSERT_TRUE(check->finish({}).ok());
  EXPECT_GT(*check->psnr_db(), 100.0);
  EXPECT_FALSE(check->identical());
  ASSERT_TRUE(check->difference().has_value());
  // Another size is found at once.
  request.width = 256;
  check = VideoCheck::open(folder / "a.mp4", request);
  ASSERT_TRUE(check.ok()) << check.error().message;
  EXPECT_TRUE(check->difference().has_value());
}

TEST(VideoCheck, MissingAndAddedFramesAreNamed) {
  const TemporaryFolder folder;
  const video::Frames frames = make_frames(9, {8, 1});
  ASSERT_TRUE(video::write_video(folder / "f/", frames, {}).ok());
  EXPECT_EQ(verdict(folder / "f", frames, {8, 1}), "");
  fs::copy(folder / "f" / "frame-0008.png", folder / "f" / "frame-0009.png");
  EXPECT_EQ(verdict(folder / "f", frames, {8, 1}).substr(0, 21), "frame 9 of the video:");
  fs::rename(folder / "f" / "frame-0009.png", folder / "f" / "frame-0011.png");
  EXPECT_EQ(verdict(folder / "f", frames, {8, 1}).substr(0, 6), "video:");
  fs::remove(folder / "f" / "frame-0011.png");
  fs::remove(folder / "f" / "frame-0008.png");
  EXPECT_EQ(verdict(folder / "f", frames, {8, 1}), "frame 8 of the video: it ends before this frame");
  fs::remove(folder / "f" / "frame-0006.png");
  const std::string missing = verdict(folder / "f", frames, {8, 1});
  EXPECT_EQ(missing.substr(0, 21), "frame 6 of the video:");
  EXPECT_NE(missing.find("lacks number 6"), std::string::npos) << missing;
}

}  // namespace
}  // namespace starling::generate
