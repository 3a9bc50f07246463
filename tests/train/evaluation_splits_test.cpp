#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <initializer_list>

#include "train/evaluation/drift.h"
#include "train/evaluation/evaluation.h"
#include "train/evaluation/html.h"
#include "train/world/random.h"

namespace starling::train::evaluation {
namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr ClipShape kShape = {64, 64, 17, 8};

base::Result<Bytes> grey(const Bytes& real) { return Bytes(real.size(), 128); }

const Comparison* find(const Report& report, std::string_view name) {
  const auto found = std::find_if(report.comparisons.begin(), report.comparisons.end(),
                                  [&](const Comparison& one) { return one.name == name; });
  return found == report.comparisons.end() ? nullptr : &*found;
}

Mean mean(const Column& column, Quantity quantity) { return column.means[static_cast<std::size_t>(quantity)]; }

// A model that reads no Chinese, and one that shows nothing in every other clip.
TEST(EvaluationSplits, TellLanguagesAndWaysOfMakingApart) {
  Options options;
  options.clips = 24;
  options.shape = kShape;
  const Source english{"english",
                       [](const Item& item, const Bytes& real) -> base::Result<Bytes> {
                         return item.language == world::Language::kEnglish ? base::Result<Bytes>(real) : grey(real);
                       },
                       true};
  const Source half{"half",
                    [n = 0](const Item&, const Bytes& real) mutable -> base::Result<Bytes> {
                      return ++n % 2 == 0 ? base::Result<Bytes>(real) : grey(real);
                    },
                    true, false, "english"};
  base::ThreadPool pool(2);
  const auto report = evaluate(options, {english, half}, pool);
  ASSERT_TRUE(report.ok()) << report.error().message;

  ASSERT_EQ(report->splits.size(), 2U);
  const Grouping& language = report->splits[0];
  ASSERT_EQ(language.groups.size(), 3U);
  EXPECT_EQ(language.groups[0].clips, 16U);
  EXPECT_EQ(language.groups[1].clips, 4U);
  EXPECT_EQ(language.groups[2].clips, 4U);
  for (std::size_t g = 0; g < 3; ++g) {
    const double ceiling = language.groups[g].columns.back().overall.value;
    const double value = language.groups[g].columns[0].overall.value;
    EXPECT_GT(ceiling, 0.9) << g;
    if (g == 0) {
      EXPECT_DOUBLE_EQ(value, ceiling);
    } else {
      EXPECT_LT(value, 0.5) << g;
    }
  }
  std::size_t clips = 0;
  for (const Group& group : report->splits[1].groups) clips += group.clips;
  EXPECT_EQ(clips, options.clips);

  const Comparison* chinese = find(*report, "english: Chinese less English");
  ASSERT_NE(chinese, nullptr);
  EXPECT_EQ(chinese->kind, Comparison::Kind::kDifference);
  EXPECT_LT(chinese->overall.high, -0.3);
  const Comparison* real = find(*report, "ceiling: Chinese less English");
  ASSERT_NE(real, nullptr);
  EXPECT_LE(real->overall.low, 0.03);
  EXPECT_GE(real->overall.high, -0.03);

  const Comparison* rival = find(*report, "half by english");
  ASSERT_NE(rival, nullptr);
  const Comparison* best = find(*report, "half by ceiling");
  ASSERT_NE(best, nullptr);
  EXPECT_LT(best->overall.value, 0.8);
  EXPECT_GT(rival->overall.value, best->overall.value);
  EXPECT_LE(best->overall.low, best->overall.value);
  EXPECT_GE(best->overall.high, best->overall.value);
  EXPECT_EQ(find(*report, "english by half"), nullptr);

  const std::string table = report_table(*report);
  const std::string page = report_html(*report, {});
  for (const char* text : {"simplified Chinese", "by plot", "half by english", "english: Chinese less English"}) {
    EXPECT_NE(table.find(text), std::string::npos) << text;
  }
  EXPECT_NE(page.find("<h2>By language</h2>"), std::string::npos);
  EXPECT_NE(page.find("<th>half by english</th>"), std::string::npos);
  const base::Json json = report_json(*report);
  const base::Json* const group = json.find("splits")->find("language")->find("traditional Chinese");
  ASSERT_NE(group, nullptr);
  EXPECT_EQ(*group->integer("clips"), 4);
  EXPECT_DOUBLE_EQ(*group->find("columns")->find("english")->find("overall")->number("value"),
                   language.groups[2].columns[0].overall.value);
  EXPECT_EQ(*json.find("comparisons")->find("half by english")->text("kind"), "ratio");
}

TEST(EvaluationSplits, TakeClipsOfOnePlot) {
  Options options;
  options.shape = kShape;
  for (const world::Plot plot : {world::Plot::kSingle, world::Plot::kSeesaw, world::Plot::kDominoes}) {
    options.plot = plot;
    for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(draw_item(options, i).take.plot, plot);
  }
}

// Every value off by one in one clip, by four in the next: 48.13 and 36.09 dB.
TEST(EvaluationSplits, LikenessIsTheMeanOfClipsAndHasAFloor) {
  Options options;
  options.clips = 4;
  options.shape = {32, 32, 5, 8};
  options.diversity = true;
  const Source vae{"autoencoder",
                   [n = 0](const Item&, const Bytes& real) mutable {
                     Bytes made = real;
                     const std::uint8_t mask = ++n % 2 == 0 ? 4 : 1;
                     for (std::uint8_t& value : made) value ^= mask;
                     return base::Result<Bytes>(std::move(made));
                   },
                   false, true};
  base::ThreadPool pool(1);
  const auto report = evaluate(options, {vae}, pool);
  ASSERT_TRUE(report.ok());
  const double one = 10 * std::log10(255.0 * 255.0);
  const double four = 10 * std::log10(255.0 * 255.0 / 16);
  const Mean likeness = mean(report->columns[0], Quantity::kLikeness);
  EXPECT_EQ(likeness.count, 4U);
  EXPECT_NEAR(likeness.value, (one + four) / 2, 1e-9);
  EXPECT_GE(likeness.low, four - 1e-9);
  EXPECT_LE(likeness.high, one + 1e-9);
  EXPECT_DOUBLE_EQ(report->columns[0].squared_error, 8.5);
  const Mean other = mean(report->floor(), Quantity::kLikeness);
  EXPECT_EQ(other.count, 3U);
  EXPECT_LT(other.value, 25.0);
  EXPECT_EQ(mean(report->ceiling(), Quantity::kLikeness).count, 0U);
  // What an autoencoder does to a clip is no diversity.
  EXPECT_DOUBLE_EQ(mean(report->floor(), Quantity::kDiversity).value, 2.5);
  EXPECT_EQ(mean(report->floor(), Quantity::kDiversity).count, 4U);
}

TEST(EvaluationSplits, WhatIsEqualIsAHundredDecibels) {
  Options options;
  options.clips = 1;
  options.shape = {32, 32, 5, 8};
  const Source same{"autoencoder", [](const Item&, const Bytes& real) { return base::Result<Bytes>(real); }, false,
                    true};
  base::ThreadPool pool(1);
  const auto report = evaluate(options, {same}, pool);
  ASSERT_TRUE(report.ok());
  EXPECT_DOUBLE_EQ(mean(report->columns[0], Quantity::kLikeness).value, 100.0);
  EXPECT_EQ(mean(report->floor(), Quantity::kLikeness).count, 0U);  // there is no other clip
}

// Clips of a lone thing at rest that grows from frame to frame: by nothing, or by a tenth in all.
TEST(EvaluationSplits, DriftIsWhatTheThingGrows) {
  const auto size_at = [](int frame) { return 1 + 0.1 * frame / (kShape.frames - 1); };
  double still = 0;
  double grown = 0;
  double colour = 0;
  std::size_t clips = 0;
  for (std::uint64_t seed = 0; clips < 6; ++seed) {
    world::TakeOptions options;
    options.shape = kShape;
    options.plot = world::Plot::kSingle;
    options.camera = world::Camera::kStill;
    Item item{world::take(derive(604, seed), options), world::Language::kEnglish, {}, {}, 0};
    if (item.take.scenario.actors[0].thing.motion != world::Motion::kStay) continue;
    ++clips;
    item.promise.scenario = item.take.scenario;
    item.caption = world::caption(item.take.scenario, item.language, seed, item.promise.said);
    const Bytes real = world::pixels(item.take);
    Bytes growing = real;
    const auto frame = static_cast<std::ptrdiff_t>(real.size() / kShape.frames);
    for (int f = 0; f < kShape.frames; ++f) {
      world::Take larger = item.take;
      larger.scenario.actors[0].thing.diameter *= size_at(f);
      const Bytes drawn = world::pixels(larger);
      std::copy_n(drawn.begin() + f * frame, frame, growing.begin() + f * frame);
    }
    EXPECT_NE(growing, real);
    for (const Bytes* rgb : std::initializer_list<const Bytes*>{&real, &growing}) {
      const auto reading = read_clip({*rgb, kShape.frames, kShape.height, kShape.width, kShape.fps});
      ASSERT_TRUE(reading.ok());
      const Amounts amounts = measure(*reading, item.promise);
      const auto& sizes = amounts[static_cast<std::size_t>(Quantity::kSizeDrift)];
      ASSERT_EQ(sizes.size(), 1U);
      (rgb == &real ? still : grown) += sizes[0] / 6;
      std::printf("%d %g %d %d\n", rgb == &real, sizes[0], (int)reading->tracks.things.size(),
                  (int)reading->tracks.things[0].sightings.size());
      for (auto& s : reading->tracks.things[0].sightings)
        if (s.fitted) std::printf("%g ", s.diameters[(int)reading->tracks.things[0].shape]);
      puts("");
      if (rgb == &real) colour += amounts[static_cast<std::size_t>(Quantity::kColourDrift)].at(0) / 6;
    }
  }
  EXPECT_LT(still, 0.005);
  EXPECT_LT(colour, 0.005);
  // Outlines are fitted in every other frame: the first quarter are the first two, the last are 13 and 15.
  EXPECT_NEAR(grown, size_at(14) / (0.5 * (size_at(0) + size_at(1))) - 1, 0.02);
}

TEST(EvaluationSplits, DriftOfKnownTracks) {
  Track track;
  track.shape = world::Shape::kBox;
  for (int f = 0; f < 8; ++f) {
    Sighting s;
    s.fitted = true;
    s.diameters[static_cast<std::size_t>(world::Shape::kBox)] = f < 4 ? 2.0 : 1.9;
    s.paint = f < 4 ? Paint{200, 40, 40} : Paint{200 - 51, 40, 40};
    track.sightings.push_back(s);
  }
  const auto ends = ends_of(track);
  ASSERT_TRUE(ends);
  const Drift drift = drift_between(ends->first, ends->last);
  EXPECT_NEAR(drift.size, 0.05, 1e-12);
  EXPECT_NEAR(drift.colour, 0.2, 1e-12);
  track.sightings.resize(3);
  EXPECT_FALSE(ends_of(track));
}

TEST(EvaluationSplits, DifferencesAndRatiosOfKnownShares) {
  std::vector<Sum> good;
  std::vector<Sum> poor;
  for (int i = 0; i < 40; ++i) {
    good.push_back({i % 4 == 0 ? 0.0 : 2.0, 2.0});
    poor.push_back({i % 4 == 0 ? 0.0 : 1.0, 2.0});
  }
  // Where both fail together their ratio does not waver.
  const Mean ratio = ratio_of(poor, good);
  EXPECT_DOUBLE_EQ(ratio.value, 0.5);
  EXPECT_DOUBLE_EQ(ratio.low, 0.5);
  EXPECT_DOUBLE_EQ(ratio.high, 0.5);
  EXPECT_EQ(ratio.count, 80U);
  const Mean difference = difference_of(good, poor);
  EXPECT_DOUBLE_EQ(difference.value, 0.375);
  // Standard errors of 0.068 and 0.034.
  EXPECT_NEAR(difference.low, 0.375 - 1.96 * 0.076, 0.04);
  EXPECT_NEAR(difference.high, 0.375 + 1.96 * 0.076, 0.04);
  EXPECT_EQ(ratio_of(good, std::vector<Sum>(40, Sum{0, 2})).count, 0U);
  EXPECT_EQ(difference_of(good, std::vector<Sum>(40)).count, 0U);
  EXPECT_EQ(difference_of({}, poor).count, 0U);
}

}  // namespace
}  // namespace starling::train::evaluation
