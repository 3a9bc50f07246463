#pragma once

#include "exact/kernels.h"
#include "exact/loops/math.h"

// The streams of exact/random.h over a backend's vectors V: lane l of four vectors holds the four words of block + l.

namespace starling::exact::loops {

template <class V>
struct Random {
  using F = typename V::F;
  using I = typename V::I;
  using Functions = Math<V>;
  static constexpr std::size_t kElements = 4 * V::kLanes;

  STARLING_BOTH static void philox(std::uint64_t key, std::uint32_t stream, std::uint64_t block, I (&words)[4]) {
    std::uint32_t low[V::kLanes];
    std::uint32_t high[V::kLanes];
    for (std::uint32_t i = 0; i < V::kLanes; ++i) {
      low[i] = static_cast<std::uint32_t>(block + i);
      high[i] = static_cast<std::uint32_t>((block + i) >> 32);
    }
    words[0] = load_words(low);
    words[1] = load_words(high);
    words[2] = V::broadcast_bits(stream);
    words[3] = V::broadcast_bits(0);
    auto key0 = static_cast<std::uint32_t>(key);
    auto key1 = static_cast<std::uint32_t>(key >> 32);
    const I first = V::broadcast_bits(0xd2511f53U);
    const I second = V::broadcast_bits(0xcd9e8d57U);
    for (int round = 0; round < 10; ++round) {
      const I next0 = V::xor_bits(V::xor_bits(V::multiply_high(words[2], second), words[1]), V::broadcast_bits(key0));
      const I next2 = V::xor_bits(V::xor_bits(V::multiply_high(words[0], first), words[3]), V::broadcast_bits(key1));
      words[1] = V::multiply_low(words[2], second);
      words[3] = V::multiply_low(words[0], first);
      words[0] = next0;
      words[2] = next2;
      key0 += 0x9e3779b9U;
      key1 += 0xbb67ae85U;
    }
  }

  STARLING_BOTH static I load_words(const std::uint32_t (&words)[V::kLanes]) {
    float lanes[V::kLanes];
    __builtin_memcpy(lanes, words, sizeof lanes);
    return V::bits(V::load(lanes));
  }

  STARLING_BOTH static F upper_bits(I word) { return V::to_float(V::template shift_right_logical<8>(word)); }

  STARLING_BOTH static void uniform_block(I (&words)[4], F (&values)[4]) {
    for (int j = 0; j < 4; ++j) values[j] = V::mul(upper_bits(words[j]), V::broadcast(0x1p-24F));
  }

  STARLING_BOTH static void normal_block(I (&words)[4], F (&values)[4]) {
    for (int j = 0; j < 4; j += 2) {
      const F u = V::mul(V::add(upper_bits(words[j]), V::broadcast(1.0F)), V::broadcast(0x1p-24F));
      const F angle = V::mul(upper_bits(words[j + 1]), V::broadcast(0x1.921fb6p-22F));
      const F radius = V::sqrt(V::mul(V::broadcast(-2.0F), Functions::log(u)));
      values[j] = V::mul(radius, Functions::cos(angle));
      values[j + 1] = V::mul(radius, Functions::sin(angle));
    }
  }

  template <void (*kBlock)(I (&)[4], F (&)[4])>
  static void generate(float* out, std::uint64_t key, std::uint32_t stream, std::uint64_t first, std::size_t count) {
    std::size_t done = 0;
    while (done < count) {
      const std::uint64_t index = first + done;
      const auto skip = static_cast<std::size_t>(index % 4);
      I words[4];
      F values[4];
      philox(key, stream, index / 4, words);
      kBlock(words, values);
      float parts[4][V::kLanes];
      for (int j = 0; j < 4; ++j) V::store(parts[j], values[j]);
      for (std::size_t i = skip; i < kElements && done < count; ++i, ++done) out[done] = parts[i % 4][i / 4];
    }
  }

  static void fill_table(Kernels& kernels) {
    kernels.normal = generate<normal_block>;
    kernels.uniform = generate<uniform_block>;
  }
};

}  // namespace starling::exact::loops
