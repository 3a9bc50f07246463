#include "cli/bench_products.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <set>
#include <span>
#include <string_view>
#include <thread>
#include <utility>

#include "base/interrupt.h"
#include "base/memory.h"
#include "base/process.h"
#include "base/thread_pool.h"
#include "cli/bench_clock.h"
#include "cli/output.h"
#include "cli/product_libraries.h"
#include "exact/dot.h"
#include "exact/integer_dot.h"
#include "exact/kernels.h"
#include "exact/peaks.h"

namespace starling::cli {
namespace {

constexpr const char* kFloats = "f32";
constexpr const char* kIntegers = "w8a8 ";  // and the kind
constexpr const char* kLimitOfOneDnn = "ONEDNN_MAX_CPU_ISA";

exact::Axis axis(std::int64_t size, std::ptrdiff_t stride) {
  exact::Axis result;
  result.factors = 1;
  result.size[0] = size;
  result.stride[0] = stride;
  return result;
}

// Memory as the engine's tensors and workspaces have it, in huge pages where the system gives such.
template <typename T>
class Pages {
 public:
  explicit Pages(std::size_t count) : memory_(base::map_memory(count * sizeof(T))), count_(count) {
    if (memory_ == nullptr) throw std::bad_alloc();
  }
  T* data() const { return reinterpret_cast<T*>(memory_.get()); }
  std::span<T> span() const { return {data(), count_}; }

