#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace starling::exact {

// Loops of one instruction, independent of memory: what a core can do at most, to set what operators do beside it.
struct PeakLoop {
  const char* name;   // "f32", or an integer product's (IntegerDotKernels::name)
  double operations;  // of one run: two for each multiply-add of products, one of each other instruction's numbers
  void (*run)();
};

// Those that this CPU can run, best first; the last ones are plain C++.
std::span<const PeakLoop> float_peaks();
// Multiply-adds and additions in turns, each one operation: what is between products.
std::span<const PeakLoop> mixed_peaks();
std::span<const PeakLoop> division_peaks();
std::span<const PeakLoop> integer_peaks();
// That of a backend or kind of product, or the best where it has none of its own (AMX's numbers of f32 are AVX-512's).
const PeakLoop& own_peak(std::span<const PeakLoop> peaks, std::string_view name);

// Copies as fast as memory takes it, past the caches where the CPU can. Ranges aligned to 64 bytes, whole lines.
void copy_past_caches(float* to, const float* from, std::size_t count);

}  // namespace starling::exact
