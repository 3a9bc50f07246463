#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "train/evaluation/evaluation.h"

namespace starling::train::evaluation {

namespace {

constexpr std::array<std::string_view, world::kLanguages> kLanguageNames = {"English", "simplified Chinese",
                                                                            "traditional Chinese"};

// A column's counts of the clips that are wanted, and for each such clip all that was judged: of the floor, whose
// clips come again and again, in all their places together.
struct Chosen {
  std::vector<Counts> counts;
  std::vector<Sum> sums;
};

template <typename Wanted>
Chosen choose(const Column& column, std::size_t clips, const Wanted& wanted) {
  Chosen chosen;
  std::vector<Sum> sums(clips);
  for (std::size_t i = 0; i < column.counts.size(); ++i) {
    if (!wanted(i % clips)) continue;
    chosen.counts.push_back(column.counts[i]);
    const Sum one = sum_of(column.counts[i]);
    sums[i % clips].sum += one.sum;
    sums[i % clips].count += one.count;
  }
  chosen.sums = std::move(sums);
  return chosen;
}

template <typename Wanted>
Group group_of(const Report& report, std::string name, std::size_t clips, const Wanted& wanted) {
  Group group;
  group.name = std::move(name);
  for (std::size_t i = 0; i < clips; ++i) group.clips += wanted(i) ? 1 : 0;
  for (const Column& column : report.columns) {
    const Chosen chosen = choose(column, clips, wanted);
    group.columns.push_back({tally(chosen.counts), mean_of(chosen.sums)});
  }
  return group;
}

std::vector<Sum> sums_of(const Column& column, std::size_t measure) {
  std::vector<Sum> sums;
  for (const Counts& counts : column.counts)
    sums.push_back(measure < kMeasures ? sum_of(counts[measure]) : sum_of(counts));
  return sums;
}

// Calls set(measure, where the result goes) for each measure and, as the one after the last, for all together.
template <typename Set>
Comparison compare(std::string name, Comparison::Kind kind, const Set& set) {
  Comparison comparison;
  comparison.name = std::move(name);
  comparison.kind = kind;
  for (std::size_t m = 0; m < kMeasures; ++m) comparison.measures[m] = set(m);
  comparison.overall = set(kMeasures);
  return comparison;
}

Comparison by(const Column& column, const Column& other) {
  return compare(column.name + " by " + other.name, Comparison::Kind::kRatio,
                 [&](std::size_t measure) { return ratio_of(sums_of(column, measure), sums_of(other, measure)); });
}

Comparison chinese_less_english(const Column& column, const std::vector<world::Language>& languages) {
  return compare(column.name + ": Chinese less English", Comparison::Kind::kDifference, [&](std::size_t measure) {
    const std::vector<Sum> sums = sums_of(column, measure);
    std::vector<Sum> chinese;
    std::vector<Sum> english;
    for (std::size_t i = 0; i < sums.size(); ++i) {
      (languages[i] == world::Language::kEnglish ? english : chinese).push_back(sums[i]);
    }
    return difference_of(chinese, english);
  });
}

}  // namespace

void split_and_compare(Report& report, const std::vector<Source>& sources,
                       const std::vector<world::Language>& languages, const std::vector<world::Plot>& plots) {
  const std::size_t clips = languages.size();
  Grouping language{"language", {}};
  for (std::size_t l = 0; l < world::kLanguages; ++l) {
    const auto is = [&](std::size_t clip) { return languages[clip] == static_cast<world::Language>(l); };
    Group group = group_of(report, std::string(kLanguageNames[l]), clips, is);
    if (group.clips > 0) language.groups.push_back(std::move(group));
  }
  Grouping plot{"plot", {}};
  for (std::size_t p = 0; p < world::kPlots; ++p) {
    const auto is = [&](std::size_t clip) { return plots[clip] == static_cast<world::Plot>(p); };
    Group group = group_of(report, std::string(name(static_cast<world::Plot>(p))), clips, is);
    if (group.clips > 0) plot.groups.push_back(std::move(group));
  }
  report.splits = {std::move(language), std::move(plot)};
  for (std::size_t s = 0; s < sources.size(); ++s) {
    const Column& column = report.columns[s];
    report.comparisons.push_back(by(column, report.ceiling()));
    for (std::size_t r = 0; r < s; ++r) {
      if (sources[r].name == sources[s].rival) report.comparisons.push_back(by(column, report.columns[r]));
    }
    if (sources[s].seeded) report.comparisons.push_back(chinese_less_english(column, languages));
  }
  report.comparisons.push_back(chinese_less_english(report.ceiling(), languages));
}

}  // namespace starling::train::evaluation
