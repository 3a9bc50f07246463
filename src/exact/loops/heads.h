#pragma once

#include "exact/loops/norms.h"

// Rows whose heads are turned by rotary angles, as they are given or as an RMS norm makes them, and the heads'
// integers, over a backend's vectors V.

namespace starling::exact::loops {

template <class V>
struct Heads {
  using F = typename V::F;
  using I = typename V::I;
  using Functions = Math<V>;
  using Rows = RowKernels<V>;
  using Norm = Norms<V>;
  using Bent = typename Norm::Bent;
  static constexpr std::size_t kLanes = V::kLanes;
  static constexpr std::size_t kTogether = Norm::kTogether;

  // A row as it is given, or as a norm makes it: a vector of it from column i on.
  struct Given {
    const float* row;
    F operator()(std::size_t i) const { return V::load(row + i); }
  };
  template <Bent kBent>
  struct Normed {
    const float* row;
    const float* scale;
    F by;
    F operator()(std::size_t i) const {
      return Norm::template made<false, kBent>(typename Rowwise<V>::Whole{}, row + i, scale + i, nullptr, by, by);
    }
  };

  struct Angles {
    const float* cosine;
    const float* sine;
  };
  static Angles angles_of(const RotatedRows& in, std::size_t r) {
    const auto row = static_cast<std::ptrdiff_t>(r);
    return {in.cosine + row * in.cosine_stride, in.sine + row * in.sine_stride};
  }

  struct Turned {
    F first, second;  // of the head's halves, from number i on; but for the one NaN
  };
  template <class Numbers>
  static Turned turned(const Numbers& numbers, const Angles& angles, std::size_t head, std::size_t i) {
    F a = numbers(head + 2 * i);
    F b = numbers(head + 2 * i + kLanes);
    V::unzip(a, b);
    const F cosine = V::load(angles.cosine + i);
    const F sine = V::load(angles.sine + i);
    return {V::sub(V::mul(a, cosine), V::mul(b, sine)), V::add(V::mul(a, sine), V::mul(b, cosine))};
  }

  // Asks meanwhile for the lines from `next` on, as many as the row has.
  template <bool kPast, class Numbers>
  static void turn_row(const Numbers& numbers, const Angles& angles, std::size_t half, std::size_t columns, float* to,
                       const float* next) {
    for (std::size_t head = 0; head < columns; head += 2 * half) {
      for (std::size_t i = 0; i < half; i += kLanes) {
        Rows::ask_for(next + head + 2 * i);
        Rows::ask_for(next + head + 2 * i + kLanes);
        const Turned pairs = turned(numbers, angles, head, i);
        Rowwise<V>::template store<kPast>(to + head + i, Functions::canonical(pairs.first));
        Rowwise<V>::template store<kPast>(to + head + half + i, Functions::canonical(pairs.second));
      }
    }
  }

  // --- integers

  // Rounds heads that are rotated and multiplied, at `room`, of row r from column `begin` on: at most kLanes of them,
  // each of which is a lane of what is one number for a head.
  static void round_heads(const HeadIntegers& to, const float* room, const F (&best)[kLanes], std::size_t r,
                          std::size_t first, std::size_t count, std::size_t size, const float* next) {
    F lanes[kLanes];
    for (std::size_t j = 0; j < kLanes; ++j) lanes[j] = j < count ? best[j] : V::broadcast(0.0F);
    V::transpose(lanes);
    I all = V::bits(lanes[0]);
    for (std::size_t j = 1; j < kLanes; ++j) all = Rows::greater_bits(all, V::bits(lanes[j]));
    const F greatest = Functions::canonical(V::from_bits(all));
    const F factor = V::select(V::equal(greatest, V::broadcast(0.0F)), V::broadcast(to.otherwise),
                               V::div(V::broadcast(to.numerator), greatest));
    float numbers[3][kLanes];
    V::store(numbers[0], greatest);
    V::store(numbers[1], factor);
    V::store(numbers[2], Functions::canonical(V::div(greatest, V::broadcast(to.divisor))));
    for (std::size_t j = 0; j < count; ++j) {
      const std::ptrdiff_t place =
          static_cast<std::ptrdiff_t>(r) * to.row_step + static_cast<std::ptrdiff_t>(first + j) * to.head_step;
      to.scale[place] = numbers[2][j];
      const auto bytes = static_cast<std::ptrdiff_t>(size);
      const QuantisedRows head{
          {room + j * size, 0, 1}, to.numerator, to.otherwise, to.values + place * bytes, bytes, nullptr,
          to.past_caches};
      Rows::template round_row<Rows::kAtOnce>(head, 0, size, numbers[0][j], numbers[1][j], next + j * size);
    }
  }

