#include "exact/kernels.h"

#include <string>
#include <vector>

#include "exact/generic/backend.h"
#include "exact/same_sums.h"
#if defined(STARLING_X86_BACKENDS)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "exact/amx/backend.h"
#include "exact/avx2/backend.h"
#include "exact/avx512/backend.h"
#elif defined(STARLING_ARM64_BACKENDS)
#include <asm/hwcap.h>
#include <sys/auxv.h>

#include "exact/neon/backend.h"
#endif

namespace starling::exact {
namespace {

struct Found {
  std::vector<const Kernels*> kernels;
  std::vector<const IntegerDotKernels*> integer_dots;
};

#if defined(STARLING_X86_BACKENDS)
// Leaf 7.1, register EAX, bit 4. It uses the registers of AVX2 and needs nothing else of the operating system.
bool has_avx_vnni() {
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  return __get_cpuid_count(7, 1, &a, &b, &c, &d) != 0 && (a & (1U << 4)) != 0;
}
#endif

#if defined(STARLING_X86_BACKENDS)
// Tiles of 16 rows of 64 bytes that multiply bytes (leaf 7, register EDX, bits 24 and 25; leaf 0x1d, palette 1), whose
// registers the system keeps (XCR0, bits 17 and 18) and lets this process use.
bool has_amx() {
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  constexpr unsigned kTilesAndBytes = 3U << 24;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0 || (d & kTilesAndBytes) != kTilesAndBytes) return false;
  constexpr unsigned kRowsAndBytes = 16;
  if (__get_cpuid_count(0x1d, 1, &a, &b, &c, &d) == 0 || b >> kRowsAndBytes < 8 || (b & 0xffffU) < 64 ||
      (c & 0xffffU) < 16) {
    return false;
  }
  constexpr unsigned kSystemKeepsMore = 1U << 27;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & kSystemKeepsMore) == 0) return false;
  unsigned low = 0;
  unsigned high = 0;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  constexpr unsigned kTileRegisters = 3U << 17;
  if ((low & kTileRegisters) != kTileRegisters) return false;
  constexpr long kAskForRegisters = 0x1023;  // ARCH_REQ_XCOMP_PERM
  constexpr long kTileData = 18;
  return ::syscall(SYS_arch_prctl, kAskForRegisters, kTileData) == 0;
}
#endif

#if defined(STARLING_X86_BACKENDS) || defined(STARLING_ARM64_BACKENDS)
// The backend's table with its better integer products, and those that it has on every CPU.
void add(Found& found, Kernels& plain, Kernels& better, void (*fill_better)(Kernels&)) {
  if (fill_better != nullptr) {
    better = plain;
    fill_better(better);
    found.integer_dots.push_back(&better.integer_dot);
  }
  found.integer_dots.push_back(&plain.integer_dot);
  found.kernels.push_back(fill_better != nullptr ? &better : &plain);
}
#endif

Found find_kernels() {
  Found found;
#if defined(STARLING_X86_BACKENDS)
  // These also ask whether the operating system keeps the registers. A table is made by code of its own instruction
  // set, so only after the check.
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
                      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq");
  if (avx512) {
    static Kernels plain = avx512::make_kernels();
    static Kernels with_vnni;
    add(found, plain, with_vnni, __builtin_cpu_supports("avx512vnni") ? avx512::fill_integer_dot_vnni : nullptr);
  }
  static Kernels tiles;
  if (avx512 && has_amx()) {
    tiles = *found.kernels.front();
    amx::fill_table(tiles);
    // Nobody has run this on such a CPU, so it is believed only where it agrees.
    if (same_sums(tiles.integer_dot, found.kernels.front()->integer_dot)) {
      found.integer_dots.insert(found.integer_dots.begin(), &tiles.integer_dot);
      found.kernels.insert(found.kernels.begin(), &tiles);
    }
  }
  if (avx2) {
    static Kernels plain = avx2::make_kernels();
    static Kernels with_vnni;
    add(found, plain, with_vnni, has_avx_vnni() ? avx2::fill_integer_dot_vnni : nullptr);
  }
#elif defined(STARLING_ARM64_BACKENDS)
  // Every such CPU has NEON; not every one multiplies bytes.
  static Kernels plain = neon::make_kernels();
  static Kernels with_sdot;
  add(found, plain, with_sdot, (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0 ? neon::fill_integer_dot_sdot : nullptr);
#endif
  static const Kernels kTable = generic::make_kernels();
  found.kernels.push_back(&kTable);
  found.integer_dots.push_back(&kTable.integer_dot);
  return found;
}

const Found& all_found() {
  static const Found kFound = find_kernels();
  return kFound;
}

}  // namespace

std::span<const Kernels* const> available_kernels() { return all_found().kernels; }

std::span<const IntegerDotKernels* const> available_integer_dots() { return all_found().integer_dots; }

namespace {

#if defined(STARLING_CUDA)
constexpr const char* kOnDevices = "cuda, cuda-emulated";
#else
constexpr const char* kOnDevices = "cuda-emulated";
#endif

}  // namespace

base::Result<const Kernels*> choose_kernels(std::string_view forced) {
  const std::span<const Kernels* const> available = available_kernels();
  if (forced.empty()) return available.front();
  std::string names;
  for (const Kernels* kernels : available) {
    if (forced == kernels->name) return kernels;
    names += names.empty() ? "" : ", ";
    names += kernels->name;
  }
  return base::unsupported("There is no backend \"" + std::string(forced) +
                           "\" on this CPU; STARLING_BACKEND can be one of " + names + ", reference, " + kOnDevices +
                           ", or unset for the best.");
}

}  // namespace starling::exact
