#include "exact/peaks.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <vector>

#include "exact/kernels.h"
#if defined(__x86_64__)
#include <immintrin.h>

#include "exact/amx/tiles.h"
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace starling::exact {
namespace {

// Chains enough to hide an instruction's latency, as many as there are registers for.
[[maybe_unused]] constexpr int kChains = 16;
constexpr int kShortChains = 12;
constexpr std::int64_t kSteps = 1 << 19;
constexpr double kRuns = static_cast<double>(kSteps);

// Each loop's chains begin with numbers that the compiler must believe to differ, and somebody looks at their ends.
#define STARLING_CHAINS(type, chains, start, registers, step) \
  type sums[chains];                                          \
  _Pragma("GCC unroll 16") for (type & sum : sums) {          \
    sum = (start);                                            \
    asm volatile("" : registers(sum));                        \
  }                                                           \
  for (std::int64_t i = 0; i < kSteps; ++i) {                 \
    _Pragma("GCC unroll 16") for (type & sum : sums) {        \
      step;                                                   \
      asm volatile("" : registers(sum));                      \
    }                                                         \
  }                                                           \
  _Pragma("GCC unroll 16") for (type & sum : sums) asm volatile("" : registers(sum));

#if defined(__x86_64__)

__attribute__((target("avx512f"))) void fma_avx512() {
  __m512 a = _mm512_set1_ps(0.5F);
  asm volatile("" : "+v"(a));
  STARLING_CHAINS(__m512, kChains, _mm512_setzero_ps(), "+v", sum = _mm512_fmadd_ps(sum, a, a))
}
__attribute__((target("avx2,fma"))) void fma_avx2() {
  __m256 a = _mm256_set1_ps(0.5F);
  asm volatile("" : "+x"(a));
  STARLING_CHAINS(__m256, kShortChains, _mm256_setzero_ps(), "+x", sum = _mm256_fmadd_ps(sum, a, a))
}
__attribute__((target("avx512f"))) void mix_avx512() {
  __m512 a = _mm512_set1_ps(0.5F);
  asm volatile("" : "+v"(a));
  STARLING_CHAINS(__m512, kChains, _mm512_setzero_ps(), "+v", sum = _mm512_add_ps(_mm512_fmadd_ps(sum, a, a), a))
}
__attribute__((target("avx2,fma"))) void mix_avx2() {
  __m256 a = _mm256_set1_ps(0.5F);
  asm volatile("" : "+x"(a));
  STARLING_CHAINS(__m256, kShortChains, _mm256_setzero_ps(), "+x", sum = _mm256_add_ps(_mm256_fmadd_ps(sum, a, a), a))
}
__attribute__((target("avx512f"))) void division_avx512() {
  __m512 a = _mm512_set1_ps(0.7F);
  asm volatile("" : "+v"(a));
  STARLING_CHAINS(__m512, kChains, _mm512_set1_ps(1.3F), "+v", sum = _mm512_div_ps(a, sum))
}
__attribute__((target("avx2"))) void division_avx2() {
  __m256 a = _mm256_set1_ps(0.7F);
  asm volatile("" : "+x"(a));
  STARLING_CHAINS(__m256, kShortChains, _mm256_set1_ps(1.3F), "+x", sum = _mm256_div_ps(a, sum))
}
__attribute__((target("avx512f,avx512bw,avx512vnni"))) void dot_avx512_vnni() {
  __m512i a = _mm512_set1_epi8(1);
  asm volatile("" : "+v"(a));
  STARLING_CHAINS(__m512i, kChains, _mm512_setzero_si512(), "+v", sum = _mm512_dpbusd_epi32(sum, a, a))
}
__attribute__((target("avx512f,avx512bw"))) void dot_avx512() {
  __m512i a = _mm512_set1_epi8(1);
  STARLING_CHAINS(__m512i, kChains, _mm512_setzero_si512(), "+v",
                  asm volatile(""
                               : "+v"(a));
                  sum = _mm512_add_epi32(sum, _mm512_madd_epi16(a, a)))
}
__attribute__((target("avx2,avxvnni"))) void dot_avx2_vnni() {
  __m256i a = _mm256_set1_epi8(1);
  asm volatile("" : "+x"(a));
  STARLING_CHAINS(__m256i, kShortChains, _mm256_setzero_si256(), "+x", sum = _mm256_dpbusd_avx_epi32(sum, a, a))
}
__attribute__((target("avx2"))) void dot_avx2() {
  __m256i a = _mm256_set1_epi8(1);
  STARLING_CHAINS(__m256i, kShortChains, _mm256_setzero_si256(), "+x",
                  asm volatile(""
                               : "+x"(a));
                  sum = _mm256_add_epi32(sum, _mm256_madd_epi16(a, a)))
}

// Four sums, as many as the product has, of tiles that stay. One step stands for 32 of the others.
constexpr std::int64_t kTileSteps = kSteps / 32;
constexpr double kTileOperations = 4.0 * 2 * 16 * 16 * 64;
void dot_amx() {
  using amx::Tiles;
  amx::TileConfiguration whole;
  for (int tile = 0; tile < 8; ++tile) {
    whole.rows[tile] = amx::TileConfiguration::kMostRows;
    whole.row_bytes[tile] = amx::TileConfiguration::kMostBytes;
  }
  Tiles::configure(whole);
  for (std::int64_t i = 0; i < kTileSteps; ++i) {
    Tiles::multiply<false, 0, 4, 6>();
    Tiles::multiply<false, 1, 4, 7>();
    Tiles::multiply<false, 2, 5, 6>();
    Tiles::multiply<false, 3, 5, 7>();
  }
  Tiles::release();
}

#elif defined(__aarch64__)

void fma_neon() {
  float32x4_t a = vdupq_n_f32(0.5F);
  asm volatile("" : "+w"(a));
  STARLING_CHAINS(float32x4_t, kChains, vdupq_n_f32(0.0F), "+w", sum = vfmaq_f32(a, sum, a))
}
void mix_neon() {
  float32x4_t a = vdupq_n_f32(0.5F);
  asm volatile("" : "+w"(a));
  STARLING_CHAINS(float32x4_t, kChains, vdupq_n_f32(0.0F), "+w", sum = vaddq_f32(vfmaq_f32(a, sum, a), a))
}
void division_neon() {
  float32x4_t a = vdupq_n_f32(0.7F);
  asm volatile("" : "+w"(a));
  STARLING_CHAINS(float32x4_t, kChains, vdupq_n_f32(1.3F), "+w", sum = vdivq_f32(a, sum))
}
#if defined(__clang__)
#define STARLING_SDOT __attribute__((target("dotprod")))
#else
#define STARLING_SDOT __attribute__((target("arch=armv8.2-a+dotprod")))
#endif
STARLING_SDOT void dot_neon_sdot() {
  int8x16_t a = vdupq_n_s8(1);
  asm volatile("" : "+w"(a));
  STARLING_CHAINS(int32x4_t, kChains, vdupq_n_s32(0), "+w",
                  asm volatile("sdot %0.4s, %1.16b, %1.16b"
                               : "+w"(sum)
                               : "w"(a)))
}
#undef STARLING_SDOT
void dot_neon() {
  int16x4_t a = vdup_n_s16(1);
  asm volatile("" : "+w"(a));
  STARLING_CHAINS(int32x4_t, kChains, vdupq_n_s32(0), "+w", sum = vmlal_s16(sum, a, a))
}

#endif

#undef STARLING_CHAINS

// One number after another, for any CPU.
void chain_of_floats() {
  float sums[kShortChains] = {};
  float a = 0.5F;
  for (std::int64_t i = 0; i < kSteps; ++i) {
    for (float& sum : sums) {
      asm volatile("" : "+m"(a));
      sum = sum * a + a;
    }
  }
  asm volatile("" : : "r"(sums) : "memory");
}
void chain_of_divisions() {
  float sums[kShortChains] = {};
  for (float& sum : sums) sum = 1.3F;
  float a = 0.7F;
  for (std::int64_t i = 0; i < kSteps; ++i) {
    for (float& sum : sums) {
      asm volatile("" : "+m"(a));
      sum = a / sum;
    }
  }
  asm volatile("" : : "r"(sums) : "memory");
}
void chain_of_integers() {
  std::int32_t sums[kShortChains] = {};
  std::int32_t a = 1;
  for (std::int64_t i = 0; i < kSteps; ++i) {
    for (std::int32_t& sum : sums) {
      asm volatile("" : "+m"(a));
      sum += a * a;
    }
  }
  asm volatile("" : : "r"(sums) : "memory");
}

bool has_integer_dot(std::string_view name) {
  for (const IntegerDotKernels* kernels : available_integer_dots()) {
    if (name == kernels->name) return true;
  }
  return false;
}

// Of loops named after backends, those that this CPU has; the last is for any.
std::vector<PeakLoop> available(std::initializer_list<PeakLoop> loops) {
  std::vector<PeakLoop> found;
  for (const Kernels* kernels : available_kernels()) {
    for (const PeakLoop& loop : loops) {
      if (std::string_view(loop.name) == kernels->name) found.push_back(loop);
    }
  }
  return found;
}

std::vector<PeakLoop> find_float_peaks() {
  return available({
#if defined(__x86_64__)
    {"avx512", kRuns * kChains * 32, fma_avx512}, {"avx2", kRuns * kShortChains * 16, fma_avx2},
#elif defined(__aarch64__)
    {"neon", kRuns * kChains * 8, fma_neon},
#endif
    {
      "generic", kRuns *kShortChains * 2, chain_of_floats
    }
  });
}

std::vector<PeakLoop> find_mixed_peaks() {
  return available({
#if defined(__x86_64__)
    {"avx512", kRuns * kChains * 32, mix_avx512}, {"avx2", kRuns * kShortChains * 16, mix_avx2},
#elif defined(__aarch64__)
    {"neon", kRuns * kChains * 8, mix_neon},
#endif
    {
      "generic", kRuns *kShortChains * 2, chain_of_floats
    }
  });
}

std::vector<PeakLoop> find_division_peaks() {
  return available({
#if defined(__x86_64__)
    {"avx512", kRuns * kChains * 16, division_avx512}, {"avx2", kRuns * kShortChains * 8, division_avx2},
#elif defined(__aarch64__)
    {"neon", kRuns * kChains * 4, division_neon},
#endif
    {
      "generic", kRuns *kShortChains, chain_of_divisions
    }
  });
}

std::vector<PeakLoop> find_integer_peaks() {
  std::vector<PeakLoop> found;
  const auto add = [&](PeakLoop peak) {
    if (has_integer_dot(peak.name)) found.push_back(peak);
  };
#if defined(__x86_64__)
  add({"amx", static_cast<double>(kTileSteps) * kTileOperations, dot_amx});
  add({"avx512-vnni", kRuns * kChains * 128, dot_avx512_vnni});
  add({"avx2-vnni", kRuns * kShortChains * 64, dot_avx2_vnni});
  add({"avx512", kRuns * kChains * 64, dot_avx512});
  add({"avx2", kRuns * kShortChains * 32, dot_avx2});
#elif defined(__aarch64__)
  add({"neon-sdot", kRuns * kChains * 32, dot_neon_sdot});
  add({"neon", kRuns * kChains * 8, dot_neon});
#endif
  add({"generic", kRuns * kShortChains * 2, chain_of_integers});
  return found;
}

}  // namespace

std::span<const PeakLoop> float_peaks() {
  static const std::vector<PeakLoop> kFound = find_float_peaks();
  return kFound;
}

std::span<const PeakLoop> mixed_peaks() {
  static const std::vector<PeakLoop> kFound = find_mixed_peaks();
  return kFound;
}

std::span<const PeakLoop> division_peaks() {
  static const std::vector<PeakLoop> kFound = find_division_peaks();
  return kFound;
}

std::span<const PeakLoop> integer_peaks() {
  static const std::vector<PeakLoop> kFound = find_integer_peaks();
  return kFound;
}

const PeakLoop& own_peak(std::span<const PeakLoop> peaks, std::string_view name) {
  const auto own = std::ranges::find_if(peaks, [&](const PeakLoop& peak) { return name == peak.name; });
  return own == peaks.end() ? peaks.front() : *own;
}

void copy_past_caches(float* to, const float* from, std::size_t count) {
#if defined(__x86_64__)
  constexpr std::size_t kLanes = 4;
  for (std::size_t i = 0; i < count; i += kLanes) _mm_stream_ps(to + i, _mm_load_ps(from + i));
  _mm_sfence();
#else
  std::memcpy(to, from, count * sizeof(float));
#endif
}

}  // namespace starling::exact
