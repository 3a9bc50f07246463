#pragma once

#include <cmath>
#include <cstdint>

#include "exact/loops/portable.h"
#include "exact/loops/scalar.h"

namespace starling::exact::cuda {

// One lane, for exact/loops/: members as of loops::Scalar. On a GPU every rounded operation is the intrinsic that is
// rounded to nearest even and never contracted; subnormals are kept (nvcc's -ftz=false).
struct Lane {
  static constexpr int kLanes = 1;
  using F = float;
  using I = std::int32_t;
  using M = bool;

  STARLING_BOTH static F broadcast(float value) { return value; }
  STARLING_BOTH static I broadcast_bits(std::uint32_t value) { return static_cast<I>(value); }
  STARLING_BOTH static F load(const float* from) { return *from; }
  STARLING_BOTH static void store(float* to, F value) { *to = value; }

#if defined(__CUDA_ARCH__)
  STARLING_BOTH static F add(F a, F b) { return __fadd_rn(a, b); }
  STARLING_BOTH static F sub(F a, F b) { return __fsub_rn(a, b); }
  STARLING_BOTH static F mul(F a, F b) { return __fmul_rn(a, b); }
  STARLING_BOTH static F div(F a, F b) { return __fdiv_rn(a, b); }
  STARLING_BOTH static F sqrt(F a) { return __fsqrt_rn(a); }
  STARLING_BOTH static F fma(F a, F b, F c) { return __fmaf_rn(a, b, c); }
  STARLING_BOTH static F to_float(I a) { return __int2float_rn(a); }
  // To the nearest integer, halves to even; |a| < 2^31.
  STARLING_BOTH static I nearest(F a) { return __float2int_rn(a); }
#else
  STARLING_BOTH static F add(F a, F b) { return a + b; }
  STARLING_BOTH static F sub(F a, F b) { return a - b; }
  STARLING_BOTH static F mul(F a, F b) { return a * b; }
  STARLING_BOTH static F div(F a, F b) { return a / b; }
  STARLING_BOTH static F sqrt(F a) { return loops::Scalar::sqrt(a); }
  STARLING_BOTH static F fma(F a, F b, F c) { return loops::Scalar::fma(a, b, c); }
  STARLING_BOTH static F to_float(I a) { return static_cast<float>(a); }
  STARLING_BOTH static I nearest(F a) { return static_cast<I>(std::rint(a)); }
#endif

  STARLING_BOTH static I bits(F a) {
    I result;
    __builtin_memcpy(&result, &a, sizeof result);
    return result;
  }
  STARLING_BOTH static F from_bits(I a) {
    F result;
    __builtin_memcpy(&result, &a, sizeof result);
    return result;
  }
  STARLING_BOTH static I add_bits(I a, I b) {
    return static_cast<I>(static_cast<std::uint32_t>(a) + static_cast<std::uint32_t>(b));
  }
  STARLING_BOTH static I sub_bits(I a, I b) {
    return static_cast<I>(static_cast<std::uint32_t>(a) - static_cast<std::uint32_t>(b));
  }
  STARLING_BOTH static I and_bits(I a, I b) { return a & b; }
  STARLING_BOTH static I or_bits(I a, I b) { return a | b; }
  STARLING_BOTH static I xor_bits(I a, I b) { return a ^ b; }
  template <int kBits>
  STARLING_BOTH static I shift_left(I a) {
    return static_cast<I>(static_cast<std::uint32_t>(a) << kBits);
  }
  template <int kBits>
  STARLING_BOTH static I shift_right(I a) {
    return a >> kBits;
  }
  template <int kBits>
  STARLING_BOTH static I shift_right_logical(I a) {
    return static_cast<I>(static_cast<std::uint32_t>(a) >> kBits);
  }
  STARLING_BOTH static I multiply_low(I a, I b) {
    return static_cast<I>(static_cast<std::uint32_t>(a) * static_cast<std::uint32_t>(b));
  }
  STARLING_BOTH static I multiply_high(I a, I b) {
    return static_cast<I>((static_cast<std::uint64_t>(static_cast<std::uint32_t>(a)) * static_cast<std::uint32_t>(b)) >>
                          32);
  }
  STARLING_BOTH static I round(F a) { return sub_bits(bits(add(a, 0x1.8p23F)), bits(0x1.8p23F)); }

  STARLING_BOTH static M less(F a, F b) { return a < b; }
  STARLING_BOTH static M equal(F a, F b) { return a == b; }
  STARLING_BOTH static M unordered(F a, F b) { return a != a || b != b; }
  STARLING_BOTH static M any_bits(I a, I mask) { return (a & mask) != 0; }
  STARLING_BOTH static M either(M a, M b) { return a || b; }
  STARLING_BOTH static bool any(M a) { return a; }
  STARLING_BOTH static F select(M condition, F a, F b) { return condition ? a : b; }
  STARLING_BOTH static F greater_of(F a, F b) { return a > b ? a : b; }
  STARLING_BOTH static F lesser_of(F a, F b) { return a < b ? a : b; }
};

}  // namespace starling::exact::cuda
