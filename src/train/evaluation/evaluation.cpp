#include "train/evaluation/evaluation.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "train/evaluation/drift.h"
#include "train/world/random.h"

namespace starling::train::evaluation {

namespace {

// Sets evaluation apart from whoever else draws takes by number.
constexpr std::uint64_t kEvaluationKey = 0x6576616c776f726cU;
// The floor is taken over so many other captions.
constexpr std::size_t kOthers = 8;

ClipView view(const std::vector<std::uint8_t>& rgb, const ClipShape& shape) {
  return {rgb, shape.frames, shape.height, shape.width, shape.fps};
}

double mean_squared_error(const std::vector<std::uint8_t>& ours, const std::vector<std::uint8_t>& real) {
  if (ours.size() != real.size() || real.empty()) return 0;
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < real.size(); ++i) {
    const int d = static_cast<int>(ours[i]) - static_cast<int>(real[i]);
    sum += static_cast<std::uint64_t>(d * d);
  }
  return static_cast<double>(sum) / static_cast<double>(real.size());
}

// Of a mean squared error. Clips that are equal, or almost, count as those of the largest number that means something.
double psnr_db(double squared_error) {
  constexpr double kMost = 100.0;
  constexpr double kPeak = 255.0;
  return squared_error <= 0 ? kMost : std::min(kMost, 10 * std::log10(kPeak * kPeak / squared_error));
}

// What is kept of an item until all are there.
struct Kept {
  Promise promise;
  world::Language language = world::Language::kEnglish;
  world::Plot plot = world::Plot::kSingle;
  Reading real;
  std::vector<Reading> made;                     // by source
  std::vector<double> errors;                    // mean squared, by source
  std::vector<std::optional<double>> diversity;  // by source
  std::optional<double> other_error;             // against the real clip before
};

struct Drawn {
  std::optional<Item> item;
  std::vector<std::uint8_t> rgb;
  std::optional<Reading> reading;
};

std::vector<double>& of(Amounts& amounts, Quantity quantity) { return amounts[static_cast<std::size_t>(quantity)]; }

void add(Column& column, const Reading& reading, const Promise& promise) {
  column.counts.push_back(judge(reading, promise));
  column.amounts.push_back(measure(reading, promise));
}

// Of the floor: a video against another clip's caption, and its things against those of that clip's video. What depends
// on neither is left out.
void add_shuffled(Column& column, const Reading& reading, const Reading& other, const Promise& promise) {
  add(column, reading, promise);
  Amounts& amounts = column.amounts.back();
  for (const Quantity quantity :
       {Quantity::kSizeDrift, Quantity::kColourDrift, Quantity::kFallResidual, Quantity::kFlicker}) {
    of(amounts, quantity).clear();
  }
  const std::size_t things = std::min(reading.tracks.things.size(), other.tracks.things.size());
  for (std::size_t i = 0; i < things; ++i) {
    const auto ends = ends_of(reading.tracks.things[i]);
    const auto others = ends_of(other.tracks.things[i]);
    if (!ends || !others) continue;
    const Drift drift = drift_between(ends->first, others->last);
    of(amounts, Quantity::kSizeDrift).push_back(drift.size);
    of(amounts, Quantity::kColourDrift).push_back(drift.colour);
  }
}

// The first of the sources, or real clips, against other clips' captions.
Column floor_of(const std::vector<Kept>& kept, const std::vector<Source>& sources, const Options& options) {
  Column floor;
  floor.name = "floor";
  const auto reading = [&](std::size_t i) -> const Reading& {
    return sources.empty() ? kept[i].real : kept[i].made[0];
  };
  for (std::size_t shift = 1; shift <= kOthers && shift < kept.size(); ++shift) {
    for (std::size_t i = 0; i < kept.size(); ++i) {
      const std::size_t other = (i + shift) % kept.size();
      add_shuffled(floor, reading(i), reading(other), kept[other].promise);
    }
  }
  const auto again = std::find_if(sources.begin(), sources.end(), [](const Source& one) { return one.shows_real; });
  if (again == sources.end()) return floor;
  const auto source = static_cast<std::size_t>(again - sources.begin());
  for (std::size_t i = 0; i < kept.size() && i < floor.amounts.size(); ++i) {
    Amounts& amounts = floor.amounts[i];
    if (options.diversity) of(amounts, Quantity::kDiversity).push_back(std::sqrt(kept[i].errors[source]));
    if (kept[i].other_error) of(amounts, Quantity::kLikeness).push_back(psnr_db(*kept[i].other_error));
  }
  return floor;
}

void sum_up(Column& column) {
  column.scores = tally(column.counts);
  column.means = average(column.amounts);
}

}  // namespace

namespace {

// Looks for a caption that fits; false if there is none.
bool tell(Item& item, const Options& options, std::uint64_t key) {
  constexpr std::uint64_t kTellings = 16;
  for (std::uint64_t i = 0; i < kTellings; ++i) {
    item.caption = world::caption(item.take.scenario, item.language, derive(key, i), item.promise.said);
    if (!options.fits || options.fits(item.caption)) return true;
  }
  return false;
}

}  // namespace

