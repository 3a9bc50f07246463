#include <gtest/gtest.h>
#include <malloc.h>
#include <sys/resource.h>

#include <csignal>
#include <cstdlib>
#include <fstream>

#include "base/file.h"
#include "base/interrupt.h"
#include "clips.h"
#include "temporary_folder.h"
#include "video/reader.h"
#include "video/writer.h"

namespace starling::video {
namespace {

namespace fs = std::filesystem;

std::string message(const base::Status& status) { return status.ok() ? "no error" : status.error().message; }

template <typename T>
std::string message(const base::Result<T>& result) {
  return result.ok() ? "no error" : result.error().message;
}

Frames write_and_read(const fs::path& path, const Frames& frames, const WriterOptions& options = {}) {
  const base::Status written = write_video(path, frames, options);
  EXPECT_TRUE(written.ok()) << path << ": " << message(written);
  if (!written.ok()) return {};
  auto read = read_frames(path);
  EXPECT_TRUE(read.ok()) << path << ": " << message(read);
  return read.ok() ? *std::move(read) : Frames{};
}

struct Case {
  const char* name;
  bool lossless;
  double least_psnr;  // of the clips, whose chroma has sharp edges; 99 means the very bits
};
constexpr Case kCases[] = {
    {"clip.mp4", false, 28}, {"clip.mp4", true, 99}, {"clip.webm", false, 28},     {"clip.webm", true, 99},
    {"clip.gif", false, 38}, {"frames/", false, 99}, {"clip-%03d.png", false, 99},
};

TEST(Files, EveryTypeGivesBackSizeCountRateAndColours) {
  for (const Case& test : kCases) {
    for (const auto& [width, height] : {std::pair(64, 64), std::pair(16, 16), std::pair(128, 96), std::pair(50, 34)}) {
      SCOPED_TRACE(test.name + std::string(test.lossless ? " lossless " : " ") + std::to_string(width));
      const TemporaryFolder folder;
      const Frames frames = make_clip({.width = width, .height = height, .count = 9, .seed = width});
      const Frames read = write_and_read(folder / test.name, frames, {.lossless = test.lossless});
      ASSERT_EQ(read.count, 9);
      ASSERT_EQ(read.width, width);
      ASSERT_EQ(read.height, height);
      // A GIF counts time in hundredths of a second, so its mean rate is not exact.
      if (std::string_view(test.name) == "clip.gif") {
        EXPECT_NEAR(read.rate.per_second(), 8, 0.1);
      } else {
        EXPECT_EQ(read.rate, frames.rate);
      }
      if (test.least_psnr == 99) {
        EXPECT_EQ(frame_hashes(read), frame_hashes(frames));
      } else {
        EXPECT_GT(psnr(read, frames), test.least_psnr);
      }
    }
  }
}

// An encoder that reads memory it never wrote gives a file that depends on what was there before.
TEST(Files, TheSameFramesGiveTheSameBytes) {
  for (const Case& test : kCases) {
    if (fs::path(test.name).extension() == ".png" || !fs::path(test.name).has_filename()) continue;
    for (const auto& [width, height] : {std::pair(64, 64), std::pair(50, 34)}) {
      const TemporaryFolder folder;
      const Frames frames = make_clip({.width = width, .height = height});
      std::vector<base::Bytes> files;
      for (const int fill : {0, 0x5A, 0xA5}) {
        ::mallopt(M_PERTURB, fill);
        ASSERT_TRUE(write_video(folder / test.name, frames, {.lossless = test.lossless}).ok());
        files.push_back(*base::read_file(folder / test.name, 1 << 24));
      }
      ::mallopt(M_PERTURB, 0);
      EXPECT_EQ(files[0], files[1]) << test.name << ' ' << width;
      EXPECT_EQ(files[0], files[2]) << test.name << ' ' << width;
    }
  }
}

TEST(Files, OddAndTinySizesKeepTheirSize) {
  for (const Case& test : kCases) {
    for (const auto& [width, height] : {std::pair(1, 1), std::pair(2, 2), std::pair(17, 15), std::pair(64, 33)}) {
      SCOPED_TRACE(test.name + std::string(test.lossless ? " lossless " : " ") + std::to_string(width));
      const TemporaryFolder folder;
      const Frames frames = make_clip({.width = width, .height = height, .count = 3});
      const Frames read = write_and_read(folder / test.name, frames, {.lossless = test.lossless});
      ASSERT_EQ(read.count, 3);
      ASSERT_EQ(read.width, width);
      ASSERT_EQ(read.height, height);
      EXPECT_GT(psnr(read, frames), 20);
    }
  }
}

TEST(Files, LosslessMeansEveryBitEvenOfNoise) {
  const Frames noise = make_noise(48, 32, 5);
  for (const char* name : {"noise.mp4", "noise.webm", "noise/"}) {
    const TemporaryFolder folder;
    const bool option = std::string_view(name) != "noise/";
    const Frames read = write_and_read(folder / name, noise, {.lossless = option});
    EXPECT_EQ(frame_hashes(read), frame_hashes(noise)) << name;
    EXPECT_TRUE((*open_reader(folder / name))->info().lossless);
  }
  const TemporaryFolder folder;
  EXPECT_NE(frame_hashes(write_and_read(folder / "noise.mp4", noise)), frame_hashes(noise));
  EXPECT_FALSE((*open_reader(folder / "noise.mp4"))->info().lossless);
}

TEST(Files, FlatColoursComeBackWithoutAShift) {
  // A wrong matrix or range moves these by ten and more.
  for (const char* name : {"flat.mp4", "flat.webm"}) {
    for (const auto& colour : {std::array{255, 0, 0}, std::array{0, 255, 0}, std::array{0, 0, 255},
                               std::array{255, 255, 255}, std::array{0, 0, 0}, std::array{200, 120, 40}}) {
      const TemporaryFolder folder;
      Frames frames = *make_frames(32, 32, 2, {8, 1});
      for (std::size_t i = 0; i < frames.rgb.size(); ++i) frames.rgb[i] = static_cast<std::uint8_t>(colour[i % 3]);
      const Frames read = write_and_read(folder / name, frames);
      for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(read.rgb[3 * 500 + i], colour[i], 4) << name;
    }
  }
}

TEST(Files, GifOfFewColoursIsExact) {
  const TemporaryFolder folder;
  Frames frames = *make_frames(20, 20, 4, {10, 1});
  for (int t = 0; t < 4; ++t) {
    for (std::size_t i = 0; i < 400; ++i) {
      frames.pixels(t)[3 * i] = static_cast<std::uint8_t>((i * 7 + static_cast<std::size_t>(t) * 13) % 200);
      frames.pixels(t)[3 * i + 1] = static_cast<std::uint8_t>(t * 50);
    }
  }
  EXPECT_EQ(frame_hashes(write_and_read(folder / "few.gif", frames)), frame_hashes(frames));
}

TEST(Files, ThePictureOfOneFrameIsExact) {
  const TemporaryFolder folder;
  const Frames frames = make_clip({.width = 33, .height = 17, .count = 1});
  EXPECT_EQ(write_and_read(folder / "one.PNG", frames).rgb, frames.rgb);
  const auto picture = read_picture(folder / "one.PNG");
  ASSERT_TRUE(picture.ok());
  EXPECT_EQ(picture->rgb, frames.rgb);
  const base::Status two = write_video(folder / "two.png", make_clip({.count = 2}));
  ASSERT_FALSE(two.ok());
  EXPECT_NE(two.error().message.find("one frame only"), std::string::npos);
  EXPECT_FALSE(fs::exists(folder / "two.png"));
}

TEST(Files, EqualFramesGiveEqualBytes) {
  const Frames frames = make_clip({.count = 12});
  for (const char* name : {"clip.mp4", "clip.webm", "clip.gif"}) {
    const TemporaryFolder folder;
    ASSERT_TRUE(write_video(folder / name, frames).ok());
    ASSERT_TRUE(write_video(folder / ("again-" + std::string(name)), frames).ok());
    EXPECT_EQ(*base::read_file(folder / name, 1 << 24),
              *base::read_file(folder / ("again-" + std::string(name)), 1 << 24))
        << name;
  }
}

TEST(Files, Mp4PutsItsIndexFirst) {
  const TemporaryFolder folder;
  ASSERT_TRUE(write_video(folder / "clip.mp4", make_clip({})).ok());
  const base::Bytes bytes = *base::read_file(folder / "clip.mp4", 1 << 24);
  const std::string text(bytes.begin(), bytes.end());
  EXPECT_LT(text.find("moov"), text.find("mdat"));
}

TEST(Files, AnAbandonedWriterLeavesNothing) {
  for (const char* name : {"clip.mp4", "clip.webm", "clip.gif", "clip.png", "frames/", "clip-%d.png"}) {
    const TemporaryFolder folder;
    {
      auto writer = open_writer(folder / name, 64, 64, {});
      ASSERT_TRUE(writer.ok()) << message(writer);
      ASSERT_TRUE((*writer)->add(make_clip({}).frame(0)).ok());
    }
    EXPECT_EQ(folder.entries(), 0) << name;
    // Without a frame nothing is written either.
    EXPECT_FALSE(write_video(folder / name, *make_frames(64, 64, 0, {})).ok());
    EXPECT_EQ(folder.entries(), 0) << name;
  }
}

TEST(Files, AFailedWriteKeepsTheOldFile) {
  const TemporaryFolder folder;
  std::ofstream(folder / "clip.mp4") << "old";
  {
    auto writer = open_writer(folder / "clip.mp4", 64, 64, {});
    ASSERT_TRUE(writer.ok());
    ASSERT_TRUE((*writer)->add(make_clip({}).frame(0)).ok());
    EXPECT_FALSE((*writer)->add(make_clip({.width = 32}).frame(0)).ok());
  }
  EXPECT_EQ(base::read_file(folder / "clip.mp4", 100)->size(), 3u);
}

TEST(Files, AShorterSequenceReplacesALongerOne) {
  const TemporaryFolder folder;
  ASSERT_TRUE(write_video(folder / "frames/", make_clip({.count = 6})).ok());
  ASSERT_TRUE(write_video(folder / "frames", make_clip({.count = 3, .seed = 4})).ok());
  const auto read = read_frames(folder / "frames");
  ASSERT_TRUE(read.ok()) << message(read);
  EXPECT_EQ(frame_hashes(*read), frame_hashes(make_clip({.count = 3, .seed = 4})));
}

TEST(Files, ASequenceWithAGapOrAnOddOneOutIsRefused) {
  const TemporaryFolder folder;
  ASSERT_TRUE(write_video(folder / "f-%d.png", make_clip({.count = 12})).ok());
  EXPECT_EQ(read_frames(folder / "f-%d.png")->count, 12);
  fs::remove(folder / "f-0.png");
  EXPECT_EQ(read_frames(folder / "f-%d.png")->count, 11);
  ASSERT_TRUE(write_video(folder / "f-5.png", make_clip({.width = 10, .height = 10, .count = 1})).ok());
  EXPECT_NE(message(read_frames(folder / "f-%d.png")).find("another"), std::string::npos);
  fs::remove(folder / "f-5.png");
  EXPECT_NE(message(read_frames(folder / "f-%d.png")).find("lacks number 5"), std::string::npos);
}

TEST(Files, WhatCannotBeWrittenIsSaidInOneSentence) {
  const TemporaryFolder folder;
  const auto error = [&](const std::string& name, const WriterOptions& options = {}) {
    return message(open_writer(folder / name, 64, 64, options));
  };
  EXPECT_NE(error("clip.avi").find(".mp4, .webm, .gif, .png"), std::string::npos);
  EXPECT_NE(error("clip").find(".mp4, .webm, .gif, .png"), std::string::npos);
  EXPECT_NE(error("absent/clip.mp4").find("there is no folder"), std::string::npos);
  EXPECT_NE(error("absent/clip-%d.png/").find("there is no folder"), std::string::npos);
  EXPECT_NE(error("clip.gif", {.lossless = true}).find("lossless"), std::string::npos);
  EXPECT_NE(error("clip.mp4", {.quality = 52}).find("0 (best) to 51"), std::string::npos);
  EXPECT_NE(error("clip.gif", {.rate = {120, 1}}).find("at most 100"), std::string::npos);
  EXPECT_NE(error("clip.mp4", {.rate = {0, 1}}).find("frame rate"), std::string::npos);
  EXPECT_FALSE(open_writer(folder / "clip.mp4", 0, 64, {}).ok());
  EXPECT_FALSE(open_writer(folder / "clip.mp4", 64, 8193, {}).ok());
}

// What a second Ctrl-C does.
TEST(Files, ASignalThatEndsTheProgramLeavesNothing) {
  const Frames frames = make_clip({.width = 32, .height = 32, .count = 3});
  for (const char* name : {"clip.mp4", "frames/", "clip-%d.png"}) {
    const TemporaryFolder folder;
    EXPECT_EXIT(
        {
          auto writer = open_writer(folder / name, 32, 32, {});
          if (!writer.ok() || !(*writer)->add(frames.frame(0)).ok() || folder.entries() == 0) std::exit(1);
          base::catch_interrupts();
          std::raise(SIGINT);
          std::raise(SIGINT);
        },
        testing::KilledBySignal(SIGINT), "");
    EXPECT_EQ(folder.entries(), 0) << name;
  }
}

TEST(Files, AFullDiskIsAnErrorAndLeavesNothing) {
  const TemporaryFolder folder;
  const Frames noise = make_noise(64, 64, 10);
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  rlimit small = before;
  small.rlim_cur = 5000;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  std::vector<std::string> messages;
  for (const char* name : {"clip.mp4", "clip.webm", "clip.gif", "clip-%d.png", "frames/"}) {
    messages.push_back(message(write_video(folder / name, noise)));
  }
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  for (const std::string& text : messages) {
    EXPECT_NE(text.find("larger than the system allows"), std::string::npos) << text;
    EXPECT_EQ(text.find(".part"), std::string::npos) << text;
  }
  EXPECT_EQ(folder.entries(), 0);
}

TEST(Files, ReadingAtAnotherRateTakesTheNearestFrames) {
  const TemporaryFolder folder;
  Frames frames = make_clip({.count = 24});
  frames.rate = {24, 1};
  ASSERT_TRUE(write_video(folder / "clip.mp4", frames, {.lossless = true}).ok());
  const auto hashes = frame_hashes(frames);
  const auto read = [&](Rate rate) { return frame_hashes(*read_frames(folder / "clip.mp4", {.rate = rate})); };
  const auto third = read({8, 1});
  ASSERT_EQ(third.size(), 8u);
  for (std::size_t i = 0; i < 8; ++i) EXPECT_EQ(third[i], hashes[3 * i]);
  const auto twice = read({48, 1});
  ASSERT_EQ(twice.size(), 48u);
  // Halfway times take the earlier frame.
  for (std::size_t i = 0; i < 48; ++i) EXPECT_EQ(twice[i], hashes[i / 2]);
  const auto uneven = read({10, 1});
  ASSERT_EQ(uneven.size(), 10u);
  // k · 2.4 rounded, the half down.
  const std::size_t nearest[] = {0, 2, 5, 7, 10, 12, 14, 17, 19, 22};
  for (std::size_t i = 0; i < 10; ++i) EXPECT_EQ(uneven[i], hashes[nearest[i]]);
}

TEST(Files, ReadingIsBounded) {
  const TemporaryFolder folder;
  ASSERT_TRUE(write_video(folder / "clip.mp4", make_clip({})).ok());
  const auto code = [&](const ReaderOptions& options) {
    const auto read = read_frames(folder / "clip.mp4", options);
    return read.ok() ? base::ErrorCode{} : read.error().code;
  };
  EXPECT_EQ(code({.max_file_bytes = 100}), base::ErrorCode::kLimit);
  EXPECT_EQ(code({.max_frames = 16}), base::ErrorCode::kLimit);
  EXPECT_EQ(code({.max_bytes = 64 * 64 * 3 * 16}), base::ErrorCode::kLimit);
  EXPECT_EQ(code({.rate = Rate{1000, 1}, .max_frames = 1000}), base::ErrorCode::kLimit);
  EXPECT_NE(code({.max_pixels = 1000}), base::ErrorCode{});
  EXPECT_EQ(code({.rate = Rate{-1, 1}}), base::ErrorCode::kInvalidArgument);
  EXPECT_EQ(code({.max_frames = 17}), base::ErrorCode{});
}

}  // namespace
}  // namespace starling::video
