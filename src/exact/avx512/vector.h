#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

namespace starling::exact::avx512 {

// Sixteen lanes in one register; members as in exact/loops/scalar.h, and what loops over memory need.
struct Vector {
  static constexpr int kLanes = 16;
  static constexpr std::size_t kInStep = 4;  // vectors that long chains of operations are done on together
  // The register block of a product: rows by vectors.
  static constexpr int kDotRows = 14;
  static constexpr int kDotVectors = 2;
  using F = __m512;
  using I = __m512i;
  using M = __mmask16;

  static F broadcast(float value) { return _mm512_set1_ps(value); }
  static I broadcast_bits(std::uint32_t value) { return _mm512_set1_epi32(static_cast<int>(value)); }
  static F load(const float* from) { return _mm512_loadu_ps(from); }
  static F load_f16(const std::uint16_t* from) {
    return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
  }
  static void store(float* to, F value) { _mm512_storeu_ps(to, value); }
  // Past the caches; `to` is a multiple of the vector's size.
  static void store_past(float* to, F value) { _mm512_stream_ps(to, value); }
  static void settle() { _mm_sfence(); }
  // The first count lanes, count < kLanes; load gives zeros in the others. Nothing else is touched.
  static F load_first(const float* from, std::size_t count) { return _mm512_maskz_loadu_ps(first(count), from); }
  static void store_first(float* to, std::size_t count, F value) { _mm512_mask_storeu_ps(to, first(count), value); }
  // Lane i from from[i * step]; no other memory is read.
  static F load_strided(const float* from, std::ptrdiff_t step) {
    if (step == 2) {
      const I even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 17, 19, 21, 23, 25, 27, 29, 31);
      return _mm512_permutex2var_ps(load(from), even, load(from + 15));
    }
    if (step == -1) {
      const I reversed = _mm512_setr_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
      return _mm512_permutexvar_ps(reversed, load(from - 15));
    }
    if (step == -2) {
      const I reversed = _mm512_setr_epi32(31, 29, 27, 25, 23, 21, 19, 17, 14, 12, 10, 8, 6, 4, 2, 0);
      return _mm512_permutex2var_ps(load(from - 30), reversed, load(from - 15));
    }
    if (step < (1 << 26) && step > -(1 << 26)) {
      const I lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
      return _mm512_i32gather_ps(_mm512_mullo_epi32(lane, _mm512_set1_epi32(static_cast<int>(step))), from, 4);
    }
    alignas(64) float lanes[kLanes];
    for (int i = 0; i < kLanes; ++i) lanes[i] = from[i * step];
    return load(lanes);
  }

  static F add(F a, F b) { return _mm512_add_ps(a, b); }
  static F sub(F a, F b) { return _mm512_sub_ps(a, b); }
  static F mul(F a, F b) { return _mm512_mul_ps(a, b); }
  static F div(F a, F b) { return _mm512_div_ps(a, b); }
  static F sqrt(F a) { return _mm512_sqrt_ps(a); }
  static F fma(F a, F b, F c) { return _mm512_fmadd_ps(a, b, c); }

