#pragma once

#include "exact/kernels.h"
#include "exact/loops/elementwise.h"
#include "exact/loops/in_step.h"
#include "exact/loops/reduce.h"

// What transformers do to rows, in one go over a backend's vectors V: quantising, gelu, softmax, rotating. Between
// operators a NaN is any NaN; results that are stored have the one.

namespace starling::exact::loops {

template <class V>
struct RowKernels {
  using F = typename V::F;
  using I = typename V::I;
  using Functions = Math<V>;
  using Rounding = Operations<V>;
  static constexpr std::size_t kLanes = V::kLanes;
  static constexpr std::size_t kSumLanes = Reduce<V>::kSumLanes;
  static constexpr std::size_t kVectors = Reduce<V>::kVectors;
  static constexpr std::size_t kNear = 8192;  // numbers that the first cache keeps
  static constexpr std::size_t kAtOnce = 4;   // rows or vectors, since what is done to one waits for itself

  static const float* row_of(RowsF32 x, std::size_t r) {
    return x.data + static_cast<std::ptrdiff_t>(r) * x.row_stride;
  }

  static float* row_of(const WrittenRows& out, std::size_t r) {
    return out.data + static_cast<std::ptrdiff_t>(r) * out.stride;
  }

  // Asks for the line of a number that is read soon: while one row is worked on, memory brings another. A request for
  // what is not there does nothing.
  static void ask_for(const float* number) { __builtin_prefetch(number, 0, 2); }

  // --- quantising

  // The greater of two as integers: of magnitudes' bits a NaN is above infinity.
  static I greater_bits(I a, I b) { return V::greater_integer(a, b); }
  static I magnitude_bits(F a) { return V::and_bits(V::bits(a), V::broadcast_bits(0x7fffffffU)); }

  static float greatest_of(I lanes) {
    using Lanes [[gnu::vector_size(sizeof(I))]] = std::int32_t;
    std::int32_t greatest =
        Reduce<V>::folded(reinterpret_cast<Lanes>(lanes), [](auto a, auto b) { return a > b ? a : b; });
    if (greatest > 0x7f800000) greatest = 0x7fc00000;
    float value;
    __builtin_memcpy(&value, &greatest, sizeof value);
    return value;
  }

  // In each lane the greatest of some numbers of the row.
  static I greatest_lanes(const float* row, std::size_t columns) {
    I best[kAtOnce];
    for (I& lanes : best) lanes = V::broadcast_bits(0);
    std::size_t i = 0;
    for (; i + kAtOnce * kLanes <= columns; i += kAtOnce * kLanes) {
      for (std::size_t u = 0; u < kAtOnce; ++u) {
        best[u] = greater_bits(best[u], magnitude_bits(V::load(row + i + u * kLanes)));
      }
    }
    for (; i + kLanes <= columns; i += kLanes) best[0] = greater_bits(best[0], magnitude_bits(V::load(row + i)));
    if (i < columns) best[1] = greater_bits(best[1], magnitude_bits(V::load_first(row + i, columns - i)));
    return greater_bits(greater_bits(best[0], best[1]), greater_bits(best[2], best[3]));
  }

  // select(greatest, numerator / greatest, otherwise)
  static float factor_of(float greatest, const QuantisedRows& in) {
    return greatest == 0.0F ? in.otherwise : in.numerator / greatest;
  }
  // Whether x * factor is finite and rounds into i8 for all x of the row.
  static bool is_plain(float greatest, float numerator, float factor) {
    return numerator >= 0.0F && numerator <= 127.0F && greatest <= __FLT_MAX__ &&
           __builtin_fabsf(factor) <= __FLT_MAX__;
  }
  template <bool kPlain>
  static I rounded(F x, F factor) {
    const F product = V::mul(x, factor);
    return kPlain ? V::round(product) : V::round(Rounding::RoundI8::apply(product));
  }

  static void store_bytes(std::uint8_t* to, const I (&integers)[kAtOnce], bool past) {
    if constexpr (requires { V::store_bytes_past(to, integers); }) {
      if (past) return V::store_bytes_past(to, integers);
    }
    V::store_bytes(to, integers);
  }

