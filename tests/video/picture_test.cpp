#include "video/picture.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>

#include "clips.h"
#include "video/plot.h"
#include "video/reader.h"

namespace starling::video {
namespace {

int count_not(const Picture& picture, std::uint8_t value) {
  int count = 0;
  for (const std::uint8_t v : picture.rgb) count += v != value ? 1 : 0;
  return count;
}

// STARLING_TEST_PICTURES=FOLDER keeps the pictures for looking at.
void keep(const Picture& picture, const char* name) {
  const char* folder = std::getenv("STARLING_TEST_PICTURES");
  if (folder != nullptr) {
    EXPECT_TRUE(write_png(std::filesystem::path(folder) / name, picture).ok());
  }
}

TEST(Font, LettersDifferAndAllOfAsciiIsDrawn) {
  std::vector<std::vector<std::uint8_t>> seen;
  for (char c = ' '; c <= '~'; ++c) {
    Picture picture = *make_picture(kLetterWidth, kLetterHeight, {255, 255, 255});
    draw_text(picture, 0, 0, std::string(1, c), {});
    EXPECT_EQ(count_not(picture, 255) == 0, c == ' ');
    for (const auto& other : seen) EXPECT_NE(picture.rgb, other) << c;
    seen.push_back(picture.rgb);
  }
}

TEST(Font, TextStaysInsideThePictureAndCountsLettersOfUtf8) {
  EXPECT_EQ(letter_count("a\u7403!"), 3);
  EXPECT_EQ(letter_count("\x80\x80"), 1);
  Picture picture = *make_picture(20, 10, {255, 255, 255});
  draw_text(picture, -7, -3, "clipped on every side", {}, 3);
  draw_text_upwards(picture, -7, 30, "clipped on every side", {}, 3);
  EXPECT_GT(count_not(picture, 255), 0);
}

TEST(Picture, ASheetEnlargesPixelsIntoSquares) {
  Frames video = *make_frames(2, 1, 1, {});
  video.rgb[3] = 9;
  const SheetRow row{"", &video};
  const auto sheet = contact_sheet({&row, 1}, {.columns = 1, .scale = 3, .gap = 0});
  ASSERT_TRUE(sheet.ok()) << sheet.error().message;
  ASSERT_EQ(sheet->height, 3);
  for (int y = 0; y < 3; ++y) {
    for (int x = 0; x < 6; ++x) {
      EXPECT_EQ(sheet->rgb[3 * (static_cast<std::size_t>(y) * sheet->width + x)], x < 3 ? 0 : 9) << x << " " << y;
    }
  }
}

TEST(Picture, ASheetShowsFirstAndLastFrameOfEachVideo) {
  const Frames a = make_clip({.count = 17, .seed = 3});
  const Frames b = make_clip({.width = 96, .height = 48, .count = 2, .seed = 5});
  const SheetRow rows[] = {
      {"a red ball bounces on green ground, and the camera pans slowly to the left", &a},
      {"0123456789 The quick brown fox jumps over the lazy dog. (A) [B] {C} <D> \u7ea2\u7403", &b}};
  const auto sheet = contact_sheet(rows, {.columns = 6, .scale = 1, .gap = 4});
  ASSERT_TRUE(sheet.ok()) << sheet.error().message;
  EXPECT_EQ(sheet->width, 6 * 68 + 4);
  keep(*sheet, "sheet.png");
  keep(*contact_sheet(rows, {.columns = 6, .scale = 3, .gap = 6}), "sheet-large.png");
  const auto holds = [&](const FrameView& frame, int x, int y) {
    for (int row = 0; row < frame.height; ++row) {
      const auto* expected = frame.rgb.data() + 3 * static_cast<std::size_t>(row) * frame.width;
      const auto* found = &sheet->rgb[3 * (static_cast<std::size_t>(y + row) * sheet->width + x)];
      if (!std::equal(expected, expected + 3 * frame.width, found)) return false;
    }
    return true;
  };
  const int top = 4 + 2 * (kLetterHeight + 1);  // the caption takes two lines
  EXPECT_TRUE(holds(a.frame(0), 4, top));
  EXPECT_TRUE(holds(a.frame(16), 4 + 5 * 68, top));
  EXPECT_FALSE(holds(a.frame(15), 4 + 5 * 68, top));
}

TEST(Picture, SheetsThatCannotBeAreRefused) {
  const Frames a = make_clip({});
  const Frames none = *make_frames(64, 64, 0, {});
  EXPECT_FALSE(contact_sheet({}, {}).ok());
  const SheetRow missing[] = {{"", nullptr}};
  EXPECT_FALSE(contact_sheet(missing, {}).ok());
  const SheetRow empty[] = {{"", &none}};
  EXPECT_FALSE(contact_sheet(empty, {}).ok());
  const SheetRow fine[] = {{"", &a}};
  EXPECT_FALSE(contact_sheet(fine, {.columns = 0}).ok());
  EXPECT_FALSE(contact_sheet(fine, {.columns = 17, .scale = 64}).ok());
  EXPECT_TRUE(contact_sheet(fine, {.columns = 1}).ok());
}

TEST(Plot, TicksAreRoundAndInside) {
  EXPECT_EQ(round_ticks(0, 10, 5), (std::vector<double>{0, 2, 4, 6, 8, 10}));
  EXPECT_EQ(round_ticks(-1, 1, 4), (std::vector<double>{-1, -0.5, 0, 0.5, 1}));
  EXPECT_TRUE(round_ticks(1, 1, 5).empty());
  EXPECT_TRUE(round_ticks(0, INFINITY, 5).empty());
  EXPECT_LE(round_ticks(1e15, 1e15 + 1, 5).size(), 24u);
}

TEST(Plot, LinesAxesAndLegendAreDrawn) {
  PlotSeries training{"training", {}};
  PlotSeries validation{"validation", {}};
  for (int i = 0; i <= 600; ++i) {
    const double step = 100.0 * i;
    training.points.emplace_back(step, 0.4 + std::exp(-i / 60.0) + 0.03 * std::sin(i * 1.7));
    if (i % 20 == 0) validation.points.emplace_back(step, 0.42 + std::exp(-i / 60.0));
  }
  training.points.emplace_back(50, NAN);
  const PlotSeries series[] = {training, validation};
  for (const bool logarithmic : {false, true}) {
    const auto plot = line_plot(series, {.title = "Loss over steps",
                                         .x_label = "samples",
                                         .y_label = "mean squared error",
                                         .logarithmic_y = logarithmic});
    ASSERT_TRUE(plot.ok());
    keep(*plot, logarithmic ? "plot-log.png" : "plot.png");
    int blue = 0;
    for (std::size_t i = 0; i < plot->rgb.size(); i += 3) {
      blue += plot->rgb[i] == 0 && plot->rgb[i + 1] == 114 && plot->rgb[i + 2] == 178 ? 1 : 0;
    }
    EXPECT_GT(blue, 500);
  }
}

TEST(Plot, StrangeDataDoesNoHarm) {
  const PlotSeries series[] = {{"none", {}},
                               {"one", {{1, 1}}},
                               {"huge", {{-1e299, 1e299}, {1e299, -1e299}}},
                               {"wild", {{NAN, 1}, {INFINITY, INFINITY}, {0, 1e308}, {1e-320, 1e-320}}}};
  for (const PlotSeries& one : series) {
    for (const bool logarithmic : {false, true}) {
      EXPECT_TRUE(line_plot(std::span(&one, 1), {.logarithmic_y = logarithmic}).ok()) << one.name;
    }
  }
  EXPECT_TRUE(line_plot({}, {}).ok());
  EXPECT_FALSE(line_plot({}, {.width = 10}).ok());
  EXPECT_FALSE(line_plot({}, {.width = 9000}).ok());
}

}  // namespace
}  // namespace starling::video
