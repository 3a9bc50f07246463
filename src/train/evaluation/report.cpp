#include <algorithm>
#include <array>
#include <cstdio>

#include "train/evaluation/evaluation.h"

namespace starling::train::evaluation {

namespace {

using base::Json;

constexpr std::size_t kNameWidth = 20;
constexpr std::size_t kWidth = 23;
constexpr std::size_t kCompared = 32;

std::string percent(double share) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "%.1f", 100.0 * share);
  return text.data();
}

std::string cell(const generate::Score& score) {
  if (score.count == 0) return "-";
  return percent(score.value) + " (" + percent(score.low) + "-" + percent(score.high) + ")";
}

// In per cent what is a share, else in metres or steps.
bool is_share(Quantity quantity) {
  return quantity == Quantity::kGravityError || quantity == Quantity::kSizeDrift || quantity == Quantity::kColourDrift;
}

std::string cell(Quantity quantity, const Mean& mean) {
  if (mean.count == 0) return "-";
  const double factor = is_share(quantity) ? 100.0 : 1.0;
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.2f (%.2f-%.2f)", factor * mean.value, factor * mean.low,
                factor * mean.high);
  return text.data();
}

Json mean_json(const Mean& mean) {
  const auto number = [&](double value) { return mean.count == 0 ? Json() : Json(value); };
  Json json = Json::empty_object();
  json.set("value", number(mean.value)).set("low", number(mean.low)).set("high", number(mean.high));
  json.set("count", mean.count);
  return json;
}

Json splits_json(const Report& report) {
  Json splits = Json::empty_object();
  for (const Grouping& split : report.splits) {
    Json groups = Json::empty_object();
    for (const Group& group : split.groups) {
      Json columns = Json::empty_object();
      for (std::size_t c = 0; c < group.columns.size(); ++c) {
        Json cells = Json::empty_object();
        cells.set("overall", mean_json(group.columns[c].overall));
        for (std::size_t m = 0; m < kMeasures; ++m) {
          const generate::Score& score = group.columns[c].scores[m];
          cells.set(name(static_cast<Measure>(m)), mean_json({score.value, score.low, score.high, score.count}));
        }
        columns.set(report.columns[c].name, std::move(cells));
      }
      Json one = Json::empty_object();
      one.set("clips", group.clips).set("columns", std::move(columns));
      groups.set(group.name, std::move(one));
    }
    splits.set(split.name, std::move(groups));
  }
  return splits;
}

Json comparisons_json(const Report& report) {
  Json comparisons = Json::empty_object();
  for (const Comparison& comparison : report.comparisons) {
    Json one = Json::empty_object();
    one.set("kind", comparison.kind == Comparison::Kind::kRatio ? "ratio" : "difference");
    one.set("overall", mean_json(comparison.overall));
    for (std::size_t m = 0; m < kMeasures; ++m) {
      one.set(name(static_cast<Measure>(m)), mean_json(comparison.measures[m]));
    }
    comparisons.set(comparison.name, std::move(one));
  }
  return comparisons;
}

std::string cell(const Mean& share) {
  if (share.count == 0) return "-";
  return percent(share.value) + " (" + percent(share.low) + " to " + percent(share.high) + ")";
}

std::string padded(const std::string& text, std::size_t width) {
  return text + std::string(text.size() + 2 < width ? width - text.size() : 2, ' ');
}

// What was right of all that was judged: a row for each group, a column for each source.
std::string splits_table(const Report& report) {
  std::string text;
  for (const Grouping& split : report.splits) {
    text += "\n" + padded("by " + split.name, kNameWidth);
    for (const Column& column : report.columns) text += padded(column.name, kWidth);
    text += "  clips\n";
    for (const Group& group : split.groups) {
      text += padded(group.name, kNameWidth);
      for (const Group::Cell& one : group.columns) text += padded(cell(one.overall), kWidth);
      text += "  " + std::to_string(group.clips) + "\n";
    }
  }
  return text;
}

std::string comparisons_table(const Report& report) {
  std::string text = "\n" + padded("", kNameWidth);
  for (const Comparison& comparison : report.comparisons) text += padded(comparison.name, kCompared);
  text += "\n";
  for (std::size_t m = 0; m <= kMeasures; ++m) {
    text += padded(m < kMeasures ? std::string(name(static_cast<Measure>(m))) : "overall", kNameWidth);
    for (const Comparison& comparison : report.comparisons) {
      text += padded(cell(m < kMeasures ? comparison.measures[m] : comparison.overall), kCompared);
    }
    text += "\n";
  }
  return text;
}

}  // namespace

Json report_json(const Report& report) {
  Json scores = Json::empty_object();
  for (std::size_t m = 0; m < kMeasures; ++m) {
    Json columns = Json::empty_object();
    for (const Column& column : report.columns) {
      const generate::Score& score = column.scores[m];
      const auto number = [&](double value) { return score.count == 0 ? Json() : Json(value); };
      Json one = Json::empty_object();
      one.set("value", number(score.value)).set("low", number(score.low)).set("high", number(score.high));
      one.set("right", score.successes).set("count", score.count);
      columns.set(column.name, std::move(one));
    }
    scores.set(name(static_cast<Measure>(m)), std::move(columns));
  }
  Json means = Json::empty_object();
  for (std::size_t q = 0; q < kQuantities; ++q) {
    Json columns = Json::empty_object();
    for (const Column& column : report.columns) {
      columns.set(column.name, mean_json(column.means[q]));
    }
    means.set(name(static_cast<Quantity>(q)), std::move(columns));
  }
  Json json = Json::empty_object();
  const ClipShape& shape = report.options.shape;
  json.set("world", 2).set("clips", report.options.clips).set("seed", report.options.seed);
  json.set("width", shape.width).set("height", shape.height).set("frames", shape.frames);
  json.set("scores", std::move(scores)).set("means", std::move(means));
  json.set("splits", splits_json(report)).set("comparisons", comparisons_json(report));
  return json;
}

std::string report_table(const Report& report) {
  std::string text = padded("", kNameWidth);
  for (const Column& column : report.columns) text += padded(column.name, kWidth);
  text += "  judged\n";
  for (std::size_t m = 0; m < kMeasures; ++m) {
    text += padded(std::string(name(static_cast<Measure>(m))), kNameWidth);
    for (const Column& column : report.columns) text += padded(cell(column.scores[m]), kWidth);
    text += "  " + std::to_string(report.ceiling().scores[m].count) + "\n";
  }
  text += "\n";
  for (std::size_t q = 0; q < kQuantities; ++q) {
    const auto quantity = static_cast<Quantity>(q);
    text += padded(std::string(name(quantity)) + (is_share(quantity) ? ", %" : ""), kNameWidth);
    for (const Column& column : report.columns) text += padded(cell(quantity, column.means[q]), kWidth);
    text += "  " + std::to_string(report.ceiling().means[q].count) + "\n";
  }
  text += splits_table(report) + comparisons_table(report);
  text +=
      "Per cent, with 95 % intervals (Wilson; means by the bootstrap); floor: against other clips' captions; ceiling: "
      "clips of the world.";
  return text;
}

}  // namespace starling::train::evaluation
