#include "cli/bench_products.h"

#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <memory>

#include "base/interrupt.h"
#include "base/thread_pool.h"
#include "exact/dot.h"
#include "exact/kernels.h"

namespace starling::cli {
namespace {

// cblas_sgemm, its enumerations as the ints they are.
using Sgemm = void (*)(int order, int turn_a, int turn_b, int m, int n, int k, float alpha, const float* a, int lda,
                       const float* b, int ldb, float beta, float* c, int ldc);
constexpr int kRowMajor = 101;
constexpr int kNoTurn = 111;
constexpr int kTurn = 112;

struct OpenBlas {
  Sgemm sgemm = nullptr;
  void (*set_threads)(int) = nullptr;
  std::string name;
};

OpenBlas load_openblas() {
  OpenBlas peer;
#if defined(__x86_64__)
  // It reads its environment when it is loaded; a setting that slows it would flatter us.
  const char* named = std::getenv("STARLING_BENCH_PEER");
  const char* best = __builtin_cpu_supports("avx512dq") != 0 ? "SkylakeX" : "Haswell";
  ::setenv("OPENBLAS_CORETYPE", named == nullptr ? best : named, 1);
  ::unsetenv("OPENBLAS_L2_SIZE");
#endif
  void* library = ::dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return peer;
  peer.sgemm = reinterpret_cast<Sgemm>(::dlsym(library, "cblas_sgemm"));
  peer.set_threads = reinterpret_cast<void (*)(int)>(::dlsym(library, "openblas_set_num_threads"));
  const auto core_name = reinterpret_cast<const char* (*)()>(::dlsym(library, "openblas_get_corename"));
  if (peer.set_threads == nullptr || core_name == nullptr) peer.sgemm = nullptr;
  if (peer.sgemm != nullptr) peer.name = std::string("OpenBLAS ") + core_name();
  return peer;
}

std::vector<float> numbers(std::int64_t count, std::uint32_t stream) {
  std::vector<float> values(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<float>((i * 2654435761U + stream) % 1024) * 0x1p-9F - 1.0F;
  return values;
}

exact::Axis axis(std::int64_t size, std::ptrdiff_t stride) {
  exact::Axis result;
  result.factors = 1;
  result.size[0] = size;
  result.stride[0] = stride;
  return result;
}

double seconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

struct DotShape {
  std::int64_t m, n, k;
};

// The best of several runs of each, in turns, so that slow spells of the machine meet both.
std::pair<double, double> race(const std::function<void()>& ours, const std::function<void()>& peer) {
  constexpr int kRounds = 7;
  double best_ours = seconds_of(ours);
  double best_peer = peer ? seconds_of(peer) : 0.0;
  for (int round = 1; round < kRounds; ++round) {
    best_ours = std::min(best_ours, seconds_of(ours));
    if (peer) best_peer = std::min(best_peer, seconds_of(peer));
  }
  return {best_ours, best_peer};
}

Measurement measure(const DotShape& s, const exact::Kernels& kernels, const OpenBlas& openblas, int threads) {
  base::ThreadPool pool(threads);
  const std::vector<float> a = numbers(s.m * s.k, 0);
  const std::vector<float> b = numbers(s.n * s.k, 1);
  std::vector<float> out(static_cast<std::size_t>(s.m * s.n));
  exact::DotProblem problem{};
  problem.a = {a.data(), {}, axis(s.m, s.k), axis(s.k, 1)};
  problem.b = {b.data(), {}, axis(s.n, s.k), axis(s.k, 1)};
  problem.out = {out.data(), {}, axis(s.m, s.n)};
  problem.batch = 1;
  problem.m = s.m;
  problem.n = s.n;
  problem.k = s.k;
  constexpr std::size_t kAlignment = 64;
  const std::size_t bytes = kernels.dot_workspace_bytes() * static_cast<std::size_t>(threads);
  const std::unique_ptr<void, decltype(&std::free)> workspace(
      std::aligned_alloc(kAlignment, (bytes + kAlignment - 1) / kAlignment * kAlignment), &std::free);
  const auto ours = [&] { exact::run_dot(kernels, pool, problem, {static_cast<std::byte*>(workspace.get()), bytes}); };
  std::vector<float> peer_out(out.size());
  std::function<void()> peer;
  if (openblas.sgemm != nullptr) {
    openblas.set_threads(threads);
    peer = [&] {
      openblas.sgemm(kRowMajor, kNoTurn, kTurn, static_cast<int>(s.m), static_cast<int>(s.n), static_cast<int>(s.k),
                     1.0F, a.data(), static_cast<int>(s.k), b.data(), static_cast<int>(s.k), 0.0F, peer_out.data(),
                     static_cast<int>(s.n));
    };
  }
  const auto [time_ours, time_peer] = race(ours, peer);
  const double work = 2e-9 * static_cast<double>(s.m) * static_cast<double>(s.n) * static_cast<double>(s.k);
  Measurement result;
  result.name = "f32 product";
  result.shape = std::to_string(s.m) + "x" + std::to_string(s.n) + "x" + std::to_string(s.k);
  result.threads = threads;
  result.ours = work / time_ours;
  result.peer = time_peer > 0.0 ? work / time_peer : 0.0;
  result.peer_name = openblas.name;
  result.unit = "GFLOP/s";
  return result;
}

}  // namespace

base::Result<std::vector<Measurement>> bench_products(const std::vector<int>& threads) {
  // Before anything of ours runs: a library may change how its loading thread rounds.
  const OpenBlas openblas = load_openblas();
  const char* forced = std::getenv("STARLING_BACKEND");
  STARLING_ASSIGN(const exact::Kernels* kernels, exact::choose_kernels(forced == nullptr ? "" : forced));
  base::set_ieee_mode();
  std::vector<Measurement> results;
  for (const int count : threads) {
    double logarithms = 0.0;
    int shapes = 0;
    for (const std::int64_t tokens : {1024, 4096}) {
      for (const DotShape& shape :
           {DotShape{tokens, 1536, 1536}, DotShape{tokens, 8960, 1536}, DotShape{tokens, 1536, 8960}}) {
        STARLING_TRY(base::check_interrupt());
        results.push_back(measure(shape, *kernels, openblas, count));
        if (openblas.sgemm != nullptr) logarithms += std::log(results.back().ours / results.back().peer);
        ++shapes;
      }
    }
    if (openblas.sgemm == nullptr) continue;
    Measurement mean;
    mean.name = "f32 product, geometric mean";
    mean.shape = "all of the above";
    mean.threads = count;
    mean.ours = std::exp(logarithms / shapes);
    mean.peer = 1.0;
    mean.peer_name = openblas.name;
    mean.unit = "times the peer";
    mean.limit = 0.95;
    mean.at_least = true;
    results.push_back(mean);
  }
  return results;
}

}  // namespace starling::cli