 private:
  std::shared_ptr<std::byte> memory_;
  std::size_t count_;
};

// Numbers that are all exact in f32, and all there are of 8 bits.
template <typename T>
Pages<T> numbers(std::int64_t count, std::uint32_t stream) {
  Pages<T> values(static_cast<std::size_t>(count));
  std::uint32_t state = stream;
  for (T& value : values.span()) {
    state = state * 1664525U + 1013904223U;
    if constexpr (std::is_same_v<T, float>) {
      value = static_cast<float>(state >> 22) * 0x1p-9F - 1.0F;
    } else {
      value = static_cast<T>(state >> 24);
    }
  }
  return values;
}

// The median time of each, in turns, so that slow spells of the machine meet all; the first turn is not counted.
base::Result<std::vector<double>> race(int threads, int rounds, const std::vector<std::function<void()>>& works) {
  constexpr std::chrono::milliseconds kUntilTheySleep{
      40};                         // threads of a library that has just run still look for work
  constexpr double kEnough = 0.3;  // seconds
  constexpr int kMostTurns = 5;
  std::vector<std::vector<double>> seconds(works.size());
  const auto begin = std::chrono::steady_clock::now();
  const auto more = [&](int round) {
    const double spent = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    return round <= rounds || (round <= kMostTurns * rounds && spent < kEnough * static_cast<double>(works.size()));
  };
  for (int round = 0; more(round); ++round) {
    for (std::size_t i = 0; i < works.size(); ++i) {
      STARLING_TRY(base::check_interrupt());
      if (threads > 1) std::this_thread::sleep_for(kUntilTheySleep);
      const double start = bench_clock(threads);
      works[i]();
      if (round > 0) seconds[i].push_back(bench_clock(threads) - start);
    }
  }
  std::vector<double> medians;
  medians.reserve(works.size());
  for (std::vector<double>& times : seconds) medians.push_back(median(std::move(times)));
  return medians;
}

// What is measured of one shape on so many threads.
struct Setting {
  ProductShape shape;
  int threads, rounds;
};

// Ours and the machine's peak beside those libraries, a row for each.
template <typename In, typename Out>
base::Result<std::vector<PeerRow>> rows_of(
    const PeerRow& like, const Setting& setting, std::function<void()> ours, const exact::PeakLoop& peak,
    base::ThreadPool& pool, const std::vector<std::pair<const ProductLibrary*, PeerProduct<In, Out>>>& peers,
    const Pages<In>& a, const Pages<In>& b) {
  const auto& [m, n, k] = setting.shape;
  const Pages<Out> out(static_cast<std::size_t>(m * n));
  const auto at_peak = [&] {
    pool.run(static_cast<std::size_t>(setting.threads), 1, [&](std::size_t begin, std::size_t end, int) {
      for (std::size_t i = begin; i < end; ++i) peak.run();
    });
  };
  std::vector<std::function<void()>> works{std::move(ours), at_peak};
  for (const auto& [library, product] : peers) {
    if (!library->missing.empty()) continue;
    library->set_threads(setting.threads);
    works.emplace_back(
        [&, product = &product, m = m, n = n, k = k] { (*product)(m, n, k, a.data(), b.data(), out.data()); });
  }
  STARLING_ASSIGN(const std::vector<double> seconds, race(setting.threads, setting.rounds, works));
  std::vector<PeerRow> rows;
  std::size_t at = 2;  // the first of the peers
  const double operations = 2.0 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
  for (const auto& [library, product] : peers) {
    PeerRow& row = rows.emplace_back(like);
    row.seconds = seconds[0];
    row.limit_seconds = operations * seconds[1] / (peak.operations * setting.threads);
    row.peer = library->name;
    row.missing = library->missing;
    if (row.missing.empty()) row.peer_seconds = seconds[at++];
  }
  return rows;
}

base::Result<std::vector<PeerRow>> race_floats(const PeerRow& like, const Setting& setting,
                                               const exact::Kernels& kernels,
                                               const std::vector<ProductLibrary>& libraries) {
  const auto& [m, n, k] = setting.shape;
  base::ThreadPool pool(setting.threads);
  const Pages<float> a = numbers<float>(m * k, 0);
  const Pages<float> b = numbers<float>(n * k, 1);
  const Pages<float> out(static_cast<std::size_t>(m * n));
  exact::DotProblem problem{};
  problem.a = {a.data(), {}, axis(m, k), axis(k, 1)};
  problem.b = {b.data(), {}, axis(n, k), axis(k, 1)};
  problem.out = {out.data(), {}, axis(m, n)};
  problem.batch = 1;
  problem.m = m;
  problem.n = n;
  problem.k = k;
  const Pages<std::byte> workspace(kernels.dot_workspace_bytes() * static_cast<std::size_t>(setting.threads));
  const auto ours = [&] { exact::run_dot(kernels, pool, problem, workspace.span()); };
  std::vector<std::pair<const ProductLibrary*, PeerProduct<float, float>>> peers;
  for (const ProductLibrary& library : libraries) peers.emplace_back(&library, library.floats);
  return rows_of<float, float>(like, setting, ours, exact::own_peak(exact::float_peaks(), kernels.name), pool, peers, a,
                               b);
}

base::Result<std::vector<PeerRow>> race_integers(const PeerRow& like, const Setting& setting,
                                                 const exact::IntegerDotKernels& integers,
                                                 const exact::Kernels& kernels, const ProductLibrary& library) {
  const auto& [m, n, k] = setting.shape;
  base::ThreadPool pool(setting.threads);
  const Pages<std::int8_t> a = numbers<std::int8_t>(m * k, 0);
  const Pages<std::int8_t> b = numbers<std::int8_t>(n * k, 1);
  const Pages<float> row_scales = numbers<float>(m, 2);
  const Pages<float> column_scales = numbers<float>(n, 3);
  const Pages<float> bias = numbers<float>(n, 4);
  const Pages<float> out(static_cast<std::size_t>(m * n));
  const auto bytes = [](const Pages<std::int8_t>& from) { return reinterpret_cast<const std::uint8_t*>(from.data()); };
  const exact::IntegerDotProblem problem{
      {bytes(a), {}, axis(m, k), axis(k, 1)}, {bytes(b), {}, axis(n, k), axis(k, 1)}, false, 1, m, n, k};
  const exact::IntegerSplit split = exact::split_integer_dot(integers, 1, m, n, k, false, setting.threads);
  const Pages<std::byte> workspace(split.workspace_bytes * static_cast<std::size_t>(setting.threads));
  const exact::Dequantising by{{}, row_scales.data(), 1, column_scales.data(), bias.data()};
  const auto pitch = static_cast<std::ptrdiff_t>(n);
  const exact::IntegerTarget target{reinterpret_cast<std::byte*>(out.data()), 0,
                                    pitch * static_cast<std::ptrdiff_t>(sizeof(float)), by};
  // Of kinds that do not dequantise themselves.
  const auto dequantise = [&](const exact::IntegerTile& tile) {
    exact::Dequantising part = by;
    part.sums = {tile.data, tile.stride, 1};
    part.row_scale += tile.m0;
    part.column_scale += tile.n0;
    part.bias += tile.n0;
    kernels.dequantise(out.data() + tile.m0 * pitch + tile.n0, pitch, part, static_cast<std::size_t>(tile.rows),
                       static_cast<std::size_t>(tile.columns));
  };
  const auto ours = [&] {
    exact::run_integer_dot(integers, pool, problem, split, workspace.span(), target, dequantise);
  };
  return rows_of<std::int8_t, std::int32_t>(like, setting, ours, exact::own_peak(exact::integer_peaks(), integers.name),
                                            pool, {{&library, library.integers}}, a, b);
}

// Over the shapes, of those rows that have a peer's time: the best one's at each shape.
std::optional<PeerRow> mean_of(const std::vector<PeerRow>& rows, int threads) {
  PeerRow mean;
  std::set<std::string> shapes;
  std::set<std::string> peers;
  double seconds = 0.0;
  double limits = 0.0;
  double others = 0.0;
  for (const PeerRow& row : rows) {
    if (row.threads != threads || row.peer_seconds <= 0.0 || !shapes.insert(row.shape).second) continue;
    double best = row.peer_seconds;
    for (const PeerRow& other : rows) {
      if (other.threads != threads || other.shape != row.shape || other.peer_seconds <= 0.0) continue;
      best = std::min(best, other.peer_seconds);
      peers.insert(other.peer);
    }
    seconds += std::log(row.seconds);
    limits += std::log(row.limit_seconds);
    others += std::log(best);
    mean = row;
  }
  if (shapes.empty()) return {};
  const auto count = static_cast<double>(shapes.size());
  mean.shape = "geometric mean of " + std::to_string(shapes.size());
  mean.seconds = std::exp(seconds / count);
  mean.limit_seconds = std::exp(limits / count);
  mean.peer_seconds = std::exp(others / count);
  if (peers.size() > 1) {
    mean.peer = "the best of";
    for (const std::string& peer : peers) mean.peer += (mean.peer.ends_with("of") ? " " : " and ") + peer;
  }
  constexpr double kOfTiles = 1.5;  // what AMX is meant to be of oneDNN
  mean.target = mean.arithmetic == std::string(kIntegers) + "amx" ? kOfTiles : 1.0;
  return mean;
}

// The rows that are wanted of one arithmetic, before they are measured.
std::vector<PeerRow> wanted_rows(const std::string& arithmetic, const ProductOptions& options) {
  std::vector<PeerRow> rows;
  for (const int threads : options.threads) {
    for (const ProductShape& shape : kProductShapes) {
      PeerRow row;
      row.name = "product";
      row.shape = to_text(shape);
      row.threads = threads;
      row.arithmetic = arithmetic == kFloats ? kFloats : kIntegers + arithmetic;
      if (is_wanted(row, options.only)) rows.push_back(std::move(row));
    }
  }
  return rows;
}

// What oneDNN is told, so that it has the instructions of that kind of product and no better ones; nullptr: nothing.
const char* same_instructions(std::string_view kind) {
  struct Same {
    std::string_view kind;
    const char* instructions;
  };
  constexpr std::array<Same, 5> kSame{{{"amx", "AVX512_CORE_AMX"},
                                       {"avx512-vnni", "AVX512_CORE_VNNI"},
                                       {"avx512", "AVX512_CORE"},
                                       {"avx2-vnni", "AVX2_VNNI"},
                                       {"avx2", "AVX2"}}};
  const auto* found = std::ranges::find(kSame, kind, &Same::kind);
  return found == kSame.end() ? nullptr : found->instructions;
}

// This program again, with one arithmetic.
base::Result<std::vector<PeerRow>> in_a_process(const std::string& arithmetic, const char* instructions,
                                                const ProductOptions& options) {
  STARLING_ASSIGN(const std::filesystem::path program, base::own_program());
  std::vector<std::string> arguments{"/usr/bin/env"};
  if (instructions == nullptr) {
    arguments.insert(arguments.end(), {"-u", kLimitOfOneDnn});
  } else {
    arguments.push_back(std::string(kLimitOfOneDnn) + "=" + instructions);
  }
  arguments.insert(arguments.end(), {program.string(), "bench", "products", "--json", "--arithmetic", arithmetic,
                                     "--threads", std::to_string(options.threads.back()), "--rounds",
                                     std::to_string(options.rounds), "--only", options.only});
  STARLING_ASSIGN(base::ChildProcess child, base::ChildProcess::start(arguments, {.log = "/dev/null"}));
  std::string last;
  for (;;) {
    const base::Result<std::string> line = child.read_line(std::chrono::seconds(1));
    STARLING_TRY(base::check_interrupt());
    if (line.ok()) {
      last = *line;
    } else if (line.error().code != base::ErrorCode::kLimit) {
      break;
    }
  }
  child.wait(std::chrono::minutes(1));
  STARLING_ASSIGN(const base::Json json,
                  base::Json::parse(last, "what measuring products in a process of its own gave"));
  if (const base::Json* error = json.find("error"); error != nullptr) {
    STARLING_ASSIGN(const std::string message, error->text("message"));
    return base::internal_error(message);
  }
  STARLING_ASSIGN(const base::Json* rows, json.array("peers"));
  return peer_rows_of(*rows);
}

base::Result<const exact::Kernels*> wanted_kernels() {
  const char* forced = std::getenv("STARLING_BACKEND");
  const std::string_view name = forced == nullptr ? "" : forced;
  if (name == "reference" || name.starts_with("cuda")) {
    return base::unsupported("products are measured with a CPU's kernels, and STARLING_BACKEND=" + std::string(name) +
                             " has none; unset it, or name a backend of this CPU");
  }
  return exact::choose_kernels(name);
}

}  // namespace

std::string to_text(const ProductShape& shape) {
  return std::to_string(shape.m) + " x " + std::to_string(shape.n) + " x " + std::to_string(shape.k);
}

base::Result<std::vector<PeerRow>> bench_product(const std::string& arithmetic, const ProductOptions& options) {
  STARLING_ASSIGN(const exact::Kernels* kernels, wanted_kernels());
  const bool floats = arithmetic == kFloats;
  const exact::IntegerDotKernels* integers = nullptr;
  std::string names = kFloats;
  for (const exact::IntegerDotKernels* kind : exact::available_integer_dots()) {
    if (arithmetic == kind->name) integers = kind;
    names += std::string(", ") + kind->name;
  }
  if (!floats && integers == nullptr) {
    return base::invalid("--arithmetic: this CPU has no product \"" + arithmetic + "\"; it can be one of " + names);
  }
  // Before anything of ours runs: a library may change how its loading thread rounds.
  std::vector<ProductLibrary> libraries;
  if (floats) libraries.push_back(load_openblas());
  libraries.push_back(load_onednn());
  libraries.back().name += floats ? " f32" : " s8, sums";
  base::set_ieee_mode();
  // Tiles are dequantised by the backend that the kind belongs to: the name before its dash.
  for (const exact::Kernels* table : exact::available_kernels()) {
    if (!floats && arithmetic.substr(0, arithmetic.find('-')) == table->name) kernels = table;
  }
  std::vector<PeerRow> rows;
  for (const PeerRow& wanted : wanted_rows(arithmetic, options)) {
    const auto* shape = std::ranges::find(kProductShapes, wanted.shape, to_text);
    const Setting setting{*shape, wanted.threads, options.rounds};
    auto measured = floats ? race_floats(wanted, setting, *kernels, libraries)
                           : race_integers(wanted, setting, *integers, *kernels, libraries.back());
    if (!measured.ok()) return measured.error();
    rows.insert(rows.end(), measured->begin(), measured->end());
  }
  std::vector<PeerRow> means;
  for (const int threads : options.threads) {
    if (const std::optional<PeerRow> mean = mean_of(rows, threads)) means.push_back(*mean);
  }
  rows.insert(rows.end(), means.begin(), means.end());
  return rows;
}

base::Result<std::vector<PeerRow>> bench_products(const ProductOptions& options) {
  struct Wanted {
    std::string arithmetic;
    const char* instructions;
  };
  std::vector<Wanted> all{{kFloats, nullptr}};
  const std::span<const exact::IntegerDotKernels* const> kinds = exact::available_integer_dots();
  for (const exact::IntegerDotKernels* kind : kinds) all.push_back({kind->name, same_instructions(kind->name)});
  std::erase_if(all, [&](const Wanted& one) { return wanted_rows(one.arithmetic, options).empty(); });
  if (all.empty()) return std::vector<PeerRow>{};
  STARLING_ASSIGN(const exact::Kernels* kernels, wanted_kernels());
  const std::string best = kernels->integer_dot.name;
  const bool forced = std::getenv("STARLING_BACKEND") != nullptr;
  std::erase_if(all, [&](const Wanted& one) {
    return one.arithmetic != kFloats && one.arithmetic != best && (forced || one.instructions == nullptr);
  });
  // The best one meets oneDNN as it comes, too.
  const auto at = std::ranges::find(all, best, &Wanted::arithmetic);
  if (at != all.end() && at->instructions != nullptr) all.insert(at, {best, nullptr});
  std::vector<PeerRow> rows;
  for (const Wanted& one : all) {
    note("measuring products, " + one.arithmetic +
         (one.instructions == nullptr ? "" : std::string(", oneDNN on ") + one.instructions));
    STARLING_ASSIGN(const std::vector<PeerRow> more, in_a_process(one.arithmetic, one.instructions, options));
    rows.insert(rows.end(), more.begin(), more.end());
  }
  return rows;
}

}  // namespace starling::cli
