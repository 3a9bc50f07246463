#pragma once

#include <cstdint>

#include "exact/generic/vector.h"

namespace starling::exact::generic {

// Words of two numbers of 16 bits, four to a vector, for any CPU (see exact/loops/integer_dot.h).
struct IntegerVector {
  using Floats = Vector;
  static constexpr int kLanes = 4;
  static constexpr int kDepth = 2;
  static constexpr int kRows = 4;
  static constexpr int kVectors = 2;
  static constexpr bool kWidens = true;
  static constexpr bool kOffsetsSigned = false;
  static constexpr bool kOffsetsUnsigned = false;
  using I = std::int32_t __attribute__((vector_size(16)));
  using Unsigned = std::uint32_t __attribute__((vector_size(16)));

  static I broadcast(std::int32_t value) { return I{value, value, value, value}; }
  static I broadcast_word(const std::uint8_t* word) {
    std::int32_t value;
    __builtin_memcpy(&value, word, sizeof value);
    return broadcast(value);
  }
  static I load(const void* from) {
    I result;
    __builtin_memcpy(&result, from, sizeof result);
    return result;
  }
  static void store(std::int32_t* to, I value) { __builtin_memcpy(to, &value, sizeof value); }

  template <bool kSigned>
  static I row_words(const std::uint8_t* from) {
    std::int16_t numbers[kLanes * kDepth];
    for (int i = 0; i < kLanes * kDepth; ++i) {
      numbers[i] = static_cast<std::int16_t>(kSigned ? static_cast<std::int8_t>(from[i]) : from[i]);
    }
    I result;
    __builtin_memcpy(&result, numbers, sizeof result);
    return result;
  }
  template <bool kUnsigned>
  static I column_words(const std::uint8_t* from) {
    return row_words<true>(from);
  }

  template <bool kUnsigned>
  static I accumulate(I sum, I a, I b) {
#if defined(__SSE2__)
    const auto products =
        reinterpret_cast<I>(_mm_madd_epi16(reinterpret_cast<__m128i>(a), reinterpret_cast<__m128i>(b)));
    return sum + products;
#elif defined(__wasm_simd128__)
    return sum + reinterpret_cast<I>(wasm_i32x4_dot_i16x8(reinterpret_cast<v128_t>(a), reinterpret_cast<v128_t>(b)));
#else
    // The halves of a word: which of the two comes first does not matter.
    const I low = (reinterpret_cast<I>(reinterpret_cast<Unsigned>(a) << 16) >> 16) *
                  (reinterpret_cast<I>(reinterpret_cast<Unsigned>(b) << 16) >> 16);
    return sum + low + (a >> 16) * (b >> 16);
#endif
  }

  static void transpose(I (&rows)[kLanes]) {
    Vector::F as_floats[kLanes];
    for (int i = 0; i < kLanes; ++i) as_floats[i] = Vector::from_bits(rows[i]);
    Vector::transpose(as_floats);
    for (int i = 0; i < kLanes; ++i) rows[i] = Vector::bits(as_floats[i]);
  }
};

}  // namespace starling::exact::generic