  template <bool kScaled, class Numbers>
  static void quantise_row(const Numbers& numbers, const RotatedRows& in, const HeadIntegers& to, std::size_t r,
                           std::size_t columns, const float* next) {
    const Angles angles = angles_of(in, r);
    const std::size_t size = 2 * in.half;
    const std::size_t heads = columns / size;
    const F factor = V::broadcast(to.factor);
    for (std::size_t first = 0; first < heads; first += kLanes) {
      const std::size_t count = heads - first < kLanes ? heads - first : kLanes;
      float* const room = Rows::row_of(in.out, r) + first * size;
      F best[kLanes];
      for (std::size_t j = 0; j < count; ++j) {
        I greatest[2] = {V::broadcast_bits(0), V::broadcast_bits(0)};
        for (std::size_t i = 0; i < in.half; i += kLanes) {
          Turned pairs = turned(numbers, angles, (first + j) * size, i);
          if constexpr (kScaled) pairs = {V::mul(pairs.first, factor), V::mul(pairs.second, factor)};
          V::store(room + j * size + i, pairs.first);
          V::store(room + j * size + in.half + i, pairs.second);
          greatest[0] = Rows::greater_bits(greatest[0], Rows::magnitude_bits(pairs.first));
          greatest[1] = Rows::greater_bits(greatest[1], Rows::magnitude_bits(pairs.second));
        }
        best[j] = V::from_bits(Rows::greater_bits(greatest[0], greatest[1]));
      }
      round_heads(to, room, best, r, first, count, size, next + first * size);
    }
  }

  // Halves of any length.
  static void quantise_any(const RotatedRows& in, const HeadIntegers& to, std::size_t r, std::size_t columns) {
    const Angles angles = angles_of(in, r);
    const std::size_t size = 2 * in.half;
    const std::size_t heads = columns / size;
    const F factor = V::broadcast(to.factor);
    for (std::size_t first = 0; first < heads; first += kLanes) {
      const std::size_t count = heads - first < kLanes ? heads - first : kLanes;
      float* const room = Rows::row_of(in.out, r) + first * size;
      F best[kLanes];
      for (std::size_t j = 0; j < count; ++j) {
        float* const head = room + j * size;
        Rows::rotate_head(Rows::row_of(in.x, r) + (first + j) * size, angles.cosine, angles.sine, in.half, head);
        Rowwise<V>::template write<false>(head, size,
                                          [&](auto load, std::size_t i) { return V::mul(load(head + i), factor); });
        best[j] = V::from_bits(Rows::greatest_lanes(head, size));
      }
      round_heads(to, room, best, r, first, count, size, room);
    }
  }

  // --- rows

  static bool in_vectors(const RotatedRows& in) { return in.half % kLanes == 0; }

  static void rotate(const RotatedRows& in, std::size_t rows, std::size_t columns) {
    if (!in_vectors(in)) return Rows::rotate(in, rows, columns);
    for (std::size_t r = 0; r < rows; ++r) {
      float* const to = Rows::row_of(in.out, r);
      const bool past = in.out.past_caches && Rowwise<V>::before_whole(to, columns) == 0;
      const Given numbers{Rows::row_of(in.x, r)};
      (past ? turn_row<true, Given> : turn_row<false, Given>)(numbers, angles_of(in, r), in.half, columns, to,
                                                              Rows::row_of(in.x, r + 1));
    }
  }

