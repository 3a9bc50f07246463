#pragma once

#include <arm_neon.h>

#include <cstddef>
#include <cstdint>

namespace starling::exact::neon {

// Four lanes in one register; members as in exact/loops/scalar.h, and what loops over memory need.
struct Vector {
  static constexpr int kLanes = 4;
  static constexpr std::size_t kInStep = 4;  // vectors that long chains of operations are done on together
  // The register block of a product: rows by vectors.
  static constexpr int kDotRows = 6;
  static constexpr int kDotVectors = 4;
  using F = float32x4_t;
  using I = int32x4_t;
  using M = uint32x4_t;

  static F broadcast(float value) { return vdupq_n_f32(value); }
  static I broadcast_bits(std::uint32_t value) { return vdupq_n_s32(static_cast<std::int32_t>(value)); }
  static F load(const float* from) { return vld1q_f32(from); }
  static void store(float* to, F value) { vst1q_f32(to, value); }
  // The first count lanes, count < kLanes; load gives zeros in the others. Nothing else is touched.
  static F load_first(const float* from, std::size_t count) {
    float lanes[kLanes] = {};
    for (std::size_t i = 0; i < count; ++i) lanes[i] = from[i];
    return load(lanes);
  }
  static void store_first(float* to, std::size_t count, F value) {
    float lanes[kLanes];
    store(lanes, value);
    for (std::size_t i = 0; i < count; ++i) to[i] = lanes[i];
  }
  // Lane i from from[i * step]; no other memory is read.
  static F load_strided(const float* from, std::ptrdiff_t step) {
    const float lanes[kLanes] = {from[0], from[step], from[2 * step], from[3 * step]};
    return load(lanes);
  }

  static F add(F a, F b) { return vaddq_f32(a, b); }
  static F sub(F a, F b) { return vsubq_f32(a, b); }
  static F mul(F a, F b) { return vmulq_f32(a, b); }
  static F div(F a, F b) { return vdivq_f32(a, b); }
  static F sqrt(F a) { return vsqrtq_f32(a); }
  static F fma(F a, F b, F c) { return vfmaq_f32(c, a, b); }

  static I bits(F a) { return vreinterpretq_s32_f32(a); }
  static F from_bits(I a) { return vreinterpretq_f32_s32(a); }
  static I add_bits(I a, I b) { return vaddq_s32(a, b); }
  static I sub_bits(I a, I b) { return vsubq_s32(a, b); }
  static I and_bits(I a, I b) { return vandq_s32(a, b); }
  static I or_bits(I a, I b) { return vorrq_s32(a, b); }
  static I xor_bits(I a, I b) { return veorq_s32(a, b); }
  template <int kBits>
  static I shift_left(I a) {
    return vshlq_n_s32(a, kBits);
  }
  template <int kBits>
  static I shift_right(I a) {
    return vshrq_n_s32(a, kBits);
  }
  template <int kBits>
  static I shift_right_logical(I a) {
    return vreinterpretq_s32_u32(vshrq_n_u32(vreinterpretq_u32_s32(a), kBits));
  }
  // The low and high halves of the unsigned 64-bit products.
  static I multiply_low(I a, I b) { return vmulq_s32(a, b); }
  static I multiply_high(I a, I b) {
    const uint32x4_t x = vreinterpretq_u32_s32(a);
    const uint32x4_t y = vreinterpretq_u32_s32(b);
    const uint64x2_t low = vmull_u32(vget_low_u32(x), vget_low_u32(y));
    const uint64x2_t high = vmull_high_u32(x, y);
    return vreinterpretq_s32_u32(vuzp2q_u32(vreinterpretq_u32_u64(low), vreinterpretq_u32_u64(high)));
  }
  static I round(F a) { return vcvtnq_s32_f32(a); }
  static F to_float(I a) { return vcvtq_f32_s32(a); }
  static I greater_integer(I a, I b) { return vmaxq_s32(a, b); }
  // The lowest byte of each lane.
  static void store_low_bytes(std::uint8_t* to, I a) {
    const int16x4_t halves = vmovn_s32(a);
    const int8x8_t bytes = vmovn_s16(vcombine_s16(halves, halves));
    __builtin_memcpy(to, &bytes, kLanes);
  }

  // The lanes of four vectors after each other, of numbers that i8 has.
  static void store_bytes(std::uint8_t* to, const I (&a)[4]) {
    const int16x8_t low = vcombine_s16(vmovn_s32(a[0]), vmovn_s32(a[1]));
    const int16x8_t high = vcombine_s16(vmovn_s32(a[2]), vmovn_s32(a[3]));
    const int8x16_t bytes = vcombine_s8(vmovn_s16(low), vmovn_s16(high));
    __builtin_memcpy(to, &bytes, sizeof bytes);
  }

  static M less(F a, F b) { return vcltq_f32(a, b); }
  static M equal(F a, F b) { return vceqq_f32(a, b); }
  static M unordered(F a, F b) { return vmvnq_u32(vandq_u32(vceqq_f32(a, a), vceqq_f32(b, b))); }
  static M any_bits(I a, I mask) { return vtstq_s32(a, mask); }
  static M either(M a, M b) { return vorrq_u32(a, b); }
  static bool any(M a) { return vmaxvq_u32(a) != 0; }
  static F select(M condition, F a, F b) { return vbslq_f32(condition, a, b); }
  // FMAX and FMIN give a NaN where an operand is one.
  static F greater_of(F a, F b) { return vbslq_f32(vcgtq_f32(a, b), a, b); }
  static F lesser_of(F a, F b) { return vbslq_f32(vcltq_f32(a, b), a, b); }

  // Of the lanes of a and then b, those of even places and those of odd ones.
  static void unzip(F& a, F& b) {
    const F first = a;
    a = vuzp1q_f32(first, b);
    b = vuzp2q_f32(first, b);
  }

  // rows[i] lane j becomes rows[j] lane i.
  static void transpose(F (&rows)[kLanes]) {
    const F even01 = vtrn1q_f32(rows[0], rows[1]);
    const F odd01 = vtrn2q_f32(rows[0], rows[1]);
    const F even23 = vtrn1q_f32(rows[2], rows[3]);
    const F odd23 = vtrn2q_f32(rows[2], rows[3]);
    rows[0] = vcombine_f32(vget_low_f32(even01), vget_low_f32(even23));
    rows[1] = vcombine_f32(vget_low_f32(odd01), vget_low_f32(odd23));
    rows[2] = vcombine_f32(vget_high_f32(even01), vget_high_f32(even23));
    rows[3] = vcombine_f32(vget_high_f32(odd01), vget_high_f32(odd23));
  }
};

}  // namespace starling::exact::neon
