#include "generate/video_check.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

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
    // Four times as fast: in the time of the first frame it shows those after it as well.
    EXPECT_EQ(verdict(folder / name, frames, {1, 1}), "frame 0 of the video: frame 0 shows the moment of frame 1")
        << name;
  }
  // The last frame stays.
  const video::Frames frames = make_frames(2, {4, 1});
  ASSERT_TRUE(video::write_video(folder / "a.gif", frames, {}).ok());
  EXPECT_EQ(verdict(folder / "a.gif", frames, {5, 1}), "");
  EXPECT_EQ(verdict(folder / "a.gif", frames, {6, 1}),
            "frame 1 of the video: it is shown for 0.25 s, not for 0.1667 s");
}

// A copy with more pictures a second, each of the frame of its time; rounded as `ffmpeg -vf fps=` does.
video::Frames at_rate(const video::Frames& frames, video::Rate rate) {
  const double ratio = rate.per_second() / frames.rate.per_second();
  const int count = static_cast<int>(std::lround(frames.count * ratio));
  auto more = video::make_frames(frames.width, frames.height, count, rate);
  EXPECT_TRUE(more.ok());
  int shown = 0;
  for (int i = 0; i < count; ++i) {
    while (shown + 1 < frames.count && std::lround((shown + 1) * ratio) <= i) ++shown;
    std::ranges::copy(frames.frame(shown).rgb, more->pixels(i).begin());
  }
  return *std::move(more);
}

TEST(VideoCheck, ACopyAtAHigherRateHolds) {
  const TemporaryFolder folder;
  const video::Frames frames = make_frames(17, {8, 1});
  for (const video::Rate rate :
       {video::Rate{9, 1}, {10, 1}, {16, 1}, {24, 1}, {25, 1}, {30000, 1001}, {32, 1}, {40, 1}, {120, 1}}) {
    for (const char* name : {"a.mp4", "a.webm"}) {
      ASSERT_TRUE(video::write_video(folder / name, at_rate(frames, rate), {}).ok());
      EXPECT_EQ(verdict(folder / name, frames, {8, 1}), "") << name << " at " << rate.per_second();
    }
  }
  ASSERT_TRUE(video::write_video(folder / "b.mp4", at_rate(frames, {200, 1}), {}).ok());
  EXPECT_NE(verdict(folder / "b.mp4", frames, {8, 1}).find("more than 16 pictures show it"), std::string::npos);
}

TEST(VideoCheck, EditsAtAHigherRateAreFound) {
  const TemporaryFolder folder;
  const video::Frames frames = make_frames(17, {8, 1});
  const std::size_t size = frames.frame_bytes();
  const auto copy = [&](video::Frames& to, int from, int place) {
    std::ranges::copy(frames.frame(from).rgb, to.pixels(place).begin());
  };
  for (const video::Rate rate : {video::Rate{10, 1}, {24, 1}, {25, 1}, {40, 1}}) {
    const auto found = [&](const video::Frames& edited, video::Rate shown_at, const std::string& what) {
      video::Frames file = at_rate(edited, shown_at);
      ASSERT_TRUE(video::write_video(folder / "a.mp4", file, {}).ok());
      EXPECT_NE(verdict(folder / "a.mp4", frames, {8, 1}), "") << what << " at " << rate.per_second();
    };
    video::Frames edited = frames;
    copy(edited, 7, 6);
    copy(edited, 6, 7);
    found(edited, rate, "swapped");
    edited = frames;
    copy(edited, 5, 6);
    found(edited, rate, "doubled");
    edited = frames;
    for (int i = 4; i + 1 < frames.count; ++i) copy(edited, i + 1, i);
    found(edited, rate, "dropped");
    edited = frames;
    edited.rgb.resize(edited.rgb.size() - size);
    --edited.count;
    found(edited, rate, "cut");
    edited = frames;
    edited.rate = {7, 1};
    found(edited, rate, "slowed");
    edited.rate = {9, 1};
    found(edited, rate, "faster");
    edited = frames;
    for (std::uint8_t& value : edited.pixels(16)) value = 10;
    found(edited, rate, "another end");
    // One of the pictures that show a frame.
    video::Frames one = at_rate(frames, rate);
    for (std::uint8_t& value : one.pixels(rate.numerator - 1)) value = 250;
    ASSERT_TRUE(video::write_video(folder / "a.mp4", one, {}).ok());
    EXPECT_NE(verdict(folder / "a.mp4", frames, {8, 1}), "") << rate.per_second();
  }
}

TEST(VideoCheck, ALowerRateLacksFrames) {
  const TemporaryFolder folder;
  const video::Frames frames = make_frames(17, {8, 1});
  ASSERT_TRUE(video::write_video(folder / "a.mp4", at_rate(frames, {6, 1}), {}).ok());
  EXPECT_EQ(verdict(folder / "a.mp4", frames, {8, 1}).substr(0, 65),
            std::string("video: it shows 6 frames a second and the receipt has 8, so not all of them").substr(0, 65));
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