  // Rounds a row, and asks for kAsked of every kAtOnce lines from `next` on: all of short rows, which may lie anywhere,
  // and half of long ones, since requests wait for each other and what comes in order comes by itself.
  template <std::size_t kAsked>
  static void round_row(const QuantisedRows& in, std::size_t r, std::size_t columns, float greatest, float factor,
                        const float* next) {
    const bool plain = is_plain(greatest, in.numerator, factor);
    (plain ? round_row<kAsked, true> : round_row<kAsked, false>)(in, r, columns, factor, next);
  }
  template <std::size_t kAsked, bool kPlain>
  static void round_row(const QuantisedRows& in, std::size_t r, std::size_t columns, float factor, const float* next) {
    const float* row = row_of(in.x, r);
    std::uint8_t* to = in.values + static_cast<std::ptrdiff_t>(r) * in.values_stride;
    const F by = V::broadcast(factor);
    const bool past = in.past_caches && reinterpret_cast<std::uintptr_t>(to) % (kAtOnce * kLanes) == 0;
    std::size_t i = 0;
    for (; i + kAtOnce * kLanes <= columns; i += kAtOnce * kLanes) {
      I integers[kAtOnce];
      for (std::size_t u = 0; u < kAtOnce; ++u) {
        if (u < kAsked) ask_for(next + i * kAsked / kAtOnce + u * kLanes);
        integers[u] = rounded<kPlain>(V::load(row + i + u * kLanes), by);
      }
      store_bytes(to + i, integers, past);
    }
    for (; i + kLanes <= columns; i += kLanes) V::store_low_bytes(to + i, rounded<kPlain>(V::load(row + i), by));
    if (i < columns) {
      std::uint8_t last[kLanes];
      V::store_low_bytes(last, rounded<kPlain>(V::load_first(row + i, columns - i), by));
      for (std::size_t j = 0; i + j < columns; ++j) to[i + j] = last[j];
    }
  }

  static void quantise(const QuantisedRows& in, std::size_t rows, std::size_t columns) {
    std::size_t r = 0;
    if (in.x.step != 1) {
      for (; in.x.row_stride == 1 && r + kLanes <= rows; r += kLanes) quantise_turned(in, r, columns);
      for (; r < rows; ++r) quantise_strided(in, r, columns);
    }
    // Short rows several at a time, which the first cache keeps until they are read again.
    const std::size_t most = columns > kNear / 8 ? 1 : kNear / columns < kLanes ? kNear / columns : kLanes;
    while (r < rows) {
      const std::size_t count = rows - r < most ? rows - r : most;
      if (count < 4) {
        quantise_row(in, r++, columns);
      } else {
        quantise_rows(in, r, count, columns);
        r += count;
      }
    }
  }

  static void quantise_row(const QuantisedRows& in, std::size_t r, std::size_t columns) {
    in.greatest[r] = greatest_of(greatest_lanes(row_of(in.x, r), columns));
    round_row<kAtOnce / 2>(in, r, columns, in.greatest[r], factor_of(in.greatest[r], in), row_of(in.x, r + 1));
  }

  // At most kLanes rows: each is a lane of what is one number for a row.
  static void quantise_rows(const QuantisedRows& in, std::size_t r, std::size_t count, std::size_t columns) {
    F lanes[kLanes];
    for (std::size_t j = 0; j < count; ++j) lanes[j] = V::from_bits(greatest_lanes(row_of(in.x, r + j), columns));
    for (std::size_t j = count; j < kLanes; ++j) lanes[j] = V::broadcast(0.0F);
    V::transpose(lanes);
    I best = V::bits(lanes[0]);
    for (std::size_t j = 1; j < kLanes; ++j) best = greater_bits(best, V::bits(lanes[j]));
    const F greatest = Functions::canonical(V::from_bits(best));
    const F factor = V::select(V::equal(greatest, V::broadcast(0.0F)), V::broadcast(in.otherwise),
                               V::div(V::broadcast(in.numerator), greatest));
    float numbers[2][kLanes];
    V::store(numbers[0], greatest);
    V::store(numbers[1], factor);
    for (std::size_t j = 0; j < count; ++j) {
      in.greatest[r + j] = numbers[0][j];
      round_row<kAtOnce>(in, r + j, columns, numbers[0][j], numbers[1][j], row_of(in.x, r + j + count));
    }
  }

