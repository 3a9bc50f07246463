#include "cli/product_libraries.h"

#include <dlfcn.h>

#include <cstdlib>
#include <string_view>

namespace starling::cli {
namespace {

template <typename Function>
Function symbol(void* library, const char* name) {
  return reinterpret_cast<Function>(::dlsym(library, name));
}

}  // namespace

ProductLibrary load_openblas() {
  // cblas_sgemm, its enumerations as the ints they are.
  using Sgemm = void (*)(int order, int turn_a, int turn_b, int m, int n, int k, float alpha, const float* a, int lda,
                         const float* b, int ldb, float beta, float* c, int ldc);
  constexpr int kRowMajor = 101;
  constexpr int kNoTurn = 111;
  constexpr int kTurn = 112;
  ProductLibrary peer;
  peer.name = "OpenBLAS";
  peer.missing = "not measured: apt install libopenblas0-pthread";
#if defined(__x86_64__)
  // It reads its environment when it is loaded; a setting that slows it would flatter us.
  const char* named = std::getenv("STARLING_BENCH_PEER");
  const char* best = __builtin_cpu_supports("avx512dq") != 0 ? "SkylakeX" : "Haswell";
  ::setenv("OPENBLAS_CORETYPE", named == nullptr ? best : named, 1);
  ::unsetenv("OPENBLAS_L2_SIZE");
#endif
  void* library = ::dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return peer;
  const auto sgemm = symbol<Sgemm>(library, "cblas_sgemm");
  const auto set_threads = symbol<void (*)(int)>(library, "openblas_set_num_threads");
  const auto core_name = symbol<const char* (*)()>(library, "openblas_get_corename");
  const auto config = symbol<const char* (*)()>(library, "openblas_get_config");
  if (sgemm == nullptr || set_threads == nullptr || core_name == nullptr || config == nullptr) return peer;
  std::string_view version = config();  // "OpenBLAS 0.3.21 …"
  version = version.substr(0, version.find(' ', version.find(' ') + 1));
  peer.name = std::string(version) + " f32, " + core_name();
  peer.floats = [sgemm](std::int64_t m, std::int64_t n, std::int64_t k, const float* a, const float* b, float* out) {
    const auto depth = static_cast<int>(k);
    sgemm(kRowMajor, kNoTurn, kTurn, static_cast<int>(m), static_cast<int>(n), depth, 1.0F, a, depth, b, depth, 0.0F,
          out, static_cast<int>(n));
  };
  peer.set_threads = set_threads;
  peer.missing.clear();
  return peer;
}

ProductLibrary load_onednn() {
  using Sgemm = int (*)(char, char, std::int64_t, std::int64_t, std::int64_t, float, const float*, std::int64_t,
                        const float*, std::int64_t, float, float*, std::int64_t);
  using Gemm = int (*)(char, char, char, std::int64_t, std::int64_t, std::int64_t, float, const std::int8_t*,
                       std::int64_t, std::int8_t, const std::int8_t*, std::int64_t, std::int8_t, float, std::int32_t*,
                       std::int64_t, const std::int32_t*);
  struct Version {
    int major, minor, patch;
  };
  ProductLibrary peer;
  peer.name = "oneDNN";
  peer.missing = "not measured: apt install libdnnl2";
  void* library = nullptr;
  for (const char* name : {"libdnnl.so.3", "libdnnl.so.2"}) {
    if (library == nullptr) library = ::dlopen(name, RTLD_NOW | RTLD_LOCAL);
  }
  if (library == nullptr) return peer;
  const auto sgemm = symbol<Sgemm>(library, "dnnl_sgemm");
  const auto gemm = symbol<Gemm>(library, "dnnl_gemm_s8s8s32");
  const auto version = symbol<const Version* (*)()>(library, "dnnl_version");
  // Debian's runs on OpenMP.
  void* openmp = ::dlopen("libgomp.so.1", RTLD_NOW | RTLD_NOLOAD);
  const auto set_threads = openmp == nullptr ? nullptr : symbol<void (*)(int)>(openmp, "omp_set_num_threads");
  if (sgemm == nullptr || gemm == nullptr || version == nullptr || set_threads == nullptr) return peer;
  const Version* found = version();
  const char* limited = std::getenv("ONEDNN_MAX_CPU_ISA");
  peer.name = "oneDNN " + std::to_string(found->major) + "." + std::to_string(found->minor) + "." +
              std::to_string(found->patch);
  if (limited != nullptr) peer.name += std::string(" on ") + limited;
  peer.floats = [sgemm](std::int64_t m, std::int64_t n, std::int64_t k, const float* a, const float* b, float* out) {
    sgemm('N', 'T', m, n, k, 1.0F, a, k, b, k, 0.0F, out, n);
  };
  peer.integers = [gemm](std::int64_t m, std::int64_t n, std::int64_t k, const std::int8_t* a, const std::int8_t* b,
                         std::int32_t* out) {
    const std::int32_t offset = 0;
    gemm('N', 'T', 'F', m, n, k, 1.0F, a, k, 0, b, k, 0, 0.0F, out, n, &offset);
  };
  peer.set_threads = set_threads;
  peer.missing.clear();
  return peer;
}

}  // namespace starling::cli
