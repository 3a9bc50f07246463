#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "exact/loops/scalar.h"

#if defined(__wasm_simd128__)
#include <wasm_simd128.h>
#endif

namespace starling::exact::generic {

// Four lanes in the compilers' portable vectors, for any CPU; members as in exact/loops/scalar.h, and what loops over
// memory need.
struct Vector {
  static constexpr int kLanes = 4;
  static constexpr std::size_t kInStep = 1;  // vectors that long chains of operations are done on together
  // The register block of a product: rows by vectors.
  static constexpr int kDotRows = 4;
  static constexpr int kDotVectors = 1;
  using F = float __attribute__((vector_size(16)));
  using I = std::int32_t __attribute__((vector_size(16)));
  using M = I;
  using Unsigned = std::uint32_t __attribute__((vector_size(16)));
  using Wide = double __attribute__((vector_size(32)));
  using WideWords = std::int32_t __attribute__((vector_size(32)));
  static constexpr int kLowWord = std::endian::native == std::endian::little ? 0 : 1;  // of a double

  static F broadcast(float value) { return F{value, value, value, value}; }
  static I broadcast_bits(std::uint32_t value) {
    const auto bits = static_cast<std::int32_t>(value);
    return I{bits, bits, bits, bits};
  }
  static F load(const float* from) {
    F result;
    __builtin_memcpy(&result, from, sizeof result);
    return result;
  }
  static void store(float* to, F value) { __builtin_memcpy(to, &value, sizeof value); }
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
    return F{from[0], from[step], from[2 * step], from[3 * step]};
  }

  static F add(F a, F b) { return a + b; }
  static F sub(F a, F b) { return a - b; }
  static F mul(F a, F b) { return a * b; }
  static F div(F a, F b) { return a / b; }
  static F sqrt(F a) {
    return lanewise(a, [](float lane) { return loops::Scalar::sqrt(lane); });
  }
  static F fma(F a, F b, F c) {
#if !defined(__FMA__) && !defined(__ARM_FEATURE_FMA)
    // The product is exact in binary64. Rounding the sum twice is wrong only if the first rounding ends halfway between
    // two binary32 numbers, which then has at least 28 zeros at its end.
    const Wide sum =
        __builtin_convertvector(a, Wide) * __builtin_convertvector(b, Wide) + __builtin_convertvector(c, Wide);
    const auto words = reinterpret_cast<WideWords>(sum);
    const I low = __builtin_shufflevector(words, words, kLowWord, kLowWord + 2, kLowWord + 4, kLowWord + 6);
    if (!any((low & 0x0fffffff) == 0)) [[likely]] {
      return __builtin_convertvector(sum, F);
    }
#endif
    return F{loops::Scalar::fma(a[0], b[0], c[0]), loops::Scalar::fma(a[1], b[1], c[1]),
             loops::Scalar::fma(a[2], b[2], c[2]), loops::Scalar::fma(a[3], b[3], c[3])};
  }

  static I bits(F a) { return reinterpret_cast<I>(a); }
  static F from_bits(I a) { return reinterpret_cast<F>(a); }
  static I add_bits(I a, I b) {
    return reinterpret_cast<I>(reinterpret_cast<Unsigned>(a) + reinterpret_cast<Unsigned>(b));
  }
  static I sub_bits(I a, I b) {
    return reinterpret_cast<I>(reinterpret_cast<Unsigned>(a) - reinterpret_cast<Unsigned>(b));
  }
  static I and_bits(I a, I b) { return a & b; }
  static I or_bits(I a, I b) { return a | b; }
  static I xor_bits(I a, I b) { return a ^ b; }
  template <int kBits>
  static I shift_left(I a) {
    return reinterpret_cast<I>(reinterpret_cast<Unsigned>(a) << kBits);
  }
  template <int kBits>
  static I shift_right(I a) {
    return a >> kBits;
  }
  template <int kBits>
  static I shift_right_logical(I a) {
    return reinterpret_cast<I>(reinterpret_cast<Unsigned>(a) >> kBits);
  }
  // The low and high halves of the unsigned 64-bit products.
  static I multiply_low(I a, I b) {
    return reinterpret_cast<I>(reinterpret_cast<Unsigned>(a) * reinterpret_cast<Unsigned>(b));
  }
  static I multiply_high(I a, I b) {
    I result;
    for (int i = 0; i < kLanes; ++i) {
      const std::uint64_t product =
          static_cast<std::uint64_t>(static_cast<std::uint32_t>(a[i])) * static_cast<std::uint32_t>(b[i]);
      result[i] = static_cast<std::int32_t>(product >> 32);
    }
    return result;
  }
  static I round(F a) { return sub_bits(bits(a + broadcast(0x1.8p23F)), bits(broadcast(0x1.8p23F))); }
  static F to_float(I a) { return __builtin_convertvector(a, F); }
  static I greater_integer(I a, I b) {
    const I first = a > b;
    return (first & a) | (~first & b);
  }
  // The lowest byte of each lane.
  static void store_low_bytes(std::uint8_t* to, I a) {
    for (int i = 0; i < kLanes; ++i) to[i] = static_cast<std::uint8_t>(a[i]);
  }

  // The lanes of four vectors after each other, of numbers that i8 has.
  static void store_bytes(std::uint8_t* to, const I (&a)[4]) {
    for (int v = 0; v < 4; ++v) store_low_bytes(to + v * kLanes, a[v]);
  }

  static M less(F a, F b) { return a < b; }
  static M equal(F a, F b) { return a == b; }
  static M unordered(F a, F b) { return (a != a) | (b != b); }
  static M any_bits(I a, I mask) { return (a & mask) != 0; }
  static M either(M a, M b) { return a | b; }
  static bool any(M a) {
#if defined(__SSE2__)
    return _mm_movemask_epi8(reinterpret_cast<__m128i>(a)) != 0;
#elif defined(__wasm_simd128__)
    return wasm_v128_any_true(reinterpret_cast<v128_t>(a));
#else
    return (a[0] | a[1] | a[2] | a[3]) != 0;
#endif
  }
  static F select(M condition, F a, F b) { return from_bits((condition & bits(a)) | (~condition & bits(b))); }
  static F greater_of(F a, F b) { return select(a > b, a, b); }
  static F lesser_of(F a, F b) { return select(a < b, a, b); }

  // Of the lanes of a and then b, those of even places and those of odd ones.
  static void unzip(F& a, F& b) {
    const F first = a;
    a = __builtin_shufflevector(first, b, 0, 2, 4, 6);
    b = __builtin_shufflevector(first, b, 1, 3, 5, 7);
  }

  // rows[i] lane j becomes rows[j] lane i.
  static void transpose(F (&rows)[kLanes]) {
    const F a = rows[0];
    const F b = rows[1];
    const F c = rows[2];
    const F d = rows[3];
    for (int i = 0; i < kLanes; ++i) rows[i] = F{a[i], b[i], c[i], d[i]};
  }

 private:
  template <class Function>
  static F lanewise(F a, Function function) {
    return F{function(a[0]), function(a[1]), function(a[2]), function(a[3])};
  }
};

}  // namespace starling::exact::generic
