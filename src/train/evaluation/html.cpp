#include "train/evaluation/html.h"

#include <algorithm>
#include <array>
#include <cstdio>

namespace starling::train::evaluation {

namespace {

constexpr std::string_view kHead = R"(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; media-src data:; style-src 'unsafe-inline'">
<title>Evaluation</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 68rem; padding: 0 1rem; color: #222; }
table { border-collapse: collapse; }
th, td { padding: .2rem .8rem; text-align: right; border-bottom: 1px solid #ddd; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
td small { color: #666; }
section { border-top: 1px solid #ddd; margin-top: 1rem; padding-top: .6rem; }
section p { margin: 0 0 .4rem; }
.videos { display: flex; flex-wrap: wrap; gap: 1rem; }
figure { margin: 0; width: 192px; }
video { width: 192px; image-rendering: pixelated; background: #eee; }
figcaption { font-size: .85rem; color: #444; }
.wrong { color: #a40000; }
</style>
</head>
<body>
)";

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

// RFC 4648, section 4.
std::string base64(base::ByteView bytes) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      group = group << 8U | (i + j < bytes.size() ? static_cast<std::uint32_t>(bytes[i + j]) : 0U);
    }
    for (std::size_t j = 0; j < 4; ++j) {
      out += j <= bytes.size() - i ? kDigits[group >> (18 - 6 * j) & 63U] : '=';
    }
  }
  return out;
}

std::string number(double value, int decimals) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.*f", decimals, value);
  return text.data();
}

std::string cell(double value, double low, double high, std::size_t count, double factor, int decimals) {
  if (count == 0) return "<td>–</td>";
  std::string text = "<td>" + number(factor * value, decimals);
  text += " <small>" + number(factor * low, decimals) + "–" + number(factor * high, decimals) + "</small></td>";
  return text;
}

std::string table(const Report& report) {
  std::string text = "<table>\n<tr><th>score, %</th>";
  for (const Column& column : report.columns) text += "<th>" + escaped(column.name) + "</th>";
  text += "<th>judged</th></tr>\n";
  for (std::size_t m = 0; m < kMeasures; ++m) {
    text += "<tr><td>" + std::string(name(static_cast<Measure>(m))) + "</td>";
    for (const Column& column : report.columns) {
      const generate::Score& score = column.scores[m];
      text += cell(score.value, score.low, score.high, score.count, 100, 1);
    }
    text += "<td>" + std::to_string(report.ceiling().scores[m].count) + "</td></tr>\n";
  }
  text += "<tr><th>mean</th></tr>\n";
  for (std::size_t q = 0; q < kQuantities; ++q) {
    text += "<tr><td>" + std::string(name(static_cast<Quantity>(q))) + "</td>";
    for (const Column& column : report.columns) {
      const Mean& mean = column.means[q];
      text += cell(mean.value, mean.low, mean.high, mean.count, 1, 3);
    }
    text += "<td>" + std::to_string(report.ceiling().means[q].count) + "</td></tr>\n";
  }
  return text + "</table>\n";
}

std::string share(const Mean& mean) { return cell(mean.value, mean.low, mean.high, mean.count, 100, 1); }

std::string splits(const Report& report) {
  std::string text;
  for (const Grouping& split : report.splits) {
    text += "<h2>By " + split.name + "</h2>\n<table>\n<tr><th>right of all judged, %</th>";
    for (const Column& column : report.columns) text += "<th>" + escaped(column.name) + "</th>";
    text += "<th>clips</th></tr>\n";
    for (const Group& group : split.groups) {
      text += "<tr><td>" + escaped(group.name) + "</td>";
      for (const Group::Cell& one : group.columns) text += share(one.overall);
      text += "<td>" + std::to_string(group.clips) + "</td></tr>\n";
    }
    text += "</table>\n";
  }
  return text;
}

std::string comparisons(const Report& report) {
  if (report.comparisons.empty()) return "";
  std::string text = "<h2>Compared</h2>\n<table>\n<tr><th>%</th>";
  for (const Comparison& comparison : report.comparisons) text += "<th>" + escaped(comparison.name) + "</th>";
  text += "</tr>\n";
  for (std::size_t m = 0; m <= kMeasures; ++m) {
    text += "<tr><td>" + (m < kMeasures ? std::string(name(static_cast<Measure>(m))) : "overall") + "</td>";
    for (const Comparison& comparison : report.comparisons) {
      text += share(m < kMeasures ? comparison.measures[m] : comparison.overall);
    }
    text += "</tr>\n";
  }
  return text + "</table>\n";
}

// What a column's video was judged wrong in.
std::string verdict(const Report& report, std::string_view column, std::size_t clip) {
  const auto found =
      std::find_if(report.columns.begin(), report.columns.end(), [&](const Column& one) { return one.name == column; });
  if (found == report.columns.end() || clip >= found->counts.size()) return "";
  std::string wrong;
  for (std::size_t m = 0; m < kMeasures; ++m) {
    const Count& count = found->counts[clip][m];
    if (count.right == count.judged) continue;
    if (!wrong.empty()) wrong += ", ";
    wrong += name(static_cast<Measure>(m));
  }
  return wrong.empty() ? "all right" : "<span class=\"wrong\">wrong: " + wrong + "</span>";
}

}  // namespace

std::string report_html(const Report& report, const std::vector<ShownClip>& clips) {
  std::string page(kHead);
  page += "<h1>Evaluation</h1>\n<p>" + std::to_string(report.options.clips) + " clips of the world, " +
          std::to_string(report.options.shape.width) + "×" + std::to_string(report.options.shape.height) + ", " +
          std::to_string(report.options.shape.frames) +
          " frames; 95 % intervals. Floor: against other clips’ captions. " + "Ceiling: clips of the world.</p>\n";
  page += table(report) + splits(report) + comparisons(report);
  for (const ShownClip& clip : clips) {
    page += "<section>\n<p>" + escaped(clip.caption) + "</p>\n<div class=\"videos\">\n";
    for (const ShownClip::Video& video : clip.videos) {
      page += "<figure><video autoplay loop muted playsinline controls src=\"data:video/mp4;base64,";
      page += base64(video.mp4) + "\"></video><figcaption>" + escaped(video.column) + ": ";
      page += verdict(report, video.column, clip.number) + "</figcaption></figure>\n";
    }
    page += "</div>\n</section>\n";
  }
  return page + "</body>\n</html>\n";
}

}  // namespace starling::train::evaluation
