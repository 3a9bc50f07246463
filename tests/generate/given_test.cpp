#include "generate/given.h"

#include "tiny_model.h"
#include "video/picture.h"
#include "video/writer.h"

namespace starling::generate {
namespace {

class Given : public TinyModel {
 protected:
  // Frame i is of the shade 10 · i.
  static video::Frames numbered(int count) {
    auto frames = video::make_frames(16, 16, count, {8, 1});
    for (int i = 0; i < count; ++i) std::ranges::fill(frames->pixels(i), static_cast<std::uint8_t>(10 * i));
    return *std::move(frames);
  }
  static std::vector<int> shades(const video::Frames& frames) {
    std::vector<int> found;
    for (int i = 0; i < frames.count; ++i) found.push_back(frames.frame(i).rgb[0] / 10);
    return found;
  }
  static std::vector<int> shades_of(int count, Place place) {
    return shades(in_strides(open().config(), numbered(count), place));
  }
};

TEST_F(Given, ClipsAreCutToWholeStridesAtTheOtherEnd) {
  EXPECT_EQ(shades_of(1, Place::kStart), (std::vector<int>{0}));
  EXPECT_EQ(shades_of(4, Place::kStart), (std::vector<int>{3}));
  EXPECT_EQ(shades_of(5, Place::kStart), (std::vector<int>{0, 1, 2, 3, 4}));
  EXPECT_EQ(shades_of(7, Place::kStart), (std::vector<int>{2, 3, 4, 5, 6}));
  EXPECT_EQ(shades_of(7, Place::kWhole), (std::vector<int>{0, 1, 2, 3, 4}));
  EXPECT_EQ(shades_of(1, Place::kEnd), (std::vector<int>{0, 0, 0, 0, 0}));
  EXPECT_EQ(shades_of(3, Place::kEnd), (std::vector<int>{0, 0, 0, 1, 2}));
  EXPECT_EQ(shades_of(4, Place::kEnd), (std::vector<int>{0, 0, 1, 2, 3})) << "the first leads itself in";
  EXPECT_EQ(shades_of(5, Place::kEnd), (std::vector<int>{0, 1, 2, 3, 4}));
  EXPECT_EQ(shades_of(7, Place::kEnd), (std::vector<int>{2, 3, 4, 5, 6}));
}

TEST_F(Given, FilesAreMadeToFit) {
  TextToVideo request = small_request();  // 32×16 at 8 a second
  video::Frames wide = *video::make_frames(200, 50, 9, {16, 1});
  for (int i = 0; i < 9; ++i) std::ranges::fill(wide.pixels(i), static_cast<std::uint8_t>(20 * i));
  video::WriterOptions lossless;
  lossless.lossless = true;
  lossless.rate = wide.rate;
  const auto file = folder() / "wide.mp4";
  ASSERT_TRUE(video::write_video(file, wide, lossless).ok());
  const auto fitted = fit_clip(file, request);
  ASSERT_TRUE(fitted.ok()) << fitted.error().message;
  EXPECT_EQ(fitted->width, 32);
  EXPECT_EQ(fitted->height, 16);
  ASSERT_EQ(fitted->count, 5) << "every other frame of sixteen a second";
  EXPECT_EQ(fitted->frame(1).rgb[0], 40);
  EXPECT_EQ(fit_clip(file, request, 1)->count, 1);
}

TEST_F(Given, WhatIsNoClipIsRefused) {
  const base::Bytes garbage(500, 77);
  EXPECT_FALSE(fit_clip(base::ByteView(garbage), small_request()).ok());
  EXPECT_FALSE(fit_clip(base::ByteView(), small_request()).ok());
  EXPECT_FALSE(fit_clip(folder() / "none.mp4", small_request()).ok());
  EXPECT_FALSE(fit_clip(folder(), small_request()).ok());
}

TEST_F(Given, TheRequestNamesThem) {
  TextToVideo request = small_request();
  const video::Frames start = *video::make_frames(32, 16, 5, {8, 1});
  const video::Frames end = *video::make_frames(32, 16, 9, {8, 1});
  const GivenFrames given = give(request, start, end);
  EXPECT_EQ(request.start, 5);
  EXPECT_EQ(request.end, 8);
  EXPECT_EQ(request.given_frames(), 14);
  EXPECT_EQ(given->count, 14);
  EXPECT_TRUE(check_given(request, *given).ok());
}

}  // namespace
}  // namespace starling::generate