  // kLanes rows that lie beside each other, each lane one of them.
  static void quantise_turned(const QuantisedRows& in, std::size_t r, std::size_t columns) {
    const float* from = row_of(in.x, r);
    I best = V::broadcast_bits(0);
    for (std::size_t i = 0; i < columns; ++i) {
      best = greater_bits(best, magnitude_bits(V::load(from + static_cast<std::ptrdiff_t>(i) * in.x.step)));
    }
    std::int32_t bits[kLanes];
    __builtin_memcpy(bits, &best, sizeof best);
    float factors[kLanes];
    for (std::size_t j = 0; j < kLanes; ++j) {
      I one = V::broadcast_bits(static_cast<std::uint32_t>(bits[j]));
      in.greatest[r + j] = greatest_of(one);
      factors[j] = factor_of(in.greatest[r + j], in);
      if (!is_plain(in.greatest[r + j], in.numerator, factors[j])) {
        for (std::size_t k = 0; k < kLanes; ++k) quantise_strided(in, r + k, columns);
        return;
      }
    }
    const F by = V::load(factors);
    std::size_t i = 0;
    for (; i + kLanes <= columns; i += kLanes) {
      F square[kLanes];
      for (std::size_t c = 0; c < kLanes; ++c) {
        const F x = V::load(from + static_cast<std::ptrdiff_t>(i + c) * in.x.step);
        square[c] = V::from_bits(rounded<true>(x, by));
      }
      V::transpose(square);
      for (std::size_t j = 0; j < kLanes; ++j) {
        V::store_low_bytes(in.values + static_cast<std::ptrdiff_t>(r + j) * in.values_stride + i, V::bits(square[j]));
      }
    }
    for (; i < columns; ++i) {
      std::uint8_t bytes[kLanes];
      V::store_low_bytes(bytes, rounded<true>(V::load(from + static_cast<std::ptrdiff_t>(i) * in.x.step), by));
      for (std::size_t j = 0; j < kLanes; ++j) {
        in.values[static_cast<std::ptrdiff_t>(r + j) * in.values_stride + static_cast<std::ptrdiff_t>(i)] = bytes[j];
      }
    }
  }

  static void quantise_strided(const QuantisedRows& in, std::size_t r, std::size_t columns) {
    const float* row = row_of(in.x, r);
    const auto fetch = [&](std::size_t i) {
      const std::size_t count = columns - i < kLanes ? columns - i : kLanes;
      float lanes[kLanes] = {};
      for (std::size_t j = 0; j < count; ++j) lanes[j] = row[static_cast<std::ptrdiff_t>(i + j) * in.x.step];
      return V::load(lanes);
    };
    I best = V::broadcast_bits(0);
    for (std::size_t i = 0; i < columns; i += kLanes) best = greater_bits(best, magnitude_bits(fetch(i)));
    in.greatest[r] = greatest_of(best);
    const F by = V::broadcast(factor_of(in.greatest[r], in));
    std::uint8_t* to = in.values + static_cast<std::ptrdiff_t>(r) * in.values_stride;
    for (std::size_t i = 0; i < columns; i += kLanes) {
      std::uint8_t bytes[kLanes];
      V::store_low_bytes(bytes, rounded<false>(fetch(i), by));
      for (std::size_t j = 0; j < kLanes && i + j < columns; ++j) to[i + j] = bytes[j];
    }
  }

  // --- gelu

