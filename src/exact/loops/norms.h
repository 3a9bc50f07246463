#pragma once

#include "exact/loops/rows.h"

// Layer and RMS norms of rows over a backend's vectors V, what modulates them, and their integers.

namespace starling::exact::loops {

template <class V>
struct Norms {
  using F = typename V::F;
  using I = typename V::I;
  using Functions = Math<V>;
  using Rows = RowKernels<V>;
  static constexpr std::size_t kLanes = V::kLanes;
  static constexpr std::size_t kSumLanes = Reduce<V>::kSumLanes;
  static constexpr std::size_t kVectors = Reduce<V>::kVectors;
  static constexpr std::size_t kAtOnce = Rows::kAtOnce;
  static constexpr std::size_t kTogether = 2;  // rows: what is done to one waits for itself, and more leave the cache

  // What a row's numbers are made with: nothing, n * scale, or fma(n, scale, shift).
  enum class Bent { kNot, kScaled, kShifted };

  template <bool kCentred>
  static F centred(F x, F mean) {
    return kCentred ? V::sub(x, mean) : x;
  }

  // Lanes of a row's sum, of its numbers or of the squares of their distances from the mean.
  template <bool kSquares, bool kCentred>
  static void add_block(F (&sums)[kVectors], const float* x, F mean) {
    for (std::size_t v = 0; v < kVectors; ++v) {
      const F value = V::load(x + v * kLanes);
      if constexpr (kSquares) {
        const F distance = centred<kCentred>(value, mean);
        sums[v] = V::add(sums[v], V::mul(distance, distance));
      } else {
        sums[v] = V::add(sums[v], value);
      }
    }
  }

  // Each pass over kRows rows but the one for their mean asks for one of the rows that follow, in order: so requests do
  // not wait for each other.
  template <std::size_t kRows, bool kSquares, bool kCentred>
  static void row_sums(const RowsF32& x, std::size_t columns, const float* means, float* out) {
    F sums[kRows][kVectors];
    F mean[kRows];
    for (std::size_t r = 0; r < kRows; ++r) {
      mean[r] = V::broadcast(means[r]);
      for (F& sum : sums[r]) sum = V::broadcast(0.0F);
    }
    const std::size_t whole = columns - columns % kSumLanes;
    for (std::size_t i = 0; i < whole; i += kSumLanes) {
      if constexpr (kSquares) Rows::ask_for(Rows::row_of(x, kRows) + i);
      for (std::size_t r = 0; r < kRows; ++r) add_block<kSquares, kCentred>(sums[r], Rows::row_of(x, r) + i, mean[r]);
    }
    for (std::size_t r = 0; r < kRows; ++r) {
      if (whole < columns) {
        const float* row = Rows::row_of(x, r);
        float last[kSumLanes] = {};
        for (std::size_t j = whole; j < columns; ++j) {
          const float distance = kSquares && kCentred ? row[j] - means[r] : row[j];
          last[j - whole] = kSquares ? distance * distance : distance;
        }
        for (std::size_t v = 0; v < kVectors; ++v) sums[r][v] = V::add(sums[r][v], V::load(last + v * kLanes));
      }
      out[r] = Reduce<V>::total(sums[r]);
    }
  }

  // kRows rows from `first` on, whose sums are known. What is not used of scale and shift is x.
  template <std::size_t kRows>
  struct Block {
    RowsF32 x, scale, shift;
    F mean[kRows], by[kRows];
  };

  template <std::size_t kRows, bool kCentred, Bent kBent>
  static Block<kRows> summed(const NormedRows& in, std::size_t first, std::size_t columns) {
    Block<kRows> block;
    block.x = {Rows::row_of(in.x, first), in.x.row_stride, 1};
    block.scale = block.shift = block.x;
    if constexpr (kBent != Bent::kNot) block.scale = {Rows::row_of(in.scale, first), in.scale.row_stride, 1};
    if constexpr (kBent == Bent::kShifted) block.shift = {Rows::row_of(in.shift, first), in.shift.row_stride, 1};
    float means[kRows] = {};
    if constexpr (kCentred) {
      row_sums<kRows, false, false>(block.x, columns, means, means);
      for (float& mean : means) mean *= in.by_count;
    }
    float squares[kRows];
    row_sums<kRows, true, kCentred>(block.x, columns, means, squares);
    for (std::size_t r = 0; r < kRows; ++r) {
      float root[kLanes];
      V::store(root, V::sqrt(V::broadcast(squares[r] * in.by_count + in.epsilon)));
      block.by[r] = V::broadcast(in.one / root[0]);
      block.mean[r] = V::broadcast(means[r]);
    }
    return block;
  }

