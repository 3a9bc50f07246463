#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace starling::cli {

// out[m, n] = a[m, k] · b[n, k]ᵀ, all row-major and without gaps.
template <typename In, typename Out>
using PeerProduct =
    std::function<void(std::int64_t m, std::int64_t n, std::int64_t k, const In* a, const In* b, Out* out)>;

// What a library that is loaded when it is asked for does, or what to install. Loading may change how the thread
// rounds.
struct ProductLibrary {
  std::string name;  // with its version, and the kernels that it was told to take
  PeerProduct<float, float> floats;
  PeerProduct<std::int8_t, std::int32_t> integers;  // sums alone: it dequantises nothing
  std::function<void(int)> set_threads;
  std::string missing;  // empty if it is there
};

// With its best kernels for this CPU (SkylakeX, Haswell), or those that STARLING_BENCH_PEER names: by itself it takes
// AVX2 where it does not know the CPU.
ProductLibrary load_openblas();
// Limited by ONEDNN_MAX_CPU_ISA, if that is set: it reads it once.
ProductLibrary load_onednn();

}  // namespace starling::cli
