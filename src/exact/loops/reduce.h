#pragma once

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

  static float canonical_number(float a) {
    float lanes[V::kLanes];
    V::store(lanes, Functions::canonical(V::broadcast(a)));
    return lanes[0];
  }

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

  static float fold(const F (&sums)[kVectors]) {
    float lanes[kSumLanes];
    for (std::size_t v = 0; v < kVectors; ++v) V::store(lanes + v * V::kLanes, sums[v]);
    for (std::size_t half = kSumLanes / 2; half > 0; half /= 2) {
      for (std::size_t j = 0; j < half; ++j) lanes[j] = lanes[j] + lanes[j + half];
    }
    return canonical_number(lanes[0]);
  }

  // kRows rows at a time, since a row's additions wait for each other.
  template <std::size_t kRows>
  static void row_sums(float* out, RowsF32 a, std::size_t columns) {
    F sums[kRows][kVectors];
    for (auto& row : sums) {
      for (F& sum : row) sum = V::broadcast(0.0F);
    }
    std::size_t i = 0;
    for (; i + kSumLanes <= columns; i += kSumLanes) {
      for (std::size_t r = 0; r < kRows; ++r) {
        add_block(sums[r], a.data + static_cast<std::ptrdiff_t>(r) * a.row_stride, a.step, i);
      }
    }
    for (std::size_t r = 0; r < kRows; ++r) {
      if (i < columns) {
        add_last(sums[r], a.data + static_cast<std::ptrdiff_t>(r) * a.row_stride, a.step, i, columns - i);
      }
      out[r] = fold(sums[r]);
    }
  }

  static void row_sum(float* out, RowsF32 a, std::size_t rows, std::size_t columns) {
    std::size_t r = 0;
    for (; r + 4 <= rows; r += 4) row_sums<4>(out + r, rows_from(a, r), columns);
    for (; r < rows; ++r) row_sums<1>(out + r, rows_from(a, r), columns);
  }

  static RowsF32 rows_from(RowsF32 a, std::size_t r) {
    return {a.data + static_cast<std::ptrdiff_t>(r) * a.row_stride, a.row_stride, a.step};
  }

  static void row_max(float* out, RowsF32 a, std::size_t rows, std::size_t columns) {
    for (std::size_t r = 0; r < rows; ++r) {
      const float* row = rows_from(a, r).data;
      F first = V::broadcast(-__builtin_inff());
      F second = first;
      std::size_t i = 0;
      for (; i + 2 * V::kLanes <= columns; i += 2 * V::kLanes) {
        first = Functions::maximum(first, Elementwise<V>::fetch(row, a.step, i));
        second = Functions::maximum(second, Elementwise<V>::fetch(row, a.step, i + V::kLanes));
      }
      first = Functions::maximum(first, second);
      for (; i + V::kLanes <= columns; i += V::kLanes) {
        first = Functions::maximum(first, Elementwise<V>::fetch(row, a.step, i));
      }
      float lanes[2 * V::kLanes];
      V::store(lanes, first);
      V::store(lanes + V::kLanes, V::broadcast(-__builtin_inff()));
      for (std::size_t j = 0; i + j < columns; ++j)
        lanes[V::kLanes + j] = row[static_cast<std::ptrdiff_t>(i + j) * a.step];
      for (std::size_t half = V::kLanes; half > 0; half /= 2) {
        float upper[V::kLanes] = {};
        for (std::size_t j = 0; j < half; ++j) upper[j] = lanes[half + j];
        V::store(lanes, Functions::maximum(V::load(lanes), V::load(upper)));
      }
      out[r] = lanes[0];
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
        const float* row = rows_from(a, r).data;
        float* sum = sums[r % kSumLanes];
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
      for (std::size_t i = 0; i < kColumns; i += V::kLanes) V::store(best + i, V::broadcast(-__builtin_inff()));
      for (std::size_t r = 0; r < rows; ++r) {
        const float* row = rows_from(a, r).data;
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
