// starling_bench_integers [--threads N] [--kind NAME] [--json]: products of i8 with a dequantised f32 result at the
// sizes of a diffusion transformer, beside the machine's peak and oneDNN, in one run.
//
// The peak is a loop of the best instruction that a kind of product may use. oneDNN (libdnnl.so.2, or what
// STARLING_BENCH_ONEDNN names) is loaded if it is there: its s8·s8 product to i32, which leaves the dequantising to
// others. ONEDNN_MAX_CPU_ISA chooses its instructions (AVX512_CORE_VNNI, AVX512_CORE, AVX2); without it none above
// AVX512-VNNI, so that AMX does not meet VNNI.

#include <dlfcn.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "exact/engine.h"
#include "exact/integer_dot.h"
#include "exact/peaks.h"

namespace starling::bench {
namespace {

using Gemm = int (*)(char, char, char, std::int64_t, std::int64_t, std::int64_t, float, const std::int8_t*,
                     std::int64_t, std::int8_t, const std::int8_t*, std::int64_t, std::int8_t, float, std::int32_t*,
                     std::int64_t, const std::int32_t*);

struct Size {
  std::int64_t m, n, k;
};

struct Row {
  Size size;
  int threads;
  std::string kind;
  double sums;    // billions of operations a second (two for each multiply-add): i32 tiles that nobody reads
  double linear;  // with the dequantised f32 result in memory
  double peer;
  double peak;
};

// One thread is measured by the time it ran, several by the clock.
double now(int threads) {
  timespec time{};
  clock_gettime(threads == 1 ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

// The least time of each, in turns, so that slow spells of the machine meet all.
std::vector<double> race(int threads, const std::vector<std::function<void()>>& works) {
  std::vector<double> best(works.size(), 1e9);
  const double begin = now(threads);
  for (int round = 0; round < 40 && (round < 4 || now(threads) - begin < 0.6); ++round) {
    for (std::size_t i = 0; i < works.size(); ++i) {
      if (!works[i]) continue;
      const double start = now(threads);
      works[i]();
      if (round > 0) best[i] = std::min(best[i], now(threads) - start);
    }
  }
  return best;
}

Gemm load_peer() {
  setenv("ONEDNN_MAX_CPU_ISA", "AVX512_CORE_VNNI", 0);
  const char* named = std::getenv("STARLING_BENCH_ONEDNN");
  void* library = dlopen(named == nullptr ? "libdnnl.so.2" : named, RTLD_NOW | RTLD_LOCAL);
  return library == nullptr ? nullptr : reinterpret_cast<Gemm>(dlsym(library, "dnnl_gemm_s8s8s32"));
}

// Debian's oneDNN runs on OpenMP.
void set_peer_threads(int threads) {
  using Set = void (*)(int);
  void* library = dlopen("libgomp.so.1", RTLD_NOW | RTLD_NOLOAD);
  const auto set = library == nullptr ? nullptr : reinterpret_cast<Set>(dlsym(library, "omp_set_num_threads"));
  if (set != nullptr) set(threads);
}

exact::Tensor numbers(exact::Type type, const exact::Shape& shape) {
  exact::Tensor tensor(type, shape);
  std::mt19937 random(1);
  if (type == exact::Type::kF32) {
    for (float& value : tensor.f32()) value = static_cast<float>(random() % 1000) / 1000.0F;
  } else {
    for (std::uint8_t& value : tensor.u8()) value = static_cast<std::uint8_t>(random());
  }
  return tensor;
}

exact::Graph linear_graph(const Size& s) {
  exact::Builder b;
  const exact::Builder::Quantised x{b.input("x", exact::Type::kI8, {s.m, s.k}),
                                    b.input("scale", exact::Type::kF32, {s.m, 1})};
  const auto weight = b.input("weight", exact::Type::kI8, {s.n, s.k});
  const auto weight_scale = b.input("weight scale", exact::Type::kF32, {s.n});
  const auto y = b.quantised_linear(x, weight, weight_scale, b.input("bias", exact::Type::kF32, {s.n}));
  b.output("y", b.slice(y, 0, s.m - 1, 1));  // as inside a model: what leaves a call is looked through for NaNs
  return *b.finish();
}

exact::Axis axis(std::int64_t size, std::ptrdiff_t stride) {
  exact::Axis result;
  result.factors = 1;
  result.size[0] = size;
  result.stride[0] = stride;
  return result;
}

Row measure(const Size& s, const exact::IntegerDotKernels& kernels, Gemm gemm, int threads) {
  base::ThreadPool pool(threads);
  const std::vector<exact::Tensor> inputs = {
      numbers(exact::Type::kI8, {s.m, s.k}), numbers(exact::Type::kF32, {s.m, 1}),
      numbers(exact::Type::kI8, {s.n, s.k}), numbers(exact::Type::kF32, {s.n}), numbers(exact::Type::kF32, {s.n})};
  const std::uint8_t* a = inputs[0].u8().data();
  const std::uint8_t* b = inputs[2].u8().data();
  const exact::IntegerDotProblem problem{
      {a, {}, axis(s.m, s.k), axis(s.k, 1)}, {b, {}, axis(s.n, s.k), axis(s.k, 1)}, false, 1, s.m, s.n, s.k};
  const exact::IntegerSplit split = exact::split_integer_dot(kernels, 1, s.m, s.n, s.k, false, threads);
  const std::size_t bytes = split.workspace_bytes * static_cast<std::size_t>(threads);
  const std::unique_ptr<std::byte, decltype(&std::free)> workspace(
      static_cast<std::byte*>(std::aligned_alloc(64, bytes)), &std::free);
  std::vector<std::function<void()>> works;
  works.emplace_back([&] {
    exact::run_integer_dot(kernels, pool, problem, split, {workspace.get(), bytes}, {},
                           [](const exact::IntegerTile&) {});
  });

  // The engine has the best kind that a backend has.
  const exact::Plan plan = *exact::Plan::make(linear_graph(s));
  const std::string backend = std::string(kernels.name).substr(0, std::string(kernels.name).find('-'));
  exact::Engine engine = *exact::Engine::create({backend, threads});
  bool best = false;
  for (const exact::Kernels* table : exact::available_kernels()) {
    best = best || (backend == table->name && std::strcmp(table->integer_dot.name, kernels.name) == 0);
  }
  std::vector<exact::Tensor> recycled;
  if (best) {
    works.emplace_back([&] { recycled = *engine.run(plan, inputs, &recycled); });
  } else {
    works.emplace_back();
  }
  std::vector<std::int32_t> peer_out(static_cast<std::size_t>(s.m * s.n));
  if (gemm != nullptr) {
    works.emplace_back([&] {
      const std::int32_t offset = 0;
      gemm('N', 'T', 'F', s.m, s.n, s.k, 1.0F, inputs[0].i8().data(), s.k, 0, inputs[2].i8().data(), s.k, 0, 0.0F,
           peer_out.data(), s.n, &offset);
    });
  } else {
    works.emplace_back();
  }
  const exact::PeakLoop* peak = exact::find_integer_peak(kernels.name);
  works.emplace_back();
  if (peak != nullptr) {
    works.back() = [&] {
      pool.run(static_cast<std::size_t>(threads), 1, [&](std::size_t begin, std::size_t end, int) {
        for (std::size_t i = begin; i < end; ++i) peak->run();
      });
    };
  }
  set_peer_threads(threads);
  const std::vector<double> times = race(threads, works);
  const double work = 2e-9 * static_cast<double>(s.m) * static_cast<double>(s.n) * static_cast<double>(s.k);
  const auto rate = [&](std::size_t i) { return works[i] ? work / times[i] : 0.0; };
  return {s,
          threads,
          kernels.name,
          rate(0),
          rate(1),
          rate(2),
          peak == nullptr ? 0.0 : 1e-9 * peak->operations * threads / times[3]};
}

void print(const Row& row, bool json, bool first) {
  if (json) {
    std::printf(
        "%s{\"m\":%lld,\"n\":%lld,\"k\":%lld,\"threads\":%d,\"kind\":\"%s\",\"sums\":%.1f,\"linear\":%.1f,"
        "\"peer\":%.1f,\"peak\":%.1f}",
        first ? "" : ",", static_cast<long long>(row.size.m), static_cast<long long>(row.size.n),
        static_cast<long long>(row.size.k), row.threads, row.kind.c_str(), row.sums, row.linear, row.peer, row.peak);
    return;
  }
  std::printf("%4lld x %4lld x %4lld  %d  %-12s %8.0f %8.0f %8.0f %8.0f\n", static_cast<long long>(row.size.m),
              static_cast<long long>(row.size.n), static_cast<long long>(row.size.k), row.threads, row.kind.c_str(),
              row.sums, row.linear, row.peer, row.peak);
  std::fflush(stdout);
}

int run(const std::vector<int>& threads, const std::string& kind, bool json) {
  const Gemm gemm = load_peer();
  base::set_ieee_mode();
  if (json) {
    std::printf("[");
  } else {
    std::printf("GOPS; oneDNN %s\n   m      n      k  thr kind             sums   linear   oneDNN     peak\n",
                gemm == nullptr ? "not there" : std::getenv("ONEDNN_MAX_CPU_ISA"));
  }
  bool first = true;
  for (const int count : threads) {
    for (const exact::IntegerDotKernels* kernels : exact::available_integer_dots()) {
      if (!kind.empty() && kind != kernels->name) continue;
      for (const std::int64_t tokens : {1024, 4096}) {
        for (const Size& size : {Size{tokens, 1536, 1536}, Size{tokens, 8960, 1536}, Size{tokens, 1536, 8960}}) {
          print(measure(size, *kernels, gemm, count), json, first);
          first = false;
        }
      }
    }
  }
  if (json) std::printf("]\n");
  return 0;
}

}  // namespace
}  // namespace starling::bench

int main(int argc, char** argv) {
  std::vector<int> threads{1, 2};
  std::string kind;
  bool json = false;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--threads" && i + 1 < argc) {
      threads = {std::clamp(std::atoi(argv[++i]), 1, 1024)};
    } else if (argument == "--kind" && i + 1 < argc) {
      kind = argv[++i];
    } else if (argument == "--json") {
      json = true;
    } else {
      std::fprintf(stderr, "usage: starling_bench_integers [--threads N] [--kind NAME] [--json]\n");
      return 1;
    }
  }
  return starling::bench::run(threads, kind, json);
}
