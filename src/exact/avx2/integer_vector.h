#pragma once

#include <cstdint>

#include "exact/avx2/vector.h"

namespace starling::exact::avx2 {

// What both kinds of words share (see exact/loops/integer_dot.h).
struct IntegerWords {
  using Floats = Vector;
  static constexpr int kLanes = 8;
  static constexpr int kRows = 6;
  static constexpr int kVectors = 2;
  using I = __m256i;

  static I broadcast(std::int32_t value) { return _mm256_set1_epi32(value); }
  static I broadcast_word(const std::uint8_t* word) {
    std::int32_t value;
    __builtin_memcpy(&value, word, sizeof value);
    return broadcast(value);
  }
  static I load(const void* from) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)); }
  static void store(std::int32_t* to, I value) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), value); }

  static void transpose(I (&rows)[kLanes]) {
    Vector::F as_floats[kLanes];
    for (int i = 0; i < kLanes; ++i) as_floats[i] = Vector::from_bits(rows[i]);
    Vector::transpose(as_floats);
    for (int i = 0; i < kLanes; ++i) rows[i] = Vector::bits(as_floats[i]);
  }
};

// Two numbers of 16 bits a word, for VPMADDWD. (VPMADDUBSW would multiply bytes, but its sums of two saturate.)
struct IntegerVector : IntegerWords {
  static constexpr int kDepth = 2;
  static constexpr bool kWidens = true;
  static constexpr bool kOffsetsSigned = false;
  static constexpr bool kOffsetsUnsigned = false;

  template <bool kSigned>
  static I row_words(const std::uint8_t* from) {
    const auto bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
    return kSigned ? _mm256_cvtepi8_epi16(bytes) : _mm256_cvtepu8_epi16(bytes);
  }
  template <bool kUnsigned>
  static I column_words(const std::uint8_t* from) {
    return row_words<true>(from);
  }
  template <bool kUnsigned>
  static I accumulate(I sum, I a, I b) {
    return _mm256_add_epi32(sum, _mm256_madd_epi16(a, b));
  }
};

}  // namespace starling::exact::avx2
