#include <algorithm>
#include <array>
#include <cstdio>

#include "train/evaluation/evaluation.h"

namespace starling::train::evaluation {

namespace {

using base::Json;

constexpr std::size_t kNameWidth = 10;

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
bool is_share(Quantity quantity) { return quantity == Quantity::kGravityError || quantity == Quantity::kSizeDrift; }

std::string cell(Quantity quantity, const Mean& mean) {
  if (mean.count == 0) return "-";
  const double factor = is_share(quantity) ? 100.0 : 1.0;
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.2f (%.2f-%.2f)", factor * mean.value, factor * mean.low,
                factor * mean.high);
  return text.data();
}

std::string padded(const std::string& text, std::size_t width) {
  return text + std::string(text.size() + 2 < width ? width - text.size() : 2, ' ');
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
      const Mean& mean = column.means[q];
      const auto number = [&](double value) { return mean.count == 0 ? Json() : Json(value); };
      Json one = Json::empty_object();
      one.set("value", number(mean.value)).set("low", number(mean.low)).set("high", number(mean.high));
      one.set("count", mean.count);
      columns.set(column.name, std::move(one));
    }
    means.set(name(static_cast<Quantity>(q)), std::move(columns));
  }
  Json json = Json::empty_object();
  const ClipShape& shape = report.options.shape;
  json.set("world", 2).set("clips", report.options.clips).set("seed", report.options.seed);
  json.set("width", shape.width).set("height", shape.height).set("frames", shape.frames);
  json.set("scores", std::move(scores)).set("means", std::move(means));
  return json;
}

std::string report_table(const Report& report) {
  constexpr std::size_t kWidth = 21;
  std::string text = padded("", 2 * kNameWidth);
  for (const Column& column : report.columns) text += padded(column.name, kWidth);
  text += "  judged\n";
  for (std::size_t m = 0; m < kMeasures; ++m) {
    text += padded(std::string(name(static_cast<Measure>(m))), 2 * kNameWidth);
    for (const Column& column : report.columns) text += padded(cell(column.scores[m]), kWidth);
    text += "  " + std::to_string(report.ceiling().scores[m].count) + "\n";
  }
  text += "\n";
  for (std::size_t q = 0; q < kQuantities; ++q) {
    const auto quantity = static_cast<Quantity>(q);
    text += padded(std::string(name(quantity)) + (is_share(quantity) ? ", %" : ""), 2 * kNameWidth);
    for (const Column& column : report.columns) text += padded(cell(quantity, column.means[q]), kWidth);
    text += "  " + std::to_string(report.ceiling().means[q].count) + "\n";
  }
  text +=
      "Per cent, with 95 % intervals (Wilson; means by the bootstrap); floor: against other clips' captions; ceiling: "
      "clips of the world.";
  return text;
}

}  // namespace starling::train::evaluation