  // Of one vector W, or of several in step.
  template <class W>
  struct Gelu {
    using Number = typename W::F;
    explicit Gelu(const GeluRows& in)
        : cubic(W::broadcast(in.cubic)), half(W::broadcast(in.half)), slope(W::broadcast(in.slope)) {}
    Number apply(Number x) const {
      const Number bent = W::fma(W::mul(W::mul(x, x), cubic), x, x);
      const Number part = W::mul(x, half);
      return Math<W>::canonical(W::fma(part, Math<W>::tanh_or_nan(W::mul(bent, slope)), part));
    }
    Number cubic, half, slope;
  };
  static void gelu(const GeluRows& in, std::size_t rows, std::size_t columns) {
    using Several = InStep<V, V::kInStep>;
    const Gelu<V> function(in);
    const Gelu<Several> in_step(in);
    for (std::size_t r = 0; r < rows; ++r) {
      const float* row = row_of(in.x, r);
      const auto one = [&](auto load, std::size_t i) { return function.apply(load(row + i)); };
      const auto several = [&](std::size_t i) { return in_step.apply(Several::load(row + i)); };
      in.out.past_caches
          ? Rowwise<V>::template write_in_step<V::kInStep, true>(row_of(in.out, r), columns, one, several)
          : Rowwise<V>::template write_in_step<V::kInStep, false>(row_of(in.out, r), columns, one, several);
    }
  }

  // --- softmax

  // The greatest number of a row. Of one with a NaN, whatever the others are: that one makes the sum a NaN, and so all.
  static F greatest_number(const float* row, std::size_t columns) {
    F best[kAtOnce];
    for (F& lanes : best) lanes = Reduce<V>::lowest();
    std::size_t i = 0;
    for (; i + kAtOnce * kLanes <= columns; i += kAtOnce * kLanes) {
      for (std::size_t u = 0; u < kAtOnce; ++u) best[u] = V::greater_of(best[u], V::load(row + i + u * kLanes));
    }
    for (; i + kLanes <= columns; i += kLanes) best[0] = V::greater_of(best[0], V::load(row + i));
    const F all = V::greater_of(V::greater_of(best[0], best[1]), V::greater_of(best[2], best[3]));
    float greatest = Reduce<V>::folded(all, [](auto a, auto b) { return a > b ? a : b; });
    for (; i < columns; ++i) greatest = row[i] > greatest ? row[i] : greatest;
    return V::broadcast(greatest);
  }

  // e^x for x ≤ 0, and a NaN of one. Where a row has a NaN, any number will do for what is above 0.
  static F power(F x) {
    I n;
    const F fraction = Functions::exp_fraction(V::greater_of(V::broadcast(-104.0F), x), n);
    return Functions::times_power_of_two(fraction, n);
  }

  // Quotients of a row's powers by their sum, which are made while the next row's powers are: dividing takes a CPU
  // long, but keeps nothing else from being done.
  template <bool kPast>
  class Dividing {
   public:
    Dividing() = default;  // nothing
    Dividing(const float* powers, F total, float* to, std::size_t columns)
        : powers_(powers), total_(total), to_(to), columns_(columns) {
      if constexpr (kPast) at_ = Rowwise<V>::before_whole(to, columns);
      if (at_ > 0) V::store_first(to, at_, quotients(V::load_first(powers, at_)));
    }
    // One more vector, if there is one.
    void step() {
      if (at_ + kLanes > columns_) return;
      Rowwise<V>::template store<kPast>(to_ + at_, quotients(V::load(powers_ + at_)));
      at_ += kLanes;
    }
    void finish() {
      while (at_ + kLanes <= columns_) step();
      const std::size_t left = columns_ - at_;
      if (left > 0) V::store_first(to_ + at_, left, quotients(V::load_first(powers_ + at_, left)));
    }

   private:
    F quotients(F powers) const { return Functions::canonical(V::div(powers, total_)); }

    const float* powers_ = nullptr;
    F total_ = V::broadcast(1.0F);
    float* to_ = nullptr;
    std::size_t columns_ = 0;
    std::size_t at_ = 0;
  };

