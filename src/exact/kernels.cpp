#include "exact/kernels.h"

#include <string>
#include <vector>

#include "exact/generic/backend.h"
#if defined(STARLING_X86_BACKENDS)
#include "exact/avx2/backend.h"
#include "exact/avx512/backend.h"
#endif

namespace starling::exact {
namespace {

std::vector<const Kernels*> find_kernels() {
  std::vector<const Kernels*> found;
#if defined(STARLING_X86_BACKENDS)
  // These also ask whether the operating system keeps the registers. A table is made by code of its own instruction
  // set, so only after the check.
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
                      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq");
  if (avx512) {
    static const Kernels kTable = avx512::make_kernels();
    found.push_back(&kTable);
  }
  if (avx2) {
    static const Kernels kTable = avx2::make_kernels();
    found.push_back(&kTable);
  }
#endif
  static const Kernels kTable = generic::make_kernels();
  found.push_back(&kTable);
  return found;
}

}  // namespace

std::span<const Kernels* const> available_kernels() {
  static const std::vector<const Kernels*> kAvailable = find_kernels();
  return kAvailable;
}

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
                           "\" on this CPU; STARLING_BACKEND can be one of " + names + ", or unset for the best.");
}

}  // namespace starling::exact
