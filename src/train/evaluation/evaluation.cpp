#include "train/evaluation/evaluation.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

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

// What is kept of an item until all are there.
struct Kept {
  Promise promise;
  Reading real;
  std::vector<Reading> made;                     // by source
  std::vector<std::optional<double>> diversity;  // by source, and last of real clips
};

struct Drawn {
  std::optional<Item> item;
  std::vector<std::uint8_t> rgb;
  std::optional<Reading> reading;
};

void add(Column& column, const Reading& reading, const Promise& promise, std::optional<double> diversity = {}) {
  column.counts.push_back(judge(reading, promise));
  column.amounts.push_back(measure(reading, promise));
  if (diversity) column.amounts.back()[static_cast<std::size_t>(Quantity::kDiversity)].push_back(*diversity);
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
  std::vector<double> errors(sources.size(), 0.0);
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
      Kept one{drawn[i].item->promise, std::move(*drawn[i].reading), {}, {}};
      std::vector<std::vector<std::uint8_t>> videos;
      for (std::size_t s = 0; s < sources.size(); ++s) {
        STARLING_ASSIGN(auto made, sources[s].make(*drawn[i].item, drawn[i].rgb));
        STARLING_ASSIGN(Reading reading, read_clip(view(made, options.shape)));
        one.made.push_back(std::move(reading));
        errors[s] += mean_squared_error(made, drawn[i].rgb) / static_cast<double>(options.clips);
        std::optional<double> diversity;
        if (options.diversity && sources[s].seeded) {
          Item again = *drawn[i].item;
          ++again.seed;
          STARLING_ASSIGN(const auto other, sources[s].make(again, drawn[i].rgb));
          diversity = std::sqrt(mean_squared_error(other, made));
        }
        one.diversity.push_back(diversity);
        videos.push_back(std::move(made));
      }
      if (listener.videos) STARLING_TRY(listener.videos(first + i, *drawn[i].item, drawn[i].rgb, videos));
      one.diversity.emplace_back();
      if (options.diversity && !other_clip.empty()) {
        one.diversity.back() = std::sqrt(mean_squared_error(drawn[i].rgb, other_clip));
      }
      other_clip = std::move(drawn[i].rgb);
      kept.push_back(std::move(one));
      if (listener.progress) STARLING_TRY(listener.progress(first + i + 1));
    }
  }
  for (std::size_t s = 0; s < sources.size(); ++s) {
    Column column;
    column.name = sources[s].name;
    column.squared_error = errors[s];
    for (const Kept& one : kept) add(column, one.made[s], one.promise, one.diversity[s]);
    report.columns.push_back(std::move(column));
  }
  Column floor;
  floor.name = "floor";
  for (std::size_t shift = 1; shift <= kOthers && shift < kept.size(); ++shift) {
    for (std::size_t i = 0; i < kept.size(); ++i) {
      const Reading& reading = sources.empty() ? kept[i].real : kept[i].made[0];
      add(floor, reading, kept[(i + shift) % kept.size()].promise);
    }
  }
  report.columns.push_back(std::move(floor));
  Column ceiling;
  ceiling.name = "ceiling";
  for (const Kept& one : kept) add(ceiling, one.real, one.promise, one.diversity.back());
  report.columns.push_back(std::move(ceiling));
  for (Column& column : report.columns) sum_up(column);
  return report;
}

}  // namespace starling::train::evaluation