Item draw_item(const Options& options, std::size_t number) {
  world::TakeOptions take;
  take.shape = options.shape;
  take.split = options.split;
  take.plot = options.plot;
  constexpr std::uint64_t kTakes = 64;
  for (std::uint64_t attempt = 0;; ++attempt) {
    const std::uint64_t key = derive(derive(derive(kEvaluationKey, options.seed), number), attempt);
    Item item{world::take(key, take), world::Language::kEnglish, {}, {}, 0};
    item.promise.scenario = item.take.scenario;
    item.seed = derive(key, 3) >> 32U;
    // A model that does not read Chinese is told in English, and what it cannot read at all is passed over.
    if (number % 6 == 2) item.language = world::Language::kSimplified;
    if (number % 6 == 5) item.language = world::Language::kTraditional;
    if (tell(item, options, derive(key, 2))) return item;
    item.language = world::Language::kEnglish;
    if (tell(item, options, derive(key, 4)) || attempt == kTakes) return item;
  }
}

base::Result<Report> evaluate(const Options& options, const std::vector<Source>& sources, base::ThreadPool& pool,
                              const Listener& listener) {
  STARLING_TRY(world::check(options.shape));
  Report report;
  report.options = options;
  std::vector<Kept> kept;
  std::vector<std::uint8_t> other_clip;  // the real one before
  // A few at a time, so that what is drawn need not be kept.
  const auto batch = std::size_t{4} * static_cast<std::size_t>(pool.threads());
  for (std::size_t first = 0; first < options.clips; first += batch) {
    const std::size_t count = std::min(batch, options.clips - first);
    std::vector<Drawn> drawn(count);
    pool.run(count, 1, [&](std::size_t begin, std::size_t end, int) {
      for (std::size_t i = begin; i < end; ++i) {
        drawn[i].item = draw_item(options, first + i);
        drawn[i].rgb = world::pixels(drawn[i].item->take);
        auto reading = read_clip(view(drawn[i].rgb, options.shape));
        if (reading.ok()) drawn[i].reading = std::move(*reading);
      }
    });
    for (std::size_t i = 0; i < count; ++i) {
      if (!drawn[i].reading) return base::internal_error("a clip of the world could not be read");
      const Item& item = *drawn[i].item;
      Kept one{item.promise, item.language, item.take.plot, std::move(*drawn[i].reading), {}, {}, {}, {}};
      std::vector<std::vector<std::uint8_t>> videos;
      for (std::size_t s = 0; s < sources.size(); ++s) {
        STARLING_ASSIGN(auto made, sources[s].make(item, drawn[i].rgb));
        STARLING_ASSIGN(Reading reading, read_clip(view(made, options.shape)));
        one.made.push_back(std::move(reading));
        one.errors.push_back(mean_squared_error(made, drawn[i].rgb));
        std::optional<double> diversity;
        if (options.diversity && sources[s].seeded) {
          Item again = item;
          ++again.seed;
          STARLING_ASSIGN(const auto other, sources[s].make(again, drawn[i].rgb));
          diversity = std::sqrt(mean_squared_error(other, made));
        }
        one.diversity.push_back(diversity);
        videos.push_back(std::move(made));
      }
      if (listener.videos) STARLING_TRY(listener.videos(first + i, item, drawn[i].rgb, videos));
      if (!other_clip.empty()) one.other_error = mean_squared_error(drawn[i].rgb, other_clip);
      other_clip = std::move(drawn[i].rgb);
      kept.push_back(std::move(one));
      if (listener.progress) STARLING_TRY(listener.progress(first + i + 1));
    }
  }
  for (std::size_t s = 0; s < sources.size(); ++s) {
    Column column;
    column.name = sources[s].name;
    for (const Kept& one : kept) {
      add(column, one.made[s], one.promise);
      column.squared_error += one.errors[s] / static_cast<double>(options.clips);
      Amounts& amounts = column.amounts.back();
      if (one.diversity[s]) of(amounts, Quantity::kDiversity).push_back(*one.diversity[s]);
      if (sources[s].shows_real) of(amounts, Quantity::kLikeness).push_back(psnr_db(one.errors[s]));
    }
    report.columns.push_back(std::move(column));
  }
  report.columns.push_back(floor_of(kept, sources, options));
  Column ceiling;
  ceiling.name = "ceiling";
  for (const Kept& one : kept) {
    add(ceiling, one.real, one.promise);
    if (!options.diversity || !one.other_error) continue;
    of(ceiling.amounts.back(), Quantity::kDiversity).push_back(std::sqrt(*one.other_error));
  }
  report.columns.push_back(std::move(ceiling));
  std::vector<world::Language> languages;
  std::vector<world::Plot> plots;
  for (const Kept& one : kept) {
    languages.push_back(one.language);
    plots.push_back(one.plot);
  }
  for (Column& column : report.columns) sum_up(column);
  split_and_compare(report, sources, languages, plots);
  return report;
}

}  // namespace starling::train::evaluation
