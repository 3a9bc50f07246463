#pragma once

#include "exact/kernels.h"
#include "exact/loops/elementwise.h"
#include "exact/loops/reduce.h"

// What integer attention makes of its scores, over a backend's vectors V: two passes over each row, the first of which
// leaves the logits where the sums were.

namespace starling::exact::loops {

template <class V>
struct Softmax {
  using F = typename V::F;
  using I = typename V::I;
  using Functions = Math<V>;
  using Rounding = Operations<V>;
  static constexpr std::size_t kLanes = V::kLanes;
  static constexpr std::size_t kUnroll = 4;

  // kPlain: every logit is finite, and 0 < factor ≤ 255. Then nothing below is a NaN or out of u8's range, and zeros'
  // signs do not matter, since exp does not see them.
  template <bool kPlain>
  static F logit(F sums, F row_scale, F column_scale) {
    const F scale = V::mul(row_scale, column_scale);
    const F value = V::mul(V::to_float(V::bits(sums)), scale);
    return kPlain ? value : Functions::canonical(value);
  }
  template <bool kPlain>
  static F greater(F a, F b) {
    return kPlain ? V::greater_of(a, b) : Functions::maximum(a, b);
  }
  template <bool kPlain>
  static I value_of(F logit, F greatest, F factor) {
    if constexpr (kPlain) {
      I n;
      const F bounded = V::greater_of(V::sub(logit, greatest), V::broadcast(-104.0F));
      const F fraction = Functions::exp_fraction(bounded, n);
      return V::round(V::mul(Functions::times_power_of_two(fraction, n), factor));
    }
    const F difference = Functions::canonical(V::sub(logit, greatest));
    const F scaled = Functions::canonical(V::mul(Functions::exp(difference), factor));
    return V::round(Rounding::RoundU8::apply(scaled));
  }

  template <bool kPlain>
  static void row(const SoftmaxRows& in, std::ptrdiff_t r, std::size_t columns) {
    // Integers are loaded as the bits of f32.
    auto* const logits = reinterpret_cast<float*>(in.sums + r * in.sums_stride);
    const F row_scale = V::broadcast(in.row_scale[r * in.row_step]);
    F best[kUnroll];
    for (F& lanes : best) lanes = Reduce<V>::lowest();
    std::size_t i = 0;
    for (; i + kUnroll * kLanes <= columns; i += kUnroll * kLanes) {
      for (std::size_t u = 0; u < kUnroll; ++u) {
        float* const at = logits + i + u * kLanes;
        const F value = logit<kPlain>(V::load(at), row_scale, V::load(in.column_scale + i + u * kLanes));
        best[u] = greater<kPlain>(best[u], value);
        V::store(at, value);
      }
    }
    for (; i + kLanes <= columns; i += kLanes) {
      const F value = logit<kPlain>(V::load(logits + i), row_scale, V::load(in.column_scale + i));
      best[0] = greater<kPlain>(best[0], value);
      V::store(logits + i, value);
    }
    if (i < columns) {
      const std::size_t left = columns - i;
      const F value =
          logit<kPlain>(V::load_first(logits + i, left), row_scale, V::load_first(in.column_scale + i, left));
      V::store_first(logits + i, left, value);
      float last[kLanes];
      V::store(last, Reduce<V>::lowest());
      for (std::size_t j = 0; j < left; ++j) last[j] = logits[i + j];
      best[1] = greater<kPlain>(best[1], V::load(last));
    }
    const F all = greater<kPlain>(greater<kPlain>(best[0], best[1]), greater<kPlain>(best[2], best[3]));
    float lanes[kLanes];
    V::store(lanes, all);
    if constexpr (kPlain) {
      for (std::size_t half = kLanes / 2; half > 0; half /= 2) {
        for (std::size_t j = 0; j < half; ++j) lanes[j] = lanes[j] > lanes[j + half] ? lanes[j] : lanes[j + half];
      }
    } else {
      Reduce<V>::row_max(lanes, {lanes, 0, 1}, 1, kLanes);
    }
    round_row<kPlain>(in, r, columns, lanes[0]);
  }

  template <bool kPlain>
  static void round_row(const SoftmaxRows& in, std::ptrdiff_t r, std::size_t columns, float maximum) {
    const auto* logits = reinterpret_cast<const float*>(in.sums + r * in.sums_stride);
    std::uint8_t* to = in.values + r * in.values_stride;
    const F greatest = V::broadcast(maximum);
    const F factor = V::broadcast(in.factor);
    I sums[kUnroll];
    for (I& sum : sums) sum = V::broadcast_bits(0);
    std::size_t i = 0;
    for (; i + kUnroll * kLanes <= columns; i += kUnroll * kLanes) {
      for (std::size_t u = 0; u < kUnroll; ++u) {
        const I value = value_of<kPlain>(V::load(logits + i + u * kLanes), greatest, factor);
        V::store_low_bytes(to + i + u * kLanes, value);
        sums[u] = V::add_bits(sums[u], value);
      }
    }
    std::int32_t total = 0;
    for (; i < columns; i += kLanes) {
      const std::size_t count = columns - i < kLanes ? columns - i : kLanes;
      float last[kLanes];
      V::store(last, greatest);
      for (std::size_t j = 0; j < count; ++j) last[j] = logits[i + j];
      std::uint8_t bytes[kLanes];
      V::store_low_bytes(bytes, value_of<kPlain>(V::load(last), greatest, factor));
      for (std::size_t j = 0; j < count; ++j) {
        to[i + j] = bytes[j];
        total += bytes[j];
      }
    }
    const I folded = V::add_bits(V::add_bits(sums[0], sums[1]), V::add_bits(sums[2], sums[3]));
    std::int32_t lanes[kLanes];
    __builtin_memcpy(lanes, &folded, sizeof folded);
    for (const std::int32_t lane : lanes) total += lane;
    in.totals[r] = static_cast<float>(total);
  }

  // Of the columns' scales; a NaN counts as infinite.
  static float greatest_scale(const float* scales, std::size_t count) {
    float greatest = 0.0F;
    for (std::size_t i = 0; i < count; ++i) {
      const float size = __builtin_fabsf(scales[i]);
      if (!(size <= greatest)) greatest = size <= __FLT_MAX__ ? size : __builtin_inff();
    }
    return greatest;
  }

  static void run(const SoftmaxRows& in, std::size_t rows, std::size_t columns) {
    const float scale = greatest_scale(in.column_scale, columns);
    const bool in_range = in.factor > 0.0F && in.factor <= 255.0F;
    for (std::size_t row_index = 0; row_index < rows; ++row_index) {
      const auto r = static_cast<std::ptrdiff_t>(row_index);
      // Rounding is monotonic: no logit is beyond this.
      const float bound = __builtin_fabsf(in.row_scale[r * in.row_step]) * scale * 0x1p31F;
      if (in_range && bound <= __FLT_MAX__) {
        row<true>(in, r, columns);
      } else {
        row<false>(in, r, columns);
      }
    }
  }

  static void fill_table(Kernels& kernels) { kernels.softmax = run; }
};

}  // namespace starling::exact::loops
