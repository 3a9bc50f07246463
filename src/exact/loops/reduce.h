#pragma once

#include <utility>

#include "exact/kernels.h"
#include "exact/loops/elementwise.h"

// Reductions over a backend's vectors V. A sum has 16 lanes: lane j adds elements j, j + 16, ... from +0, ascending;
// then lane j adds lane j + 8, then j + 4, j + 2, j + 1. A lane is never -0, so adding +0 for a missing element changes
// nothing.

namespace starling::exact::loops {

template <class V>
struct Reduce {
  using F = typename V::F;
  using Functions = Math<V>;
  static constexpr std::size_t kSumLanes = 16;
  static constexpr std::size_t kVectors = kSumLanes / V::kLanes;
  static constexpr std::size_t kColumns = 8 * V::kLanes;  // of a matrix, summed at a time

  static void add_block(F (&sums)[kVectors], const float* row, std::ptrdiff_t step, std::size_t i) {
    for (std::size_t v = 0; v < kVectors; ++v) {
      sums[v] = V::add(sums[v], Elementwise<V>::fetch(row, step, i + v * V::kLanes));
    }
  }

  static void add_last(F (&sums)[kVectors], const float* row, std::ptrdiff_t step, std::size_t i, std::size_t count) {
    float lanes[kSumLanes] = {};
    for (std::size_t j = 0; j < count; ++j) lanes[j] = row[static_cast<std::ptrdiff_t>(i + j) * step];
    add_block(sums, lanes, 1, 0);
  }

  // The first folds of a sum's 16 lanes, down to one vector of them.
  static F fold_vectors(F (&sums)[kVectors]) {
    for (std::size_t half = kVectors / 2; half > 0; half /= 2) {
      for (std::size_t v = 0; v < half; ++v) sums[v] = V::add(sums[v], sums[v + half]);
    }
    return sums[0];
  }

  // One number of a vector's lanes: fold(lane l, lane l + half), until one is left.
  template <class Lanes, class Fold, std::size_t... kLane>
  static auto halved(const Lanes& a, const Fold& fold, std::index_sequence<kLane...>) {
    return fold(__builtin_shufflevector(a, a, static_cast<int>(kLane)...),
                __builtin_shufflevector(a, a, static_cast<int>(kLane + sizeof...(kLane))...));
  }
  template <class Lanes, class Fold>
  static auto folded(const Lanes& a, const Fold& fold) {
    constexpr std::size_t kCount = sizeof(Lanes) / sizeof(a[0]);
    if constexpr (kCount == 2) {
      return fold(a[0], a[1]);
    } else {
      return folded(halved(a, fold, std::make_index_sequence<kCount / 2>()), fold);
    }
  }
  // All folds of a sum's 16 lanes.
  static float total(F (&sums)[kVectors]) {
    return folded(fold_vectors(sums), [](auto a, auto b) { return a + b; });
  }

  // kRows rows at a time, since a row's additions wait for each other.
  template <std::size_t kRows>
  static void row_sums(F* folded, RowsF32 a, std::size_t columns) {
    F sums[kRows][kVectors];
    for (auto& row : sums) {
      for (F& sum : row) sum = V::broadcast(0.0F);
    }
    const std::size_t whole = columns - columns % kSumLanes;
    if (a.step == 1) {
      for (std::size_t i = 0; i < whole; i += kSumLanes) {
        for (std::size_t r = 0; r < kRows; ++r) add_block(sums[r], row_of(a, r), 1, i);
      }
    } else {
      for (std::size_t i = 0; i < whole; i += kSumLanes) {
        for (std::size_t r = 0; r < kRows; ++r) add_block(sums[r], row_of(a, r), a.step, i);
      }
    }
    for (std::size_t r = 0; r < kRows; ++r) {
      if (whole < columns) add_last(sums[r], row_of(a, r), a.step, whole, columns - whole);
      folded[r] = fold_vectors(sums[r]);
    }
  }

  // As many rows as there are lanes, so that the last folds are of whole vectors: lane j of every row is vector j.
  static void row_sum(float* out, RowsF32 a, std::size_t rows, std::size_t columns) {
    for (std::size_t r = 0; r < rows; r += V::kLanes) {
      const std::size_t count = rows - r < V::kLanes ? rows - r : V::kLanes;
      F lanes[V::kLanes];
      std::size_t done = 0;
      for (; done + 4 <= count; done += 4) row_sums<4>(lanes + done, rows_from(a, r + done), columns);
      for (; done < count; ++done) row_sums<1>(lanes + done, rows_from(a, r + done), columns);
      for (; done < V::kLanes; ++done) lanes[done] = V::broadcast(0.0F);
      V::transpose(lanes);
      for (std::size_t half = V::kLanes / 2; half > 0; half /= 2) {
        for (std::size_t j = 0; j < half; ++j) lanes[j] = V::add(lanes[j], lanes[j + half]);
      }
      store_columns(out, r, r + count, Functions::canonical(lanes[0]));
    }
  }

  static const float* row_of(RowsF32 a, std::size_t r) {
    return a.data + static_cast<std::ptrdiff_t>(r) * a.row_stride;
  }
  static RowsF32 rows_from(RowsF32 a, std::size_t r) { return {row_of(a, r), a.row_stride, a.step}; }

  static F lowest() { return V::broadcast(-__builtin_inff()); }

