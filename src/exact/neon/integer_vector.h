#pragma once

#include <cstdint>

#include "exact/neon/vector.h"

namespace starling::exact::neon {

// What both kinds of words share (see exact/loops/integer_dot.h).
struct IntegerWords {
  using Floats = Vector;
  static constexpr int kLanes = 4;
  static constexpr int kRows = 6;
  static constexpr int kVectors = 4;
  using I = int32x4_t;

  static I broadcast(std::int32_t value) { return vdupq_n_s32(value); }
  static I broadcast_word(const std::uint8_t* word) {
    std::int32_t value;
    __builtin_memcpy(&value, word, sizeof value);
    return broadcast(value);
  }
  static I load(const void* from) { return vreinterpretq_s32_u8(vld1q_u8(static_cast<const std::uint8_t*>(from))); }
  static void store(std::int32_t* to, I value) { vst1q_s32(to, value); }

  static void transpose(I (&rows)[kLanes]) {
    Vector::F as_floats[kLanes];
    for (int i = 0; i < kLanes; ++i) as_floats[i] = Vector::from_bits(rows[i]);
    Vector::transpose(as_floats);
    for (int i = 0; i < kLanes; ++i) rows[i] = Vector::bits(as_floats[i]);
  }
};

// Two numbers of 16 bits a word, whose products are added in pairs.
struct IntegerVector : IntegerWords {
  static constexpr int kDepth = 2;
  static constexpr bool kWidens = true;
  static constexpr bool kOffsetsSigned = false;
  static constexpr bool kOffsetsUnsigned = false;

  template <bool kSigned>
  static I row_words(const std::uint8_t* from) {
    const uint8x8_t bytes = vld1_u8(from);
    if (kSigned) return vreinterpretq_s32_s16(vmovl_s8(vreinterpret_s8_u8(bytes)));
    return vreinterpretq_s32_u16(vmovl_u8(bytes));
  }
  template <bool kUnsigned>
  static I column_words(const std::uint8_t* from) {
    return row_words<true>(from);
  }
  template <bool kUnsigned>
  static I accumulate(I sum, I a, I b) {
    const int16x8_t x = vreinterpretq_s16_s32(a);
    const int16x8_t y = vreinterpretq_s16_s32(b);
    return vaddq_s32(sum, vpaddq_s32(vmull_s16(vget_low_s16(x), vget_low_s16(y)), vmull_high_s16(x, y)));
  }
};

}  // namespace starling::exact::neon