  // The powers of a row, which may be written to where it lies, and their sum. Meanwhile asks for the row `next`
  // numbers on, and divides another row.
  template <bool kPast>
  static F powers_of_row(const float* row, float* powers, std::size_t columns, std::ptrdiff_t next,
                         Dividing<kPast> dividing) {
    const F greatest = greatest_number(row, columns);
    F sums[kVectors];
    for (F& sum : sums) sum = V::broadcast(0.0F);
    const std::size_t whole = columns - columns % kSumLanes;
    for (std::size_t i = 0; i < whole; i += kSumLanes) {
      ask_for(row + i + next);
      for (std::size_t v = 0; v < kVectors; ++v) {
        dividing.step();
        const F made = power(V::sub(V::load(row + i + v * kLanes), greatest));
        V::store(powers + i + v * kLanes, made);
        sums[v] = V::add(sums[v], made);
      }
    }
    if (whole < columns) {
      float last[kSumLanes] = {};
      for (std::size_t i = whole; i < columns; i += kLanes) {
        float lanes[kLanes];
        const std::size_t left = columns - i;
        const F x = left < kLanes ? V::load_first(row + i, left) : V::load(row + i);
        V::store(lanes, power(V::sub(x, greatest)));
        for (std::size_t j = 0; j < kLanes && j < left; ++j) powers[i + j] = last[i - whole + j] = lanes[j];
      }
      for (std::size_t v = 0; v < kVectors; ++v) sums[v] = V::add(sums[v], V::load(last + v * kLanes));
    }
    dividing.finish();
    return V::broadcast(Reduce<V>::total(sums));
  }

  // Powers lie in one of two places, each of so many numbers, or in the row itself.
  template <bool kPast>
  static void shares_of_rows(const ShareRows& in, std::size_t rows, std::size_t columns, float* places,
                             std::size_t each) {
    Dividing<kPast> dividing;
    for (std::size_t r = 0; r < rows; ++r) {
      float* const to = row_of(in.out, r);
      float* const powers = places == nullptr ? to : places + r % 2 * each;
      const F total = powers_of_row<kPast>(row_of(in.x, r), powers, columns, in.x.row_stride, dividing);
      dividing = Dividing<kPast>(powers, total, to, columns);
    }
    dividing.finish();
  }
  static void shares(const ShareRows& in, std::size_t rows, std::size_t columns) {
    if (in.out.past_caches && columns <= kNear) {
      alignas(64) float powers[2 * kNear];
      shares_of_rows<true>(in, rows, columns, powers, kNear);
    } else {
      shares_of_rows<false>(in, rows, columns, nullptr, 0);
    }
  }

  // --- rotating pairs

  static F turned_even(F a, F b, F cosine, F sine) {
    return Functions::canonical(V::sub(V::mul(a, cosine), V::mul(b, sine)));
  }
  static F turned_odd(F a, F b, F cosine, F sine) {
    return Functions::canonical(V::add(V::mul(a, sine), V::mul(b, cosine)));
  }
  static void rotate_head(const float* x, const float* cosine, const float* sine, std::size_t half, float* to) {
    std::size_t i = 0;
    for (; i + kLanes <= half; i += kLanes) {
      const F a = V::load_strided(x + 2 * i, 2);
      const F b = V::load_strided(x + 2 * i + 1, 2);
      const F c = V::load(cosine + i);
      const F s = V::load(sine + i);
      V::store(to + i, turned_even(a, b, c, s));
      V::store(to + half + i, turned_odd(a, b, c, s));
    }
    const std::size_t left = half - i;
    const F a = Elementwise<V>::fetch_first(x + 2 * i, 2, 0, left);
    const F b = Elementwise<V>::fetch_first(x + 2 * i + 1, 2, 0, left);
    const F c = V::load_first(cosine + i, left);
    const F s = V::load_first(sine + i, left);
    V::store_first(to + i, left, turned_even(a, b, c, s));
    V::store_first(to + half + i, left, turned_odd(a, b, c, s));
  }
  static void rotate(const RotatedRows& in, std::size_t rows, std::size_t columns) {
    for (std::size_t r = 0; r < rows; ++r) {
      const auto row = static_cast<std::ptrdiff_t>(r);
      float* const to = row_of(in.out, r);
      for (std::size_t head = 0; head < columns; head += 2 * in.half) {
        rotate_head(row_of(in.x, r) + head, in.cosine + row * in.cosine_stride, in.sine + row * in.sine_stride, in.half,
                    to + head);
      }
    }
  }

  static void fill_table(Kernels& kernels) {
    kernels.shares = shares;
    kernels.quantise = quantise;
    kernels.gelu = gelu;
  }
};

}  // namespace starling::exact::loops
