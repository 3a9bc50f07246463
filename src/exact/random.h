#pragma once

#include <array>
#include <cstdint>

namespace starling::exact {

// Random tensors are functions of (key, stream, element index): no state, any element alone, in any order.
//
// Element i comes from word i % 4 of Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011)
// with counter (low 32 bits of i / 4, high 32 bits of i / 4, stream, 0) and key (low 32 bits of key, high 32 bits of
// key). A seed tensor i32[2] is the key with seed[0] in the low half.
std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key);

inline std::uint64_t random_key(std::int32_t seed0, std::int32_t seed1) {
  return static_cast<std::uint32_t>(seed0) | static_cast<std::uint64_t>(static_cast<std::uint32_t>(seed1)) << 32;
}

// [0, 1), a multiple of 2^-24: (w >> 8) · 2^-24.
float uniform_at(std::uint64_t key, std::uint32_t stream, std::uint64_t index);

// N(0,1) by Box and Muller (1958), words 0 and 1 for elements 0 and 1 of the four, words 2 and 3 for elements 2 and 3.
// With u = ((w_even >> 8) + 1) · 2^-24 in (0, 1] and angle = float(w_odd >> 8) · (2π · 2^-24 rounded to f32), radius =
// sqrt(-2 · log(u)): the even element is radius · cos(angle), the odd one radius · sin(angle), in the functions of
// exact/math.h.
float normal_at(std::uint64_t key, std::uint32_t stream, std::uint64_t index);

}  // namespace starling::exact