  static void rotate_quantise(const RotatedIntegers& in, std::size_t rows, std::size_t columns) {
    const RotatedRows& turned = in.turned;
    for (std::size_t r = 0; r < rows; ++r) {
      if (!in_vectors(turned)) {
        quantise_any(turned, in.to, r, columns);
      } else {
        const Given numbers{Rows::row_of(turned.x, r)};
        const float* next = Rows::row_of(turned.x, r + 1);
        (in.to.factor == 1.0F ? quantise_row<false, Given> : quantise_row<true, Given>)(numbers, turned, in.to, r,
                                                                                        columns, next);
      }
    }
  }

  // The norm's rows where they have room, and what comes next from there.
  static RotatedRows from_room(const NormedHeads& in, std::size_t rows, std::size_t columns) {
    Norm::template norm<false>(in.norm, rows, columns);
    RotatedRows turned = in.turned;
    turned.x = {in.norm.out.data, in.norm.out.stride, 1};
    return turned;
  }

  // work(numbers, r, next) for every row, of which kTogether are summed together.
  template <Bent kBent, class Work>
  static void each_normed(const NormedRows& in, std::size_t rows, std::size_t columns, const Work& work) {
    std::size_t r = 0;
    for (; r + kTogether <= rows; r += kTogether) some_normed<kTogether, kBent>(in, r, columns, work);
    for (; r < rows; ++r) some_normed<1, kBent>(in, r, columns, work);
  }
  template <std::size_t kRows, Bent kBent, class Work>
  static void some_normed(const NormedRows& in, std::size_t first, std::size_t columns, const Work& work) {
    const auto block = Norm::template summed<kRows, false, kBent>(in, first, columns);
    for (std::size_t r = 0; r < kRows; ++r) {
      const Normed<kBent> numbers{Rows::row_of(block.x, r), Rows::row_of(block.scale, r), block.by[r]};
      work(numbers, first + r, Rows::row_of(block.x, kRows + 1 + r));
    }
  }
  template <class Work>
  static void each_normed(const NormedRows& in, std::size_t rows, std::size_t columns, const Work& work) {
    in.scale.data == nullptr ? each_normed<Bent::kNot>(in, rows, columns, work)
                             : each_normed<Bent::kScaled>(in, rows, columns, work);
  }

  static void normed(const NormedHeads& in, std::size_t rows, std::size_t columns) {
    if (!in_vectors(in.turned)) return Rows::rotate(from_room(in, rows, columns), rows, columns);
    const RotatedRows& turned = in.turned;
    const bool past = turned.out.past_caches && Rowwise<V>::before_whole(turned.out.data, columns) == 0 &&
                      static_cast<std::size_t>(turned.out.stride) % kLanes == 0;
    each_normed(in.norm, rows, columns, [&]<class Numbers>(const Numbers& numbers, std::size_t r, const float* next) {
      (past ? turn_row<true, Numbers> : turn_row<false, Numbers>)(numbers, angles_of(turned, r), turned.half, columns,
                                                                  Rows::row_of(turned.out, r), next);
    });
  }

  static void normed_quantise(const NormedHeadIntegers& in, std::size_t rows, std::size_t columns) {
    const RotatedRows& turned = in.heads.turned;
    if (!in_vectors(turned)) return rotate_quantise({from_room(in.heads, rows, columns), in.to}, rows, columns);
    const bool scaled = in.to.factor != 1.0F;
    each_normed(in.heads.norm, rows, columns,
                [&]<class Numbers>(const Numbers& numbers, std::size_t r, const float* next) {
                  (scaled ? quantise_row<true, Numbers> : quantise_row<false, Numbers>)(numbers, turned, in.to, r,
                                                                                        columns, next);
                });
  }

  static void fill_table(Kernels& kernels) {
    kernels.rotate = rotate;
    kernels.rotate_quantise = rotate_quantise;
    kernels.rms_norm_rotate = normed;
    kernels.rms_norm_rotate_quantise = normed_quantise;
  }
};

}  // namespace starling::exact::loops
