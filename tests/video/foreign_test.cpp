#include <gtest/gtest.h>

#include <fstream>

#include "base/file.h"
#include "clips.h"
#include "temporary_folder.h"
#include "video/orientation.h"
#include "video/reader.h"
#include "video/writer.h"

namespace starling::video {
namespace {

namespace fs = std::filesystem;

fs::path data(const std::string& name) { return fs::path(STARLING_TEST_DATA) / name; }

std::array<int, 3> pixel(const FrameView& frame, int x, int y) {
  const std::uint8_t* rgb = &frame.rgb[3 * (static_cast<std::size_t>(y) * frame.width + x)];
  return {rgb[0], rgb[1], rgb[2]};
}

TEST(Foreign, RotationIsApplied) {
  const auto frames = read_frames(data("rotated.mp4"));
  ASSERT_TRUE(frames.ok()) << frames.error().message;
  ASSERT_EQ(frames->width, 16);
  ASSERT_EQ(frames->height, 32);
  EXPECT_EQ(frames->count, 4);
  EXPECT_GT(pixel(frames->frame(0), 2, 29)[2], 200);  // blue, where the upper left corner goes
  EXPECT_GT(pixel(frames->frame(0), 2, 2)[0], 200);
  EXPECT_GT(pixel(frames->frame(0), 13, 29)[0], 200);
}

TEST(Foreign, AllEightOrientations) {
  // A 2x1 picture with pixels A, B; where a matrix sends them follows from (x', y') = (x, y) times the matrix.
  const std::int32_t one = 1 << 16;
  struct Case {
    std::int32_t a, b, c, d;
    int width;
    bool reversed;
  };
  for (const Case& test :
       {Case{one, 0, 0, one, 2, false}, Case{-one, 0, 0, one, 2, true}, Case{-one, 0, 0, -one, 2, true},
        Case{one, 0, 0, -one, 2, false}, Case{0, one, -one, 0, 1, false}, Case{0, -one, one, 0, 1, true},
        Case{0, one, one, 0, 1, false}, Case{0, -one, -one, 0, 1, true}}) {
    const std::int32_t matrix[9] = {test.a, test.b, 0, test.c, test.d, 0, 0, 0, 1 << 30};
    Picture picture{2, 1, {1, 1, 1, 2, 2, 2}};
    orient(orientation_of(matrix), picture);
    EXPECT_EQ(picture.width, test.width);
    EXPECT_EQ(picture.rgb[0], test.reversed ? 2 : 1);
  }
  EXPECT_EQ(orientation_of(nullptr), Orientation{});
  const std::int32_t hostile[9] = {INT32_MIN, INT32_MIN, 0, INT32_MIN, INT32_MIN, 0, 0, 0, 0};
  Picture picture{2, 1, {1, 1, 1, 2, 2, 2}};
  orient(orientation_of(hostile), picture);
}

TEST(Foreign, TransparentPartsLieOverBlack) {
  const auto picture = read_picture(data("alpha.png"));
  ASSERT_TRUE(picture.ok()) << picture.error().message;
  EXPECT_EQ(pixel(picture->view(), 0, 0), (std::array{200, 100, 50}));
  EXPECT_EQ(pixel(picture->view(), 1, 0), (std::array{100, 50, 25}));
  EXPECT_EQ(pixel(picture->view(), 2, 0), (std::array{0, 0, 0}));
  EXPECT_EQ(pixel(picture->view(), 3, 0), (std::array{1, 1, 1}));
}

TEST(Foreign, DeepGreyIsScaledDown) {
  const auto picture = read_picture(data("grey16.png"));
  ASSERT_TRUE(picture.ok()) << picture.error().message;
  for (const auto& [x, grey] : {std::pair(0, 0), std::pair(1, 0x80), std::pair(2, 0xff), std::pair(3, 0x12)}) {
    EXPECT_NEAR(pixel(picture->view(), x, 0)[0], grey, 1);
  }
}

TEST(Foreign, MatrixRangeAndDepthAreRespected) {
  for (const char* name : {"colour.jpg", "sd601.avi", "full709.mkv", "ten-bit.mp4"}) {
    const auto picture = read_picture(data(name));
    ASSERT_TRUE(picture.ok()) << picture.error().message;
    const auto colour = pixel(picture->view(), 16, 16);
    EXPECT_NEAR(colour[0], 200, 3) << name;
    EXPECT_NEAR(colour[1], 120, 3) << name;
    EXPECT_NEAR(colour[2], 40, 3) << name;
  }
}

TEST(Foreign, OfFilesThatStoreRgbOnlyThoseAtQuantiserZeroAreLossless) {
  EXPECT_TRUE((*open_reader(data("ball.mp4")))->info().lossless);
  EXPECT_FALSE((*open_reader(data("lossy-rgb.mp4")))->info().lossless);
  EXPECT_TRUE((*open_reader(data("alpha.png")))->info().lossless);
  EXPECT_FALSE((*open_reader(data("colour.jpg")))->info().lossless);
}

TEST(Foreign, UnevenTimesAreEvenedOut) {
  const auto greys = [](const ReaderOptions& options) {
    const auto frames = read_frames(data("uneven.mkv"), options);
    EXPECT_TRUE(frames.ok());
    std::vector<int> values;
    for (int i = 0; frames.ok() && i < frames->count; ++i) values.push_back(frames->frame(i).rgb[0]);
    return values;
  };
  EXPECT_EQ(greys({}), (std::vector{0, 40, 200, 240}));
  // At 0.3 s both neighbours are as near; the earlier is taken.
  EXPECT_EQ(greys({.rate = Rate{10, 1}}), (std::vector{0, 40, 40, 40, 200, 200, 240}));
  EXPECT_EQ(greys({.rate = Rate{2, 1}}), (std::vector{0, 200}));
}

TEST(Foreign, WhatIsNoVideoIsRefusedInOneSentence) {
  const TemporaryFolder folder;
  std::ofstream(folder / "empty.mp4").flush();
  std::ofstream(folder / "text.mp4") << "just some words, again and again\n";
  std::ofstream(folder / "zeros.mp4") << std::string(100'000, '\0');
  std::ofstream(folder / "signature.png") << "\x89PNG\r\n\x1a\n";
  for (const char* name : {"empty.mp4", "text.mp4", "zeros.mp4", "signature.png"}) {
    const auto frames = read_frames(folder / name);
    ASSERT_FALSE(frames.ok()) << name;
    EXPECT_EQ(frames.error().code, base::ErrorCode::kCorrupt) << frames.error().message;
    EXPECT_NE(frames.error().message.find(name), std::string::npos);
  }
  EXPECT_EQ(read_frames(data("sound.mp4")).error().code, base::ErrorCode::kUnsupported);
  EXPECT_EQ(read_frames(folder / "absent.mp4").error().code, base::ErrorCode::kNotFound);
  EXPECT_FALSE(read_frames(folder / "absent-%d.png").ok());
  EXPECT_FALSE(read_frames(folder.path()).ok());
  EXPECT_FALSE(read_frames("/dev/zero").ok());
  EXPECT_FALSE(read_frames("").ok());
}

TEST(Foreign, ListsOfOtherFilesAreNotFollowed) {
  EXPECT_FALSE(read_frames(data("playlist.m3u8")).ok());
  EXPECT_FALSE(read_frames(data("list.ffconcat")).ok());
}

TEST(Foreign, AShortenedFileIsNoticed) {
  const TemporaryFolder folder;
  for (const char* name : {"clip.mp4", "clip.webm", "clip.gif", "clip.png"}) {
    const bool single = std::string_view(name) == "clip.png";
    ASSERT_TRUE(write_video(folder / name, make_clip({.count = single ? 1 : 8})).ok());
    const base::Bytes whole = *base::read_file(folder / name, 1 << 24);
    for (const double share : {0.3, 0.6, 0.9, 0.99}) {
      const base::ByteView part(whole.data(), static_cast<std::size_t>(share * static_cast<double>(whole.size())));
      const auto reader = open_reader(part);
      const bool read = reader.ok() && read_frames(**reader).ok();
      EXPECT_FALSE(read) << name << " cut to " << share;
    }
  }
}

// Nothing may crash or hang, whatever becomes of the bytes; what comes back is an error or frames within the bounds.
TEST(Foreign, DamagedBytesDoNoHarm) {
  const TemporaryFolder folder;
  const ReaderOptions bounds{.max_pixels = 1'000'000, .max_frames = 200, .max_bytes = 50'000'000};
  std::uint64_t state = 1;
  const auto random = [&] {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return static_cast<std::size_t>(state >> 33);
  };
  int unharmed = 0;
  int refused = 0;
  for (const char* name : {"clip.mp4", "clip.webm", "clip.gif", "clip.png"}) {
    const int count = std::string_view(name) == "clip.png" ? 1 : 6;
    ASSERT_TRUE(write_video(folder / name, make_clip({.width = 32, .height = 32, .count = count})).ok());
    const base::Bytes whole = *base::read_file(folder / name, 1 << 24);
    for (int round = 0; round < 60; ++round) {
      base::Bytes bytes = whole;
      const std::size_t changes = 1 + random() % 8;
      for (std::size_t i = 0; i < changes; ++i) {
        // The headers, at the front, matter most.
        const std::size_t reach = random() % 2 == 0 ? std::min<std::size_t>(bytes.size(), 900) : bytes.size();
        bytes[random() % reach] = static_cast<std::uint8_t>(random());
      }
      if (round % 5 == 0) bytes.resize(random() % bytes.size());
      const auto reader = open_reader(bytes, bounds);
      const bool read = reader.ok() && read_frames(**reader, bounds).ok();
      (read ? unharmed : refused) += 1;
    }
  }
  EXPECT_GT(unharmed, 0);
  EXPECT_GT(refused, 40);
}

}  // namespace
}  // namespace starling::video
