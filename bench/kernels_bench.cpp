// starling_bench_kernels [--threads N] [--group NAME] [--json]: products against OpenBLAS, loops against memory, in one
// run.
//
// OPENBLAS_CORETYPE chooses OpenBLAS's kernels; without it they are SkylakeX's where the CPU has AVX-512, its best
// there.

#include <cblas.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "dot_shapes.h"
#include "exact/dot.h"

namespace starling::bench {
namespace {

struct Row {
  std::string name;
  std::string group;
  std::string shape;
  int threads;
  double ours;
  double peer;
  const char* peer_name;
  const char* unit;
};

struct Options {
  std::vector<int> threads{1, 2};
  std::string group;
  bool json = false;
};

double now(int threads) {
  timespec time{};
  clock_gettime(threads == 1 ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

double seconds_of(int threads, const std::function<void()>& work) {
  const double begin = now(threads);
  work();
  return now(threads) - begin;
}

// The least time of each, in turns, so that slow spells of the machine meet both.
std::pair<double, double> race(int threads, const std::function<void()>& ours, const std::function<void()>& peer) {
  ours();
  peer();
  double best_ours = 1e9;
  double best_peer = 1e9;
  double spent = 0.0;
  for (int round = 0; round < 200 && (spent < 0.4 || round < 3); ++round) {
    const double first = seconds_of(threads, ours);
    const double second = seconds_of(threads, peer);
    best_ours = std::min(best_ours, first);
    best_peer = std::min(best_peer, second);
    spent += first + second;
  }
  return {best_ours, best_peer};
}

std::vector<float> numbers(std::int64_t count) {
  std::mt19937 random(1);
  std::uniform_real_distribution<float> uniform(-1.0F, 1.0F);
  std::vector<float> result(static_cast<std::size_t>(count));
  for (float& value : result) value = uniform(random);
  return result;
}

exact::Axis axis(std::initializer_list<std::pair<std::int64_t, std::ptrdiff_t>> factors) {
  exact::Axis result;
  for (const auto& [size, stride] : factors) {
    result.size[result.factors] = size;
    result.stride[result.factors++] = stride;
  }
  return result;
}

Row measure(const DotShape& s, const exact::Kernels& kernels, int threads) {
  base::ThreadPool pool(threads);
  openblas_set_num_threads(threads);
  const bool convolution = s.channels > 0;
  const std::vector<float> a = numbers(s.batch * s.m * s.k);
  const std::vector<float> b = numbers(s.batch * s.n * s.k);
  const std::vector<float> padded = convolution ? numbers((s.t + 2) * (s.h + 2) * (s.w + 2) * s.channels) : a;
  std::vector<float> out(static_cast<std::size_t>(s.batch * s.m * s.n));
  std::vector<float> out_peer(out.size());

  exact::DotProblem problem{};
  problem.a = {padded.data(), axis({{s.batch, s.m * s.k}}), axis({{s.m, s.a_turned ? 1 : s.k}}),
               axis({{s.k, s.a_turned ? s.m : 1}})};
  if (convolution) {
    const std::int64_t row = (s.w + 2) * s.channels;
    const std::int64_t frame = (s.h + 2) * row;
    problem.a.rows = axis({{s.t, frame}, {s.h, row}, {s.w, s.channels}});
    problem.a.depth = axis({{3, frame}, {3, row}, {3, s.channels}, {s.channels, 1}});
  }
  problem.b = {b.data(), axis({{s.batch, s.n * s.k}}), axis({{s.n, s.b_turned ? 1 : s.k}}),
               axis({{s.k, s.b_turned ? s.n : 1}})};
  problem.out = {out.data(), axis({{s.batch, s.m * s.n}}), axis({{s.m, s.n}})};
  problem.batch = s.batch;
  problem.m = s.m;
  problem.n = s.n;
  problem.k = s.k;

  const std::size_t bytes = kernels.dot_workspace_bytes() * static_cast<std::size_t>(threads);
  const std::unique_ptr<void, decltype(&std::free)> workspace(std::aligned_alloc(64, (bytes + 63) / 64 * 64),
                                                              &std::free);
  const auto ours = [&] { exact::run_dot(kernels, pool, problem, {static_cast<std::byte*>(workspace.get()), bytes}); };
  const auto peer = [&] {
    for (std::int64_t i = 0; i < s.batch; ++i) {
      cblas_sgemm(CblasRowMajor, s.a_turned ? CblasTrans : CblasNoTrans, s.b_turned ? CblasNoTrans : CblasTrans,
                  static_cast<int>(s.m), static_cast<int>(s.n), static_cast<int>(s.k), 1.0F, a.data() + i * s.m * s.k,
                  static_cast<int>(s.a_turned ? s.m : s.k), b.data() + i * s.n * s.k,
                  static_cast<int>(s.b_turned ? s.n : s.k), 0.0F, out_peer.data() + i * s.m * s.n,
                  static_cast<int>(s.n));
    }
  };
  const auto [time_ours, time_peer] = race(threads, ours, peer);
  const double work = 2e-9 * static_cast<double>(s.batch * s.m * s.n * s.k);
  std::string shape = std::to_string(s.m) + "x" + std::to_string(s.n) + "x" + std::to_string(s.k);
  if (s.batch > 1) shape = std::to_string(s.batch) + " of " + shape;
  return {s.name, s.group, shape, threads, work / time_ours, work / time_peer, "OpenBLAS", "GFLOP/s"};
}

// Loops over memory against memcpy (of the same bytes read and written).
std::vector<Row> measure_loops(const exact::Kernels& kernels) {
  std::vector<Row> rows;
  for (const std::size_t count : {std::size_t{4096}, std::size_t{1} << 22}) {
    const std::vector<float> a = numbers(static_cast<std::int64_t>(2 * count + 64));
    const std::vector<float> b = numbers(static_cast<std::int64_t>(count));
    std::vector<float> out(count);
    std::vector<float> copy(count);
    const exact::RowsF32 x{a.data(), 0, 1};
    const exact::RowsF32 y{b.data(), 0, 1};
    const exact::RowsF32 one{a.data(), 0, 0};
    const std::size_t columns = 256;
    const auto width = static_cast<std::ptrdiff_t>(columns);
    const std::size_t matrix_rows = count / columns;
    const std::size_t repeat = std::max<std::size_t>(1, (std::size_t{1} << 18) / count);
    const auto memory = [&] { std::memcpy(copy.data(), b.data(), count * sizeof(float)); };
    struct Loop {
      const char* name;
      double bytes_per_element;
      std::function<void()> run;
    };
    const Loop loops[] = {
        {"add", 12, [&] { kernels.add(out.data(), 0, x, y, 1, count); }},
        {"mul by a number", 8, [&] { kernels.mul(out.data(), 0, x, one, 1, count); }},
        {"fma", 12, [&] { kernels.fma(out.data(), 0, x, one, y, 1, count); }},
        {"maximum", 12, [&] { kernels.maximum(out.data(), 0, x, y, 1, count); }},
        {"add a row", 8,
         [&] {
           kernels.add(out.data(), width, {a.data(), width, 1}, {b.data(), 0, 1}, matrix_rows, columns);
         }},
        {"copy", 8, [&] { kernels.copy(out.data(), 0, x, 1, count); }},
        {"copy step 2", 12,
         [&] {
           kernels.copy(out.data(), 0, {a.data(), 0, 2}, 1, count);
         }},
        {"copy turned", 8,
         [&] {
           kernels.copy(out.data(), width, {a.data(), 1, static_cast<std::ptrdiff_t>(matrix_rows)}, matrix_rows,
                        columns);
         }},
        {"row sum", 4,
         [&] {
           kernels.row_sum(out.data(), {a.data(), width, 1}, matrix_rows, columns);
         }},
        {"row max", 4,
         [&] {
           kernels.row_max(out.data(), {a.data(), width, 1}, matrix_rows, columns);
         }},
        {"column sum", 4,
         [&] {
           kernels.column_sum(out.data(), {a.data(), width, 1}, matrix_rows, columns);
         }},
        {"exp", 8, [&] { kernels.exp(out.data(), 0, x, 1, count); }},
        {"log", 8, [&] { kernels.log(out.data(), 0, x, 1, count); }},
        {"sin", 8, [&] { kernels.sin(out.data(), 0, x, 1, count); }},
        {"tanh", 8, [&] { kernels.tanh(out.data(), 0, x, 1, count); }},
        {"erf", 8, [&] { kernels.erf(out.data(), 0, x, 1, count); }},
        {"div", 12, [&] { kernels.div(out.data(), 0, x, y, 1, count); }},
        {"sqrt", 8, [&] { kernels.sqrt(out.data(), 0, x, 1, count); }},
        {"normal", 4, [&] { kernels.normal(out.data(), 1, 0, 0, count); }},
    };
    for (const Loop& loop : loops) {
      const auto [ours, peer] = race(
          1,
          [&] {
            for (std::size_t i = 0; i < repeat; ++i) loop.run();
          },
          [&] {
            for (std::size_t i = 0; i < repeat; ++i) memory();
          });
      const double scale = 1e-9 * static_cast<double>(repeat * count);
      rows.push_back({loop.name, "loops", std::to_string(count), 1, loop.bytes_per_element * scale / ours,
                      8 * scale / peer, "memcpy", "GB/s"});
    }
  }
  return rows;
}

void print_row(const Row& row) {
  std::printf("%-16s %-12s %-22s %d  %9.1f %9.1f %-8s %-8s %5.2f\n", row.name.c_str(), row.group.c_str(),
              row.shape.c_str(), row.threads, row.ours, row.peer, row.unit, row.peer_name, row.ours / row.peer);
  std::fflush(stdout);
}

void print_json(const std::vector<Row>& rows, const char* backend) {
  std::printf("{\"backend\":\"%s\",\"peer_kernels\":\"%s\",\"results\":[", backend, openblas_get_corename());
  const char* separator = "";
  for (const Row& row : rows) {
    std::printf(
        "%s{\"name\":\"%s\",\"group\":\"%s\",\"shape\":\"%s\",\"threads\":%d,\"ours\":%.2f,\"peer\":%.2f,"
        "\"peer_name\":\"%s\",\"unit\":\"%s\",\"ratio\":%.3f}",
        separator, row.name.c_str(), row.group.c_str(), row.shape.c_str(), row.threads, row.ours, row.peer,
        row.peer_name, row.unit, row.ours / row.peer);
    separator = ",";
  }
  std::printf("]}\n");
}

// OpenBLAS reads its environment when it is loaded, so the program starts itself again.
void choose_peer_kernels(char** argv) {
  if (std::getenv("STARLING_BENCH_STARTED") != nullptr) return;
  const char* named = std::getenv("STARLING_BENCH_PEER");
  const char* best = __builtin_cpu_supports("avx512dq") ? "SkylakeX" : "Haswell";
  setenv("OPENBLAS_CORETYPE", named == nullptr ? best : named, 1);
  unsetenv("OPENBLAS_L2_SIZE");
  setenv("STARLING_BENCH_STARTED", "1", 1);
  execv("/proc/self/exe", argv);
}

int run(const Options& options) {
  const char* forced = std::getenv("STARLING_BACKEND");
  const auto chosen = exact::choose_kernels(forced == nullptr ? "" : forced);
  if (!chosen.ok()) {
    std::fprintf(stderr, "%s\n", chosen.error().message.c_str());
    return 1;
  }
  const exact::Kernels& kernels = **chosen;
  base::set_ieee_mode();
  std::vector<Row> rows;
  if (!options.json) std::printf("%s against OpenBLAS with kernels for %s\n", kernels.name, openblas_get_corename());
  for (const int threads : options.threads) {
    std::map<std::string, std::pair<double, int>> means;
    for (const DotShape& shape : dot_shapes()) {
      if (!options.group.empty() && shape.group != options.group) continue;
      rows.push_back(measure(shape, kernels, threads));
      auto& [sum, count] = means[shape.group];
      sum += std::log(rows.back().ours / rows.back().peer);
      ++count;
      if (!options.json) print_row(rows.back());
    }
    for (const auto& [group, mean] : means) {
      if (!options.json)
        std::printf("%s, %d threads: geometric mean %.3f\n", group.c_str(), threads,
                    std::exp(mean.first / mean.second));
    }
  }
  if (options.group.empty() || options.group == "loops") {
    for (const Row& row : measure_loops(kernels)) {
      rows.push_back(row);
      if (!options.json) print_row(row);
    }
  }
  if (options.json) print_json(rows, kernels.name);
  return 0;
}

}  // namespace
}  // namespace starling::bench

int main(int argc, char** argv) {
  starling::bench::choose_peer_kernels(argv);
  starling::bench::Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--threads" && i + 1 < argc) {
      options.threads = {std::max(1, std::atoi(argv[++i]))};
    } else if (argument == "--group" && i + 1 < argc) {
      options.group = argv[++i];
    } else if (argument == "--json") {
      options.json = true;
    } else {
      std::fprintf(stderr, "usage: starling_bench_kernels [--threads N] [--group NAME] [--json]\n");
      return 1;
    }
  }
  return starling::bench::run(options);
}