  static I bits(F a) { return _mm512_castps_si512(a); }
  static F from_bits(I a) { return _mm512_castsi512_ps(a); }
  static I add_bits(I a, I b) { return _mm512_add_epi32(a, b); }
  static I sub_bits(I a, I b) { return _mm512_sub_epi32(a, b); }
  static I and_bits(I a, I b) { return _mm512_and_si512(a, b); }
  static I or_bits(I a, I b) { return _mm512_or_si512(a, b); }
  static I xor_bits(I a, I b) { return _mm512_xor_si512(a, b); }
  template <int kBits>
  static I shift_left(I a) {
    return _mm512_slli_epi32(a, kBits);
  }
  template <int kBits>
  static I shift_right(I a) {
    return _mm512_srai_epi32(a, kBits);
  }
  template <int kBits>
  static I shift_right_logical(I a) {
    return _mm512_srli_epi32(a, kBits);
  }
  // The low and high halves of the unsigned 64-bit products.
  static I multiply_low(I a, I b) { return _mm512_mullo_epi32(a, b); }
  static I multiply_high(I a, I b) {
    const I even = _mm512_srli_epi64(_mm512_mul_epu32(a, b), 32);
    const I odd = _mm512_mul_epu32(_mm512_srli_epi64(a, 32), _mm512_srli_epi64(b, 32));
    return _mm512_mask_blend_epi32(0xaaaa, even, odd);
  }
  static I round(F a) { return _mm512_cvtps_epi32(a); }
  static F to_float(I a) { return _mm512_cvtepi32_ps(a); }
  static I greater_integer(I a, I b) { return _mm512_max_epi32(a, b); }
  // a · 2^n, rounded once.
  static F scale(F a, I n) { return _mm512_scalef_ps(a, to_float(n)); }
  // The lowest byte of each lane.
  static void store_low_bytes(std::uint8_t* to, I a) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm512_cvtepi32_epi8(a));
  }

  // The lanes of four vectors after each other, of numbers that i8 has; past the caches `to` is a multiple of their
  // size.
  static void store_bytes(std::uint8_t* to, const I (&a)[4]) { _mm512_storeu_si512(to, bytes_of(a)); }
  static void store_bytes_past(std::uint8_t* to, const I (&a)[4]) {
    _mm512_stream_si512(reinterpret_cast<I*>(to), bytes_of(a));
  }

  static M less(F a, F b) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ); }
  static M equal(F a, F b) { return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ); }
  static M unordered(F a, F b) { return _mm512_cmp_ps_mask(a, b, _CMP_UNORD_Q); }
  static M any_bits(I a, I mask) { return _mm512_test_epi32_mask(a, mask); }
  static M either(M a, M b) { return static_cast<M>(a | b); }
  static bool any(M a) { return a != 0; }
  static F select(M condition, F a, F b) { return _mm512_mask_blend_ps(condition, b, a); }
  static F greater_of(F a, F b) { return _mm512_max_ps(a, b); }
  static F lesser_of(F a, F b) { return _mm512_min_ps(a, b); }

  // Of the lanes of a and then b, those of even places and those of odd ones.
  static void unzip(F& a, F& b) {
    const I even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    const I odd = _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
    const F first = a;
    a = _mm512_permutex2var_ps(first, even, b);
    b = _mm512_permutex2var_ps(first, odd, b);
  }

  // rows[i] lane j becomes rows[j] lane i.
  static void transpose(F (&rows)[kLanes]) {
    F pairs[kLanes];
    for (int i = 0; i < kLanes; i += 2) {
      pairs[i] = _mm512_unpacklo_ps(rows[i], rows[i + 1]);
      pairs[i + 1] = _mm512_unpackhi_ps(rows[i], rows[i + 1]);
    }
    F quads[kLanes];  // quads[4g + c] holds column c of rows 4g to 4g + 3, for every fourth column
    for (int i = 0; i < kLanes; i += 4) {
      quads[i] = low(pairs[i], pairs[i + 2]);
      quads[i + 1] = high(pairs[i], pairs[i + 2]);
      quads[i + 2] = low(pairs[i + 1], pairs[i + 3]);
      quads[i + 3] = high(pairs[i + 1], pairs[i + 3]);
    }
    for (int c = 0; c < 4; ++c) {
      const F upper02 = _mm512_shuffle_f32x4(quads[c], quads[4 + c], 0x88);
      const F upper13 = _mm512_shuffle_f32x4(quads[c], quads[4 + c], 0xdd);
      const F lower02 = _mm512_shuffle_f32x4(quads[8 + c], quads[12 + c], 0x88);
      const F lower13 = _mm512_shuffle_f32x4(quads[8 + c], quads[12 + c], 0xdd);
      rows[c] = _mm512_shuffle_f32x4(upper02, lower02, 0x88);
      rows[4 + c] = _mm512_shuffle_f32x4(upper13, lower13, 0x88);
      rows[8 + c] = _mm512_shuffle_f32x4(upper02, lower02, 0xdd);
      rows[12 + c] = _mm512_shuffle_f32x4(upper13, lower13, 0xdd);
    }
  }

 private:
  static I bytes_of(const I (&a)[4]) {
    const I packed = _mm512_packs_epi16(_mm512_packs_epi32(a[0], a[1]), _mm512_packs_epi32(a[2], a[3]));
    const I order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    return _mm512_permutexvar_epi32(order, packed);
  }
  static __mmask16 first(std::size_t count) { return static_cast<__mmask16>((1U << count) - 1U); }
  static F low(F a, F b) { return _mm512_castpd_ps(_mm512_unpacklo_pd(_mm512_castps_pd(a), _mm512_castps_pd(b))); }
  static F high(F a, F b) { return _mm512_castpd_ps(_mm512_unpackhi_pd(_mm512_castps_pd(a), _mm512_castps_pd(b))); }
};

}  // namespace starling::exact::avx512
