#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/thread_pool.h"
#include "train/evaluation/judge.h"
#include "train/world/take.h"

namespace starling::train::evaluation {

// A clip of the world, its caption, and what a video is made from it with.
struct Item {
  world::Take take;
  world::Language language = world::Language::kEnglish;
  std::string caption;
  Promise promise;
  std::uint64_t seed = 0;  // for the noise a video is made from
};

struct Options {
  std::size_t clips = 100;
  ClipShape shape;
  Split split = Split::kHeldOut;  // compositions that no training shows
  std::uint64_t seed = 0;
  std::optional<world::Plot> plot;  // any, if not given
  bool diversity = false;           // seeded sources make a second video of each caption
  // Whether a model reads all of a caption; others are told otherwise, then in English, and at last
  // passed over.
  std::function<bool(const std::string& caption)> fits;
};

// A pure function of options and number, apart from what training draws. Of six captions four are English, one is in
// simplified and one in traditional characters. Precondition: check(options.shape) held.
Item draw_item(const Options& options, std::size_t number);

// A way of making videos: gives shape.frames × height × width × 3 bytes, RGB.
struct Source {
  std::string name;
  std::function<base::Result<std::vector<std::uint8_t>>(const Item&, const std::vector<std::uint8_t>& real)> make;
  bool seeded = false;      // another Item::seed gives another video
  bool shows_real = false;  // it gives the real clip again, as an autoencoder does
  std::string rival = {};   // the name of a source before this, whose shares this one's are compared with
};

// A column of the table: how one source's videos were judged.
struct Column {
  std::string name;
  std::vector<Counts> counts;  // by clip; of the floor clip by clip for each caption of another
  std::vector<Amounts> amounts;
  Scores scores;
  Means means;
  double squared_error = 0;  // mean, of a channel of 0 to 255, against the real clip
};

// How the videos of some clips were judged: those whose captions are of one language, or that are of one plot.
struct Group {
  std::string name;
  std::size_t clips = 0;
  struct Cell {
    Scores scores;
    Mean overall;  // the share that is right of all that was judged
  };
  std::vector<Cell> columns;  // as the report's
};
struct Grouping {
  std::string name;  // "language" or "plot"
  std::vector<Group> groups;
};

// One column's shares by or less another's, for each measure and for all that was judged.
struct Comparison {
  enum class Kind : std::uint8_t { kRatio, kDifference };
  std::string name;  // as "model by ceiling", "model: Chinese less English"
  Kind kind = Kind::kRatio;
  std::array<Mean, kMeasures> measures;
  Mean overall;
};

// Columns in the order of the sources, then "floor", the first of the sources against other clips' captions, and
// "ceiling", the real clips; without sources the floor is of real clips.
struct Report {
  Options options;
  std::vector<Column> columns;
  std::vector<Grouping> splits;
  std::vector<Comparison> comparisons;

  const Column& floor() const { return columns[columns.size() - 2]; }
  const Column& ceiling() const { return columns.back(); }
};

// What is told while it goes on; an error stops it. Either may be empty.
struct Listener {
  std::function<base::Status(std::size_t)> progress;  // how many items are done
  // An item, its real clip and its videos by source.
  std::function<base::Status(std::size_t number, const Item& item, const std::vector<std::uint8_t>& real,
                             const std::vector<std::vector<std::uint8_t>>& made)>
      videos;
};

// The threads of the pool
// draw and read; sources are called one at a time, item by item.
base::Result<Report> evaluate(const Options& options, const std::vector<Source>& sources, base::ThreadPool& pool,
                              const Listener& listener = {});

// The report's splits and comparisons, from its columns, which are of these sources. languages and plots: of the clips.
void split_and_compare(Report& report, const std::vector<Source>& sources,
                       const std::vector<world::Language>& languages, const std::vector<world::Plot>& plots);

// {"clips", "scores": {MEASURE: {COLUMN: {"value", "low", "high", "right", "count"}}}, "means":
// {QUANTITY: {COLUMN: {"value", "low", "high", "count"}}}, "splits": {SPLIT: {GROUP: {"clips", "columns": {COLUMN:
// {"overall", MEASURE: {"value", "low", "high", "count"}}}}}}, "comparisons": {NAME: {"kind": "ratio" or "difference",
// "overall", MEASURE: ...}}}; the numbers of what was never judged are null.
base::Json report_json(const Report& report);
// Lines of text: a row for each measure, a column for each source.
std::string report_table(const Report& report);

}  // namespace starling::train::evaluation
