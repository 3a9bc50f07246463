// Compiled with the dot products of Armv8.2: to be called where the CPU has them.
#include "exact/loops/integer_dot.h"
#include "exact/neon/backend.h"
#include "exact/neon/integer_vector.h"

namespace starling::exact::neon {
namespace {

// Four bytes a word, for SDOT and UDOT, whose operands are both signed or both not: unsigned rows meet columns that are
// packed with 128 added, and begin with -128 times the sum of the row.
struct ByteVector : IntegerWords {
  static constexpr int kDepth = 4;
  static constexpr bool kWidens = false;
  static constexpr bool kOffsetsSigned = false;
  static constexpr bool kOffsetsUnsigned = true;

  template <bool kSigned>
  static I row_words(const std::uint8_t* from) {
    return load(from);
  }
  template <bool kUnsigned>
  static I column_words(const std::uint8_t* from) {
    const uint8x16_t bytes = vld1q_u8(from);
    return vreinterpretq_s32_u8(kUnsigned ? veorq_u8(bytes, vdupq_n_u8(128)) : bytes);
  }
  template <bool kUnsigned>
  static I accumulate(I sum, I a, I b) {
    if constexpr (kUnsigned) {
      return vreinterpretq_s32_u32(
          vdotq_u32(vreinterpretq_u32_s32(sum), vreinterpretq_u8_s32(a), vreinterpretq_u8_s32(b)));
    } else {
      return vdotq_s32(sum, vreinterpretq_s8_s32(a), vreinterpretq_s8_s32(b));
    }
  }
};

}  // namespace

void fill_integer_dot_sdot(Kernels& kernels) {
  kernels.integer_dot = loops::IntegerDot<ByteVector>::kernels("neon-sdot");
}

}  // namespace starling::exact::neon