  template <std::size_t kRows>
  static void row_maxima(F* lanes, RowsF32 a, std::size_t columns) {
    F best[kRows];
    for (F& row : best) row = lowest();
    const std::size_t whole = columns - columns % V::kLanes;
    if (a.step == 1) {
      for (std::size_t i = 0; i < whole; i += V::kLanes) {
        for (std::size_t r = 0; r < kRows; ++r) best[r] = Functions::maximum(best[r], V::load(row_of(a, r) + i));
      }
    } else {
      for (std::size_t i = 0; i < whole; i += V::kLanes) {
        for (std::size_t r = 0; r < kRows; ++r) {
          best[r] = Functions::maximum(best[r], Elementwise<V>::fetch(row_of(a, r), a.step, i));
        }
      }
    }
    for (std::size_t r = 0; r < kRows; ++r) {
      if (whole < columns) {
        float last[V::kLanes];
        V::store(last, lowest());
        for (std::size_t i = whole; i < columns; ++i)
          last[i - whole] = row_of(a, r)[static_cast<std::ptrdiff_t>(i) * a.step];
        best[r] = Functions::maximum(best[r], V::load(last));
      }
      lanes[r] = best[r];
    }
  }

  static void row_max(float* out, RowsF32 a, std::size_t rows, std::size_t columns) {
    for (std::size_t r = 0; r < rows; r += V::kLanes) {
      const std::size_t count = rows - r < V::kLanes ? rows - r : V::kLanes;
      F lanes[V::kLanes];
      std::size_t done = 0;
      for (; done + 4 <= count; done += 4) row_maxima<4>(lanes + done, rows_from(a, r + done), columns);
      for (; done < count; ++done) row_maxima<1>(lanes + done, rows_from(a, r + done), columns);
      for (; done < V::kLanes; ++done) lanes[done] = lowest();
      V::transpose(lanes);
      for (std::size_t half = V::kLanes / 2; half > 0; half /= 2) {
        for (std::size_t j = 0; j < half; ++j) lanes[j] = Functions::maximum(lanes[j], lanes[j + half]);
      }
      store_columns(out, r, r + count, lanes[0]);
    }
  }

  // Element (r, i) as a row of V's that starts at column i: like fetch, and within the matrix.
  static F fetch_columns(const float* row, std::ptrdiff_t step, std::size_t i, std::size_t end) {
    if (i + V::kLanes <= end) return Elementwise<V>::fetch(row, step, i);
    return Elementwise<V>::fetch_first(row, step, i, end - i);
  }

  static void store_columns(float* out, std::size_t i, std::size_t end, F value) {
    if (i + V::kLanes <= end) {
      V::store(out + i, value);
    } else {
      V::store_first(out + i, end - i, value);
    }
  }

  static void column_sum(float* out, RowsF32 a, std::size_t rows, std::size_t columns) {
    alignas(64) float sums[kSumLanes][kColumns];
    for (std::size_t begin = 0; begin < columns; begin += kColumns) {
      const std::size_t end = columns - begin < kColumns ? columns : begin + kColumns;
      for (std::size_t r = 0; r < kSumLanes; ++r) {
        for (std::size_t i = 0; i < kColumns; i += V::kLanes) V::store(sums[r] + i, V::broadcast(0.0F));
      }
      for (std::size_t r = 0; r < rows; ++r) {
        const float* row = row_of(a, r);
        float* sum = sums[r % kSumLanes];
        if (a.step == 1 && end - begin == kColumns) {
          for (std::size_t i = 0; i < kColumns; i += V::kLanes) {
            V::store(sum + i, V::add(V::load(sum + i), V::load(row + begin + i)));
          }
          continue;
        }
        for (std::size_t i = begin; i < end; i += V::kLanes) {
          V::store(sum + (i - begin), V::add(V::load(sum + (i - begin)), fetch_columns(row, a.step, i, end)));
        }
      }
      for (std::size_t half = kSumLanes / 2; half > 0; half /= 2) {
        for (std::size_t r = 0; r < half; ++r) {
          for (std::size_t i = 0; i < kColumns; i += V::kLanes) {
            V::store(sums[r] + i, V::add(V::load(sums[r] + i), V::load(sums[r + half] + i)));
          }
        }
      }
      for (std::size_t i = begin; i < end; i += V::kLanes) {
        store_columns(out, i, end, Functions::canonical(V::load(sums[0] + (i - begin))));
      }
    }
  }

  static void column_max(float* out, RowsF32 a, std::size_t rows, std::size_t columns) {
    alignas(64) float best[kColumns];
    for (std::size_t begin = 0; begin < columns; begin += kColumns) {
      const std::size_t end = columns - begin < kColumns ? columns : begin + kColumns;
      for (std::size_t i = 0; i < kColumns; i += V::kLanes) V::store(best + i, lowest());
      for (std::size_t r = 0; r < rows; ++r) {
        const float* row = row_of(a, r);
        for (std::size_t i = begin; i < end; i += V::kLanes) {
          const F value = Functions::maximum(V::load(best + (i - begin)), fetch_columns(row, a.step, i, end));
          V::store(best + (i - begin), value);
        }
      }
      for (std::size_t i = begin; i < end; i += V::kLanes) store_columns(out, i, end, V::load(best + (i - begin)));
    }
  }

  static void fill_table(Kernels& kernels) {
    kernels.row_sum = row_sum;
    kernels.row_max = row_max;
    kernels.column_sum = column_sum;
    kernels.column_max = column_max;
  }
};

}  // namespace starling::exact::loops
