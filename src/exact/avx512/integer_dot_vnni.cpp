// Compiled with AVX512-VNNI: to be called where the CPU has it.
#include "exact/avx512/backend.h"
#include "exact/avx512/integer_vector.h"
#include "exact/loops/integer_dot.h"

namespace starling::exact::avx512 {
namespace {

// Four bytes a word, for VPDPBUSD, which multiplies unsigned with signed bytes: signed rows meet columns that are
// packed with 128 added, and begin with -128 times the sum of the row.
struct ByteVector : IntegerWords {
  static constexpr int kDepth = 4;
  static constexpr bool kWidens = false;
  static constexpr bool kOffsetsSigned = true;
  static constexpr bool kOffsetsUnsigned = false;

  template <bool kSigned>
  static I row_words(const std::uint8_t* from) {
    return load(from);
  }
  template <bool kUnsigned>
  static I column_words(const std::uint8_t* from) {
    return kUnsigned ? load(from) : _mm512_xor_si512(load(from), _mm512_set1_epi8(-128));
  }
  template <bool kUnsigned>
  static I accumulate(I sum, I a, I b) {
    return kUnsigned ? _mm512_dpbusd_epi32(sum, a, b) : _mm512_dpbusd_epi32(sum, b, a);
  }
};

}  // namespace

void fill_integer_dot_vnni(Kernels& kernels) {
  kernels.integer_dot = loops::IntegerDot<ByteVector>::kernels("avx512-vnni");
}

}  // namespace starling::exact::avx512
