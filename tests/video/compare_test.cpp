#include "video/compare.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "clips.h"
#include "temporary_folder.h"
#include "video/font.h"
#include "video/picture.h"
#include "video/reader.h"
#include "video/writer.h"

namespace starling::video {
namespace {

std::vector<ClipStyle> styles() {
  return {{.width = 64, .height = 64, .count = 17, .seed = 11, .shapes = 1},
          {.width = 64, .height = 64, .count = 17, .seed = 12, .shapes = 3},
          {.width = 128, .height = 96, .count = 17, .seed = 13, .shapes = 2},
          {.width = 64, .height = 64, .count = 49, .seed = 14, .shapes = 1},
          {.width = 96, .height = 64, .count = 33, .seed = 15, .shapes = 2}};
}

// What the file shows after the frames went through it.
Frames through(const Frames& frames, const std::string& name, int quality = -1) {
  const TemporaryFolder folder;
  EXPECT_TRUE(write_video(folder / name, frames, {.quality = quality}).ok());
  auto read = read_frames(folder / name);
  EXPECT_TRUE(read.ok());
  return *std::move(read);
}

Comparison compare(const Frames& computed, const Frames& shown, bool exact = false) {
  auto comparer = Comparer::open(computed.width, computed.height, computed.rate, exact);
  EXPECT_TRUE(comparer.ok());
  for (int i = 0; i < std::min(computed.count, shown.count); ++i) {
    EXPECT_TRUE((*comparer)->add(computed.frame(i), shown.frame(i)).ok());
  }
  auto result = (*comparer)->finish();
  EXPECT_TRUE(result.ok());
  return *result;
}

std::string sentence(const Comparison& result) {
  return result.first_difference ? result.first_difference->sentence : "no difference";
}

TEST(Compare, HonestReencodingPasses) {
  for (const ClipStyle& style : styles()) {
    const Frames clip = make_clip(style);
    const Frames published = through(clip, "clip.mp4");
    const auto passes = [&](const Frames& shown, const std::string& how) {
      const Comparison result = compare(clip, shown);
      EXPECT_TRUE(result.matches) << "seed " << style.seed << " " << how << ": " << sentence(result);
      EXPECT_FALSE(result.identical);
      EXPECT_GT(result.psnr_db, 24) << how;
    };
    passes(published, "as written");
    for (const int quality : {18, 23, 28, 32, 34})
      passes(through(published, "clip.mp4", quality), std::to_string(quality));
    passes(through(published, "clip.webm", 31), "vp9");
    passes(through(published, "clip.gif"), "gif");
    passes(through(through(through(published, "clip.mp4", 23), "clip.webm", 23), "clip.mp4", 23), "three times");
  }
}

void swap_frames(Frames& frames, int a, int b) {
  std::swap_ranges(frames.pixels(a).begin(), frames.pixels(a).end(), frames.pixels(b).begin());
}

void draw(Frames& frames, int first, int last, const std::function<void(Picture&)>& change) {
  for (int t = first; t <= last; ++t) {
    Picture picture{frames.width, frames.height, {frames.pixels(t).begin(), frames.pixels(t).end()}};
    change(picture);
    std::copy(picture.rgb.begin(), picture.rgb.end(), frames.pixels(t).begin());
  }
}

// A codec whose key frames lose more than the reference's, all over what is busy.
TEST(Compare, AnAv1CopyPassesAndAnEditOfItFails) {
  const std::filesystem::path folder(STARLING_TEST_DATA);
  const auto clip = read_frames(folder / "ball.mp4");
  const auto copy = read_frames(folder / "ball-av1.mp4");
  ASSERT_TRUE(clip.ok() && copy.ok());
  ASSERT_EQ(clip->count, copy->count);
  const Comparison honest = compare(*clip, *copy);
  EXPECT_TRUE(honest.matches) << sentence(honest);
  const auto fails = [&](const Frames& edited, const std::string& how) {
    EXPECT_FALSE(compare(*clip, edited).matches) << how;
  };
  for (const auto& place : {std::pair(4, 4), std::pair(28, 24), std::pair(30, 40), std::pair(52, 8)}) {
    Frames edited = *copy;
    draw(edited, 0, edited.count - 1, [&](Picture& p) { fill(p, place.first, place.second, 4, 4, {255, 0, 160}); });
    fails(edited, "a logo");
  }
  Frames edited = *copy;
  swap_frames(edited, 2, 3);
  fails(edited, "swapped");
  edited = *copy;
  draw(edited, 0, edited.count - 1, [](Picture& p) {
    const Picture old = p;
    paste(old.view(), 0, 1, p);
  });
  fails(edited, "moved");
}

TEST(Compare, WhatLosesTooMuchFails) {
  const Frames clip = make_clip(styles()[1]);
  EXPECT_FALSE(compare(clip, through(clip, "clip.mp4", 48)).matches);
}

// A GIF's palette, as other programs choose it, makes frames darker by a level and a half; who darkens a video by more
// is found.
TEST(Compare, AFrameMayBeAsMuchDarkerAsPalettesMakeIt) {
  for (const ClipStyle& style : styles()) {
    const Frames clip = make_clip(style);
    const auto darker_by = [&](int tenths) {
      Frames darker = clip;
      for (std::size_t i = 0; i < darker.rgb.size(); ++i) {
        const int less = (tenths + static_cast<int>(i / 3 * 7 % 10)) / 10;
        darker.rgb[i] = static_cast<std::uint8_t>(std::max(0, darker.rgb[i] - less));
      }
      return compare(clip, darker);
    };
    EXPECT_TRUE(darker_by(15).matches) << style.seed << ": " << sentence(darker_by(15));
    EXPECT_FALSE(darker_by(30).matches) << style.seed;
  }
}

struct Edit {
  const char* name;
  std::function<void(Frames&)> apply;
};

void each_pixel(Frames& frames, const std::function<void(double& red, double& green, double& blue)>& change) {
  for (std::size_t i = 0; i < frames.rgb.size(); i += 3) {
    double rgb[3] = {double(frames.rgb[i]), double(frames.rgb[i + 1]), double(frames.rgb[i + 2])};
    change(rgb[0], rgb[1], rgb[2]);
    for (std::size_t c = 0; c < 3; ++c) {
      frames.rgb[i + c] = static_cast<std::uint8_t>(std::lround(std::clamp(rgb[c], 0.0, 255.0)));
    }
  }
}

std::vector<Edit> edits(const ClipStyle& style) {
  const int middle = style.count / 2;
  const int end = style.count - 1;
  return {
      {"neighbours swapped", [=](Frames& f) { swap_frames(f, middle, middle + 1); }},
      {"distant frames swapped", [=](Frames& f) { swap_frames(f, 1, end - 1); }},
      {"first frames swapped", [=](Frames& f) { swap_frames(f, 0, 1); }},
      {"last frames swapped", [=](Frames& f) { swap_frames(f, end, end - 1); }},
      {"a frame doubled",
       [=](Frames& f) { std::copy_n(f.pixels(middle).begin(), f.frame_bytes(), f.pixels(middle + 1).begin()); }},
      {"a frame dropped, the last doubled",
       [=](Frames& f) {
         const auto at = static_cast<std::ptrdiff_t>(f.frame_bytes()) * middle;
         std::copy(f.rgb.begin() + at + static_cast<std::ptrdiff_t>(f.frame_bytes()), f.rgb.end(), f.rgb.begin() + at);
       }},
      {"backwards",
       [=](Frames& f) {
         for (int t = 0; t < end - t; ++t) swap_frames(f, t, end - t);
       }},
      {"a logo of 8x8", [=](Frames& f) { draw(f, 0, end, [](Picture& p) {
                                           fill(p, 3, 5, 8, 8, {255, 0, 160});
                                         }); }},
      {"a pale logo of 8x8",
       [=](Frames& f) {
         const Colour pale{static_cast<std::uint8_t>(f.rgb[0] + 25), static_cast<std::uint8_t>(f.rgb[1] + 25),
                           static_cast<std::uint8_t>(f.rgb[2] + 25)};
         draw(f, 0, end, [&](Picture& p) { fill(p, 1, 1, 8, 8, pale); });
       }},
      {"a logo in one frame",
       [=](Frames& f) { draw(f, middle, middle, [](Picture& p) {
                          fill(p, 30, 21, 8, 8, {250, 250, 250});
                        }); }},
      {"a caption",
       [=](Frames& f) { draw(f, 0, end, [](Picture& p) {
                          draw_text(p, 2, 52, "fake", {255, 255, 255});
                        }); }},
      {"hue turned by 20 degrees",
       [](Frames& f) {
         each_pixel(f, [](double& r, double& g, double& b) {
           const double y = 0.2126 * r + 0.7152 * g + 0.0722 * b;
           const double blue = (b - y) / 1.8556;
           const double red = (r - y) / 1.5748;
           const double angle = 20 * 3.14159265358979 / 180;
           const double turned_blue = blue * std::cos(angle) - red * std::sin(angle);
           const double turned_red = blue * std::sin(angle) + red * std::cos(angle);
           r = y + 1.5748 * turned_red;
           b = y + 1.8556 * turned_blue;
           g = (y - 0.2126 * r - 0.0722 * b) / 0.7152;
         });
       }},
      {"brighter by 5",
       [](Frames& f) {
         each_pixel(f, [](double& r, double& g, double& b) {
           r += 5;
           g += 5;
           b += 5;
         });
       }},
      {"less saturated",
       [](Frames& f) {
         each_pixel(f, [](double& r, double& g, double& b) {
           const double y = 0.2126 * r + 0.7152 * g + 0.0722 * b;
           r += (y - r) * 0.25;
           g += (y - g) * 0.25;
           b += (y - b) * 0.25;
         });
       }},
      {"cropped",
       [=](Frames& f) {
         draw(f, 0, end, [](Picture& p) {
           const Picture old = p;
           for (int y = 0; y < p.height; ++y) {
             for (int x = 0; x < p.width; ++x) {
               const int from_x = 2 + x * (p.width - 4) / p.width;
               const int from_y = 2 + y * (p.height - 4) / p.height;
               std::copy_n(&old.rgb[3 * (static_cast<std::size_t>(from_y) * p.width + from_x)], 3,
                           &p.rgb[3 * (static_cast<std::size_t>(y) * p.width + x)]);
             }
           }
         });
       }},
      {"moved by a pixel",
       [=](Frames& f) {
         draw(f, 0, end, [](Picture& p) {
           const Picture old = p;
           paste(old.view(), 1, 0, p);
         });
       }},
      {"another clip", [=](Frames& f) {
         ClipStyle other = style;
         other.seed += 50;
         f = make_clip(other);
       }}};
}

TEST(Compare, EditsFailHoweverTheyAreEncoded) {
  for (const ClipStyle& style : styles()) {
    const Frames clip = make_clip(style);
    for (const Edit& edit : edits(style)) {
      Frames edited = clip;
      edit.apply(edited);
      ASSERT_NE(edited.rgb, clip.rgb) << edit.name;
      for (const int quality : {14, 28}) {
        const Comparison result = compare(clip, through(edited, "clip.mp4", quality));
        EXPECT_FALSE(result.matches) << edit.name << " in seed " << style.seed << " at quality " << quality;
      }
    }
  }
}

TEST(Compare, ARecolouredObjectFails) {
  for (const ClipStyle& style : styles()) {
    const Frames clip = make_clip(style);
    Frames edited = clip;
    // The first object's colour, and what is near it, turns into green's or blue's counterpart.
    each_pixel(edited, [](double& r, double& g, double& b) {
      if (std::max({r, g, b}) - std::min({r, g, b}) > 110) {
        const double old = r;
        r = g;
        g = b;
        b = old;
      }
    });
    if (edited.rgb == clip.rgb) continue;
    EXPECT_FALSE(compare(clip, through(edited, "clip.mp4", 23)).matches) << style.seed;
  }
}

TEST(Compare, TheFirstDifferenceIsNamed) {
  const ClipStyle style = styles()[1];
  const Frames clip = make_clip(style);
  Frames edited = clip;
  draw(edited, 9, 12, [](Picture& p) { fill(p, 40, 16, 8, 8, {255, 255, 255}); });
  const Comparison logo = compare(clip, through(edited, "clip.mp4"));
  ASSERT_TRUE(logo.first_difference.has_value());
  EXPECT_EQ(logo.first_difference->kind, DifferenceKind::kBlock);
  EXPECT_EQ(logo.first_difference->frame, 9);
  EXPECT_NEAR(logo.first_difference->x, 40, 4);
  EXPECT_NEAR(logo.first_difference->y, 16, 4);

  edited = clip;
  swap_frames(edited, 6, 7);
  const Comparison swapped = compare(clip, through(edited, "clip.mp4"));
  ASSERT_TRUE(swapped.first_difference.has_value());
  EXPECT_EQ(swapped.first_difference->kind, DifferenceKind::kOrder);
  EXPECT_EQ(swapped.first_difference->frame, 6);
  EXPECT_EQ(swapped.first_difference->sentence, "frame 6 shows the moment of frame 7");
}

TEST(Compare, ALosslessFileIsHeldToEveryBit) {
  const TemporaryFolder folder;
  const Frames clip = make_clip({.count = 9});
  for (const char* name : {"clip.mp4", "clip.webm", "frames/"}) {
    const WriterOptions options{.lossless = std::string_view(name) != "frames/"};
    ASSERT_TRUE(write_video(folder / name, clip, options).ok());
    EXPECT_TRUE((*open_reader(folder / name))->info().lossless);
    const auto written = read_frames(folder / name);
    ASSERT_TRUE(written.ok());
    const Comparison same = compare(clip, *written, true);
    EXPECT_TRUE(same.matches && same.identical);
    EXPECT_EQ(same.psnr_db, 100);
    EXPECT_EQ(same.frames, 9);

    Frames other = clip;
    other.pixels(4)[3 * (10 * 64 + 20) + 1] ^= 1;
    const Comparison changed = compare(other, *written, true);
    EXPECT_FALSE(changed.matches);
    ASSERT_TRUE(changed.first_difference.has_value());
    EXPECT_EQ(changed.first_difference->kind, DifferenceKind::kBits);
    EXPECT_EQ(changed.first_difference->frame, 4);
    EXPECT_EQ(changed.first_difference->x, 20);
    EXPECT_EQ(changed.first_difference->y, 10);
    EXPECT_TRUE(compare(other, *written).matches);
  }
  ASSERT_TRUE(write_video(folder / "lossy.mp4", clip).ok());
  EXPECT_FALSE((*open_reader(folder / "lossy.mp4"))->info().lossless);
}

TEST(Compare, ALosslessFileThatDiffersALittleEverywhereIsNoCopy) {
  const Frames clip = make_clip({.count = 9});
  Frames edited = clip;
  for (int t = 0; t < clip.count; ++t) {
    for (std::size_t i = 0; i < clip.frame_bytes(); ++i) edited.pixels(t)[i] ^= 1;
  }
  EXPECT_EQ(compare(clip, edited, true).first_difference->kind, DifferenceKind::kBits);
  EXPECT_TRUE(compare(clip, edited, false).matches);
}

TEST(Compare, OddAndTinyVideosAndPicturesAreCompared) {
  for (const auto& [width, height, count] :
       {std::tuple(1, 1, 2), std::tuple(17, 15, 3), std::tuple(33, 47, 5), std::tuple(64, 64, 1)}) {
    const Frames clip = make_clip({.width = width, .height = height, .count = count});
    for (const char* name : {"clip.mp4", "clip.webm"}) {
      const TemporaryFolder folder;
      ASSERT_TRUE(write_video(folder / name, clip).ok());
      const auto read = read_frames(folder / name);
      ASSERT_TRUE(read.ok()) << read.error().message;
      const Comparison result = compare(clip, *read);
      EXPECT_TRUE(result.matches) << width << "x" << height << " " << name << ": " << sentence(result);
    }
  }
}

}  // namespace
}  // namespace starling::video
