#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

namespace starling::exact::avx2 {

// Eight lanes in one register; members as in exact/loops/scalar.h, and what loops over memory need.
struct Vector {
  static constexpr int kLanes = 8;
  static constexpr std::size_t kInStep = 2;  // vectors that long chains of operations are done on together
  // The register block of a product: rows by vectors.
  static constexpr int kDotRows = 6;
  static constexpr int kDotVectors = 2;
  using F = __m256;
  using I = __m256i;
  using M = __m256;

  static F broadcast(float value) { return _mm256_set1_ps(value); }
  static I broadcast_bits(std::uint32_t value) { return _mm256_set1_epi32(static_cast<int>(value)); }
  static F load(const float* from) { return _mm256_loadu_ps(from); }
  static void store(float* to, F value) { _mm256_storeu_ps(to, value); }
  // Past the caches; `to` is a multiple of the vector's size.
  static void store_past(float* to, F value) { _mm256_stream_ps(to, value); }
  static void settle() { _mm_sfence(); }
  // The first count lanes, count < kLanes; load gives zeros in the others. Nothing else is touched.
  static F load_first(const float* from, std::size_t count) { return _mm256_maskload_ps(from, first(count)); }
  static void store_first(float* to, std::size_t count, F value) { _mm256_maskstore_ps(to, first(count), value); }
  // Lane i from from[i * step]; no other memory is read.
  static F load_strided(const float* from, std::ptrdiff_t step) {
    if (step == 2) {
      const F low = load(from);       // elements 0 to 7
      const F high = load(from + 7);  // elements 7 to 14
      const F mixed =
          _mm256_shuffle_ps(low, _mm256_permutevar8x32_ps(high, _mm256_setr_epi32(1, 1, 3, 3, 5, 5, 7, 7)), 0x88);
      return _mm256_permutevar8x32_ps(mixed, _mm256_setr_epi32(0, 1, 4, 5, 2, 3, 6, 7));
    }
    if (step == -1) return _mm256_permutevar8x32_ps(load(from - 7), _mm256_setr_epi32(7, 6, 5, 4, 3, 2, 1, 0));
    if (step < (1 << 26) && step > -(1 << 26)) {
      const I lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
      return _mm256_i32gather_ps(from, _mm256_mullo_epi32(lane, _mm256_set1_epi32(static_cast<int>(step))), 4);
    }
    alignas(32) float lanes[kLanes];
    for (int i = 0; i < kLanes; ++i) lanes[i] = from[i * step];
    return load(lanes);
  }

  static F add(F a, F b) { return _mm256_add_ps(a, b); }
  static F sub(F a, F b) { return _mm256_sub_ps(a, b); }
  static F mul(F a, F b) { return _mm256_mul_ps(a, b); }
  static F div(F a, F b) { return _mm256_div_ps(a, b); }
  static F sqrt(F a) { return _mm256_sqrt_ps(a); }
  static F fma(F a, F b, F c) { return _mm256_fmadd_ps(a, b, c); }

  static I bits(F a) { return _mm256_castps_si256(a); }
  static F from_bits(I a) { return _mm256_castsi256_ps(a); }
  static I add_bits(I a, I b) { return _mm256_add_epi32(a, b); }
  static I sub_bits(I a, I b) { return _mm256_sub_epi32(a, b); }
  static I and_bits(I a, I b) { return _mm256_and_si256(a, b); }
  static I or_bits(I a, I b) { return _mm256_or_si256(a, b); }
  static I xor_bits(I a, I b) { return _mm256_xor_si256(a, b); }
  template <int kBits>
  static I shift_left(I a) {
    return _mm256_slli_epi32(a, kBits);
  }
  template <int kBits>
  static I shift_right(I a) {
    return _mm256_srai_epi32(a, kBits);
  }
  template <int kBits>
  static I shift_right_logical(I a) {
    return _mm256_srli_epi32(a, kBits);
  }
  // The low and high halves of the unsigned 64-bit products.
  static I multiply_low(I a, I b) { return _mm256_mullo_epi32(a, b); }
  static I multiply_high(I a, I b) {
    const I even = _mm256_srli_epi64(_mm256_mul_epu32(a, b), 32);
    const I odd = _mm256_mul_epu32(_mm256_srli_epi64(a, 32), _mm256_srli_epi64(b, 32));
    return _mm256_blend_epi32(even, odd, 0xaa);
  }
  static I round(F a) { return _mm256_cvtps_epi32(a); }
  static F to_float(I a) { return _mm256_cvtepi32_ps(a); }
  static I greater_integer(I a, I b) { return _mm256_max_epi32(a, b); }
  // The lowest byte of each lane.
  static void store_low_bytes(std::uint8_t* to, I a) {
    const I pick = _mm256_setr_epi8(0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,  //
                                    0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1);
    const I picked = _mm256_shuffle_epi8(a, pick);
    const __m128i both = _mm_unpacklo_epi32(_mm256_castsi256_si128(picked), _mm256_extracti128_si256(picked, 1));
    _mm_storel_epi64(reinterpret_cast<__m128i*>(to), both);
  }