  // Numbers of a row from column i on, but for the one NaN.
  template <bool kCentred, Bent kBent, class Load>
  static F made(const Load& load, const float* x, const float* scale, const float* shift, F mean, F by) {
    const F n = V::mul(centred<kCentred>(load(x), mean), by);
    if constexpr (kBent == Bent::kNot) {
      return n;
    } else if constexpr (kBent == Bent::kScaled) {
      return V::mul(n, load(scale));
    } else {
      return V::fma(n, load(scale), load(shift));
    }
  }

  template <std::size_t kRows, bool kCentred, Bent kBent>
  static void norm_rows(const NormedRows& in, std::size_t first, std::size_t columns) {
    const Block<kRows> block = summed<kRows, kCentred, kBent>(in, first, columns);
    for (std::size_t r = 0; r < kRows; ++r) {
      const float* x = Rows::row_of(block.x, r);
      const float* scale = Rows::row_of(block.scale, r);
      const float* shift = Rows::row_of(block.shift, r);
      const float* next = Rows::row_of(block.x, kRows + 1 + r);
      Rowwise<V>::write(Rows::row_of(in.out, first + r), columns, in.out.past_caches, [&](auto load, std::size_t i) {
        Rows::ask_for(next + i);
        return Functions::canonical(
            made<kCentred, kBent>(load, x + i, scale + i, shift + i, block.mean[r], block.by[r]));
      });
    }
  }

  // --- integers

  template <std::size_t kRows, bool kCentred, Bent kBent>
  static void greatest_of_rows(const Block<kRows>& block, std::size_t columns, float* greatest) {
    I best[kRows];
    for (I& lanes : best) lanes = V::broadcast_bits(0);
    const float* next = Rows::row_of(block.x, kRows + 1);
    const auto take = [&](auto load, std::size_t i, auto keep) {
      for (std::size_t r = 0; r < kRows; ++r) {
        const F value = made<kCentred, kBent>(load, Rows::row_of(block.x, r) + i, block.scale.data + i,
                                              block.shift.data + i, block.mean[r], block.by[r]);
        best[r] = Rows::greater_bits(best[r], Rows::magnitude_bits(keep(value)));
      }
    };
    std::size_t i = 0;
    for (; i + kLanes <= columns; i += kLanes) {
      Rows::ask_for(next + i);
      take(typename Rowwise<V>::Whole{}, i, [](F value) { return value; });
    }
    if (i < columns) {
      take(typename Rowwise<V>::First{columns - i}, i, [&](F value) {
        float lanes[kLanes] = {};
        V::store_first(lanes, columns - i, value);
        return V::load(lanes);
      });
    }
    for (std::size_t r = 0; r < kRows; ++r) greatest[r] = Rows::greatest_of(best[r]);
  }