  // The lanes of four vectors after each other, of numbers that i8 has; past the caches `to` is a multiple of their
  // size.
  static void store_bytes(std::uint8_t* to, const I (&a)[4]) {
    _mm256_storeu_si256(reinterpret_cast<I*>(to), bytes_of(a));
  }
  static void store_bytes_past(std::uint8_t* to, const I (&a)[4]) {
    _mm256_stream_si256(reinterpret_cast<I*>(to), bytes_of(a));
  }

  static M less(F a, F b) { return _mm256_cmp_ps(a, b, _CMP_LT_OQ); }
  static M equal(F a, F b) { return _mm256_cmp_ps(a, b, _CMP_EQ_OQ); }
  static M unordered(F a, F b) { return _mm256_cmp_ps(a, b, _CMP_UNORD_Q); }
  static M any_bits(I a, I mask) {
    const I none = _mm256_cmpeq_epi32(_mm256_and_si256(a, mask), _mm256_setzero_si256());
    return _mm256_castsi256_ps(_mm256_xor_si256(none, _mm256_set1_epi32(-1)));
  }
  static M either(M a, M b) { return _mm256_or_ps(a, b); }
  static bool any(M a) { return _mm256_movemask_ps(a) != 0; }
  static F select(M condition, F a, F b) { return _mm256_blendv_ps(b, a, condition); }
  static F greater_of(F a, F b) { return _mm256_max_ps(a, b); }
  static F lesser_of(F a, F b) { return _mm256_min_ps(a, b); }

  // Of the lanes of a and then b, those of even places and those of odd ones.
  static void unzip(F& a, F& b) {
    const F even = _mm256_shuffle_ps(a, b, 0x88);
    const F odd = _mm256_shuffle_ps(a, b, 0xdd);
    a = quarters_in_order(even);
    b = quarters_in_order(odd);
  }

  // rows[i] lane j becomes rows[j] lane i.
  static void transpose(F (&rows)[kLanes]) {
    F pairs[kLanes];
    for (int i = 0; i < kLanes; i += 2) {
      pairs[i] = _mm256_unpacklo_ps(rows[i], rows[i + 1]);
      pairs[i + 1] = _mm256_unpackhi_ps(rows[i], rows[i + 1]);
    }
    F quads[kLanes];
    for (int i = 0; i < kLanes; i += 4) {
      quads[i] = _mm256_shuffle_ps(pairs[i], pairs[i + 2], 0x44);
      quads[i + 1] = _mm256_shuffle_ps(pairs[i], pairs[i + 2], 0xee);
      quads[i + 2] = _mm256_shuffle_ps(pairs[i + 1], pairs[i + 3], 0x44);
      quads[i + 3] = _mm256_shuffle_ps(pairs[i + 1], pairs[i + 3], 0xee);
    }
    for (int c = 0; c < 4; ++c) {
      rows[c] = _mm256_permute2f128_ps(quads[c], quads[4 + c], 0x20);
      rows[4 + c] = _mm256_permute2f128_ps(quads[c], quads[4 + c], 0x31);
    }
  }

 private:
  static F quarters_in_order(F a) { return _mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(a), 0xd8)); }
  static I bytes_of(const I (&a)[4]) {
    const I packed = _mm256_packs_epi16(_mm256_packs_epi32(a[0], a[1]), _mm256_packs_epi32(a[2], a[3]));
    return _mm256_permutevar8x32_epi32(packed, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
  }
  static I first(std::size_t count) {
    const I lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(count)), lane);
  }
};

}  // namespace starling::exact::avx2