  template <std::size_t kRows, bool kCentred, Bent kBent, bool kPlain>
  static void round_rows(const Block<kRows>& block, const QuantisedRows& to, std::size_t first, std::size_t columns,
                         const F* factors) {
    const float* next = Rows::row_of(block.x, kRows + 2);
    // Copies, since bytes that are written might be anybody's.
    const float* const scale = block.scale.data;
    const float* const shift = block.shift.data;
    const float* x[kRows];
    std::uint8_t* bytes[kRows];
    F mean[kRows], by[kRows], factor[kRows];
    for (std::size_t r = 0; r < kRows; ++r) {
      x[r] = Rows::row_of(block.x, r);
      bytes[r] = to.values + static_cast<std::ptrdiff_t>(first + r) * to.values_stride;
      mean[r] = block.mean[r];
      by[r] = block.by[r];
      factor[r] = factors[r];
    }
    const auto rounded = [&](auto load, std::size_t r, std::size_t i) {
      return Rows::template rounded<kPlain>(made<kCentred, kBent>(load, x[r] + i, scale + i, shift + i, mean[r], by[r]),
                                            factor[r]);
    };
    std::size_t i = 0;
    for (; i + kAtOnce * kLanes <= columns; i += kAtOnce * kLanes) {
      for (std::size_t r = 0; r < kRows; ++r) {
        I integers[kAtOnce];
        for (std::size_t u = 0; u < kAtOnce; ++u) {
          const std::size_t at = i + u * kLanes;
          if (r == 0) Rows::ask_for(next + at);
          integers[u] = rounded(typename Rowwise<V>::Whole{}, r, at);
        }
        V::store_bytes(bytes[r] + i, integers);
      }
    }
    for (; i + kLanes <= columns; i += kLanes) {
      for (std::size_t r = 0; r < kRows; ++r) {
        V::store_low_bytes(bytes[r] + i, rounded(typename Rowwise<V>::Whole{}, r, i));
      }
    }
    for (std::size_t r = 0; i < columns && r < kRows; ++r) {
      std::uint8_t last[kLanes];
      V::store_low_bytes(last, rounded(typename Rowwise<V>::First{columns - i}, r, i));
      for (std::size_t j = 0; i + j < columns; ++j) bytes[r][i + j] = last[j];
    }
  }

  // Every row is made twice, which takes less than keeping it in between. Its scale and shift are all rows' own.
  template <std::size_t kRows, bool kCentred, Bent kBent>
  static void quantise_rows(const NormedIntegers& in, std::size_t first, std::size_t columns) {
    const Block<kRows> block = summed<kRows, kCentred, kBent>(in.norm, first, columns);
    float* greatest = in.quantised.greatest + first;
    greatest_of_rows<kRows, kCentred, kBent>(block, columns, greatest);
    F factors[kRows];
    bool plain = true;
    for (std::size_t r = 0; r < kRows; ++r) {
      const float factor = Rows::factor_of(greatest[r], in.quantised);
      plain = plain && Rows::is_plain(greatest[r], in.quantised.numerator, factor);
      factors[r] = V::broadcast(factor);
    }
    (plain ? round_rows<kRows, kCentred, kBent, true>
           : round_rows<kRows, kCentred, kBent, false>)(block, in.quantised, first, columns, factors);
  }

  // --- how many rows at once, and what is made of them

  template <class Function>
  static void bent(const NormedRows& in, const Function& function) {
    if (in.scale.data == nullptr) {
      function.template operator()<Bent::kNot>();
    } else if (in.shift.data == nullptr) {
      function.template operator()<Bent::kScaled>();
    } else {
      function.template operator()<Bent::kShifted>();
    }
  }

  template <bool kCentred>
  static void norm(const NormedRows& in, std::size_t rows, std::size_t columns) {
    bent(in, [&]<Bent kBent>() {
      std::size_t r = 0;
      for (; r + kTogether <= rows; r += kTogether) norm_rows<kTogether, kCentred, kBent>(in, r, columns);
      for (; r < rows; ++r) norm_rows<1, kCentred, kBent>(in, r, columns);
    });
  }

  template <bool kCentred>
  static void quantise(const NormedIntegers& in, std::size_t rows, std::size_t columns) {
    const auto one = [](const RowsF32& a) { return a.data == nullptr || a.row_stride == 0; };
    const bool together = one(in.norm.scale) && one(in.norm.shift);
    bent(in.norm, [&]<Bent kBent>() {
      std::size_t r = 0;
      for (; together && r + kTogether <= rows; r += kTogether) {
        quantise_rows<kTogether, kCentred, kBent>(in, r, columns);
      }
      for (; r < rows; ++r) quantise_rows<1, kCentred, kBent>(in, r, columns);
    });
  }

  static void fill_table(Kernels& kernels) {
    kernels.layer_norm = norm<true>;
    kernels.rms_norm = norm<false>;
    kernels.layer_norm_quantise = quantise<true>;
    kernels.rms_norm_quantise = quantise<false>;
  }
};

}  // namespace starling::exact::loops
