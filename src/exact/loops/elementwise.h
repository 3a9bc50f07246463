#pragma once

#include "exact/kernels.h"
#include "exact/loops/math.h"

// Elementwise loops over a backend's vectors V.

namespace starling::exact::loops {

// What is computed: F apply(F...). Payloads of NaNs are made one; copy and select move bits.
template <class V>
struct Operations {
  using F = typename V::F;
  using Functions = Math<V>;

  struct Copy {
    STARLING_BOTH static F apply(F a) { return a; }
  };
  struct Negate {
    STARLING_BOTH static F apply(F a) {
      return Functions::canonical(V::from_bits(V::xor_bits(V::bits(a), V::broadcast_bits(0x80000000U))));
    }
  };
  struct Absolute {
    STARLING_BOTH static F apply(F a) { return Functions::canonical(Functions::magnitude(a)); }
  };
  struct SquareRoot {
    STARLING_BOTH static F apply(F a) { return Functions::canonical(V::sqrt(a)); }
  };
  struct Exp {
    STARLING_BOTH static F apply(F a) { return Functions::exp(a); }
  };
  struct Log {
    STARLING_BOTH static F apply(F a) { return Functions::log(a); }
  };
  struct Sin {
    STARLING_BOTH static F apply(F a) { return Functions::sin(a); }
  };
  struct Cos {
    STARLING_BOTH static F apply(F a) { return Functions::cos(a); }
  };
  struct Tanh {
    STARLING_BOTH static F apply(F a) { return Functions::tanh(a); }
  };
  struct Erf {
    STARLING_BOTH static F apply(F a) { return Functions::erf(a); }
  };
  // To the nearest integer between two others.
  STARLING_BOTH static F rounded(F a, float least, float greatest) {
    const F clamped = V::lesser_of(V::greater_of(a, V::broadcast(least)), V::broadcast(greatest));
    return V::select(V::unordered(a, a), V::broadcast(0.0F), V::to_float(V::round(clamped)));
  }
  struct RoundI8 {
    STARLING_BOTH static F apply(F a) { return rounded(a, -128.0F, 127.0F); }
  };
  struct RoundU8 {
    STARLING_BOTH static F apply(F a) { return rounded(a, 0.0F, 255.0F); }
  };
  struct Add {
    STARLING_BOTH static F apply(F a, F b) { return Functions::canonical(V::add(a, b)); }
  };
  struct Subtract {
    STARLING_BOTH static F apply(F a, F b) { return Functions::canonical(V::sub(a, b)); }
  };
  struct Multiply {
    STARLING_BOTH static F apply(F a, F b) { return Functions::canonical(V::mul(a, b)); }
  };
  struct Divide {
    STARLING_BOTH static F apply(F a, F b) { return Functions::canonical(V::div(a, b)); }
  };
  struct Maximum {
    STARLING_BOTH static F apply(F a, F b) { return Functions::maximum(a, b); }
  };
  struct Minimum {
    STARLING_BOTH static F apply(F a, F b) { return Functions::minimum(a, b); }
  };
  struct Less {
    STARLING_BOTH static F apply(F a, F b) { return V::select(V::less(a, b), V::broadcast(1.0F), V::broadcast(0.0F)); }
  };
  struct FusedMultiplyAdd {
    STARLING_BOTH static F apply(F a, F b, F c) { return Functions::canonical(V::fma(a, b, c)); }
  };
  struct Select {
    STARLING_BOTH static F apply(F condition, F a, F b) {
      return V::select(V::equal(condition, V::broadcast(0.0F)), b, a);
    }
  };
};

// A row that is made vector by vector: make(load, i) gives what belongs at i, with load(p) for the numbers from p on.
// The first and the last vector may be a part of one.
template <class V>
struct Rowwise {
  using F = typename V::F;
  static constexpr std::size_t kLanes = V::kLanes;

  struct Whole {
    F operator()(const float* from) const { return V::load(from); }
  };
  struct First {
    std::size_t count;
    F operator()(const float* from) const { return V::load_first(from, count); }
  };

  template <bool kPast>
  static void store(float* to, F value) {
    if constexpr (kPast && requires { V::store_past(to, value); }) {
      V::store_past(to, value);
    } else {
      V::store(to, value);
    }
  }

  static void settle() {
    if constexpr (requires { V::settle(); }) V::settle();
  }

  // Numbers before the first whole vector that goes past the caches.
  static std::size_t before_whole(const float* to, std::size_t columns) {
    const std::size_t beyond = reinterpret_cast<std::uintptr_t>(to) / sizeof(float) % kLanes;
    const std::size_t count = beyond == 0 ? 0 : kLanes - beyond;
    return count < columns ? count : columns;
  }

  template <bool kPast, class Make>
  static void write(float* to, std::size_t columns, const Make& make) {
    std::size_t i = 0;
    if constexpr (kPast) {
      i = before_whole(to, columns);
      if (i > 0) V::store_first(to, i, make(First{i}, std::size_t{0}));
    }
    for (; i + kLanes <= columns; i += kLanes) store<kPast>(to + i, make(Whole{}, i));
    if (i < columns) V::store_first(to + i, columns - i, make(First{columns - i}, i));
  }
  template <class Make>
  static void write(float* to, std::size_t columns, bool past_caches, const Make& make) {
    past_caches ? write<true>(to, columns, make) : write<false>(to, columns, make);
  }

  // The same, with kCount vectors at a time where there are as many: several(i).of.
  template <std::size_t kCount, bool kPast, class Make, class Several>
  static void write_in_step(float* to, std::size_t columns, const Make& make, const Several& several) {
    std::size_t i = kPast ? before_whole(to, columns) : 0;
    if (i > 0) V::store_first(to, i, make(First{i}, std::size_t{0}));
    for (; i + kCount * kLanes <= columns; i += kCount * kLanes) {
      const auto made = several(i);
      for (std::size_t v = 0; v < kCount; ++v) store<kPast>(to + i + v * kLanes, made.of[v]);
    }
    for (; i + kLanes <= columns; i += kLanes) store<kPast>(to + i, make(Whole{}, i));
    if (i < columns) V::store_first(to + i, columns - i, make(First{columns - i}, i));
  }
};

template <class V>
struct Elementwise {
  using F = typename V::F;

  // kLanes elements of a row from column i on.
  static F fetch(const float* row, std::ptrdiff_t step, std::size_t i) {
    if (step == 1) return V::load(row + i);
    if (step == 0) return V::broadcast(*row);
    return V::load_strided(row + static_cast<std::ptrdiff_t>(i) * step, step);
  }
  static F fetch_first(const float* row, std::ptrdiff_t step, std::size_t i, std::size_t count) {
    if (step == 1) return V::load_first(row + i, count);
    if (step == 0) return V::broadcast(*row);
    float lanes[V::kLanes] = {};
    for (std::size_t j = 0; j < count; ++j) lanes[j] = row[static_cast<std::ptrdiff_t>(i + j) * step];
    return V::load(lanes);
  }

  // Whether row r + 1 goes on where row r ends.
  static bool one_row(RowsF32 a, std::size_t columns) {
    return a.row_stride == a.step * static_cast<std::ptrdiff_t>(columns);
  }

  static bool contiguous(RowsF32 a) { return a.step == 1; }

  template <class Operation, bool kPast = false, class... Operands>
  static void run(float* out, std::ptrdiff_t out_stride, std::size_t rows, std::size_t columns, Operands... operands) {
    if (rows > 1 && out_stride == static_cast<std::ptrdiff_t>(columns) && (one_row(operands, columns) && ...)) {
      columns *= rows;
      rows = 1;
    }
    if ((contiguous(operands) && ...)) {
      for (std::size_t r = 0; r < rows; ++r) {
        const auto row = static_cast<std::ptrdiff_t>(r);
        contiguous_row<Operation, kPast>(out + row * out_stride, columns,
                                         (operands.data + row * operands.row_stride)...);
      }
      return;
    }
    // Strided operands visit a cache line once per row: few columns at a time, so that the lines stay near.
    const bool strided = ((operands.step > 1 || operands.step < 0) || ...);
    const std::size_t width = strided && rows > 1 ? 8 * V::kLanes : columns;
    for (std::size_t begin = 0; begin < columns; begin += width) {
      const std::size_t end = columns - begin < width ? columns : begin + width;
      for (std::size_t r = 0; r < rows; ++r) {
        const auto row = static_cast<std::ptrdiff_t>(r);
        float* to = out + row * out_stride;
        std::size_t i = begin;
        for (; i + V::kLanes <= end; i += V::kLanes) {
          V::store(to + i, Operation::apply(fetch(operands.data + row * operands.row_stride, operands.step, i)...));
        }
        if (i < end) {
          const F last =
              Operation::apply(fetch_first(operands.data + row * operands.row_stride, operands.step, i, end - i)...);
          V::store_first(to + i, end - i, last);
        }
      }
    }
  }

  template <class Operation, bool kPast, class... Pointers>
  static void contiguous_row(float* out, std::size_t columns, Pointers... operands) {
    Rowwise<V>::template write<kPast>(
        out, columns, [&](auto load, std::size_t i) { return Operation::apply(load(operands + i)...); });
  }

  template <class Operation, bool kPast = false>
  static void unary(float* out, std::ptrdiff_t out_stride, RowsF32 a, std::size_t rows, std::size_t columns) {
    run<Operation, kPast>(out, out_stride, rows, columns, a);
  }
  template <class Operation, bool kPast = false>
  static void binary(float* out, std::ptrdiff_t out_stride, RowsF32 a, RowsF32 b, std::size_t rows,
                     std::size_t columns) {
    run<Operation, kPast>(out, out_stride, rows, columns, a, b);
  }
  template <class Operation, bool kPast = false>
  static void ternary(float* out, std::ptrdiff_t out_stride, RowsF32 a, RowsF32 b, RowsF32 c, std::size_t rows,
                      std::size_t columns) {
    run<Operation, kPast>(out, out_stride, rows, columns, a, b, c);
  }

  // Plain loops, which compilers turn into vectors of the backend's instructions.
  template <typename T>
  static void widen(float* out, std::ptrdiff_t out_stride, Rows<T> a, std::size_t rows, std::size_t columns) {
    for (std::size_t r = 0; r < rows; ++r) {
      float* __restrict to = out + static_cast<std::ptrdiff_t>(r) * out_stride;
      const T* __restrict from = a.data + static_cast<std::ptrdiff_t>(r) * a.row_stride;
      if (a.step == 1) {
        for (std::size_t i = 0; i < columns; ++i) to[i] = static_cast<float>(from[i]);
      } else {
        for (std::size_t i = 0; i < columns; ++i)
          to[i] = static_cast<float>(from[static_cast<std::ptrdiff_t>(i) * a.step]);
      }
    }
  }
  template <typename T>
  static void narrow(T* out, std::ptrdiff_t out_stride, RowsF32 a, std::size_t rows, std::size_t columns) {
    for (std::size_t r = 0; r < rows; ++r) {
      T* __restrict to = out + static_cast<std::ptrdiff_t>(r) * out_stride;
      const float* __restrict from = a.data + static_cast<std::ptrdiff_t>(r) * a.row_stride;
      if (a.step == 1) {
        for (std::size_t i = 0; i < columns; ++i) to[i] = static_cast<T>(static_cast<std::int32_t>(from[i]));
      } else {
        for (std::size_t i = 0; i < columns; ++i)
          to[i] = static_cast<T>(static_cast<std::int32_t>(from[static_cast<std::ptrdiff_t>(i) * a.step]));
      }
    }
  }

  // One NaN at the end is as good as one after each operation.
  template <bool kBias>
  static void dequantise_rows(float* out, std::ptrdiff_t out_stride, const Dequantising& in, std::size_t rows,
                              std::size_t columns) {
    for (std::size_t row = 0; row < rows; ++row) {
      const auto r = static_cast<std::ptrdiff_t>(row);
      const F scale = V::broadcast(in.row_scale[r * in.row_step]);
      float* to = out + r * out_stride;
      // Integers are loaded as the bits of f32.
      const auto* sums = reinterpret_cast<const float*>(in.sums.data + r * in.sums.row_stride);
      std::size_t i = 0;
      for (; i + V::kLanes <= columns; i += V::kLanes) {
        const F bias = kBias ? V::load(in.bias + i) : V::broadcast(0.0F);
        V::store(to + i, dequantised<kBias>(V::load(sums + i), scale, V::load(in.column_scale + i), bias));
      }
      if (i < columns) {
        const std::size_t count = columns - i;
        const F bias = kBias ? V::load_first(in.bias + i, count) : V::broadcast(0.0F);
        const F column = V::load_first(in.column_scale + i, count);
        V::store_first(to + i, count, dequantised<kBias>(V::load_first(sums + i, count), scale, column, bias));
      }
    }
  }
  template <bool kBias>
  static F dequantised(F sum, F row, F column, F bias) {
    const F product = V::mul(V::to_float(V::bits(sum)), V::mul(row, column));
    return Math<V>::canonical(kBias ? V::add(product, bias) : product);
  }
  static void dequantise(float* out, std::ptrdiff_t out_stride, const Dequantising& in, std::size_t rows,
                         std::size_t columns) {
    if (in.bias != nullptr) {
      dequantise_rows<true>(out, out_stride, in, rows, columns);
    } else {
      dequantise_rows<false>(out, out_stride, in, rows, columns);
    }
  }

  // Copies a matrix whose columns are contiguous, in square blocks turned in registers.
  static void copy_columns(float* out, std::ptrdiff_t out_stride, RowsF32 a, std::size_t rows, std::size_t columns) {
    using Copy = typename Operations<V>::Copy;
    constexpr std::size_t kLanes = V::kLanes;
    const std::size_t square_rows = rows - rows % kLanes;
    const std::size_t square_columns = columns - columns % kLanes;
    for (std::size_t i = 0; i < square_columns; i += kLanes) {
      for (std::size_t r = 0; r < square_rows; r += kLanes) {
        F block[V::kLanes];
        for (std::size_t j = 0; j < kLanes; ++j) {
          block[j] = V::load(a.data + static_cast<std::ptrdiff_t>(i + j) * a.step + static_cast<std::ptrdiff_t>(r));
        }
        V::transpose(block);
        for (std::size_t j = 0; j < kLanes; ++j)
          V::store(out + static_cast<std::ptrdiff_t>(r + j) * out_stride + i, block[j]);
      }
    }
    if (square_columns < columns) {
      const auto done = static_cast<std::ptrdiff_t>(square_columns);
      run<Copy>(out + done, out_stride, square_rows, columns - square_columns,
                RowsF32{a.data + done * a.step, a.row_stride, a.step});
    }
    const auto done = static_cast<std::ptrdiff_t>(square_rows);
    run<Copy>(out + done * out_stride, out_stride, rows - square_rows, columns,
              RowsF32{a.data + done * a.row_stride, a.row_stride, a.step});
  }

  static void copy(float* out, std::ptrdiff_t out_stride, RowsF32 a, std::size_t rows, std::size_t columns) {
    if (a.row_stride == 1 && a.step != 1 && a.step != 0) {
      copy_columns(out, out_stride, a, rows, columns);
    } else {
      run<typename Operations<V>::Copy>(out, out_stride, rows, columns, a);
    }
  }

  static void fill_table(Kernels& kernels) {
    using O = Operations<V>;
    kernels.copy = copy;
    kernels.neg = unary<typename O::Negate>;
    kernels.abs = unary<typename O::Absolute>;
    kernels.sqrt = unary<typename O::SquareRoot>;
    kernels.exp = unary<typename O::Exp>;
    kernels.log = unary<typename O::Log>;
    kernels.sin = unary<typename O::Sin>;
    kernels.cos = unary<typename O::Cos>;
    kernels.tanh = unary<typename O::Tanh>;
    kernels.erf = unary<typename O::Erf>;
    kernels.round_i8 = unary<typename O::RoundI8>;
    kernels.round_u8 = unary<typename O::RoundU8>;
    kernels.widen_i8 = widen<std::int8_t>;
    kernels.widen_u8 = widen<std::uint8_t>;
    kernels.widen_i32 = widen<std::int32_t>;
    kernels.narrow_8 = narrow<std::uint8_t>;
    kernels.narrow_i32 = narrow<std::int32_t>;
    kernels.dequantise = dequantise;
    kernels.add = binary<typename O::Add>;
    kernels.sub = binary<typename O::Subtract>;
    kernels.mul = binary<typename O::Multiply>;
    kernels.div = binary<typename O::Divide>;
    kernels.maximum = binary<typename O::Maximum>;
    kernels.minimum = binary<typename O::Minimum>;
    kernels.less = binary<typename O::Less>;
    kernels.fma = ternary<typename O::FusedMultiplyAdd>;
    kernels.select = ternary<typename O::Select>;
    kernels.copy_past = unary<typename O::Copy, true>;
    kernels.add_past = binary<typename O::Add, true>;
    kernels.sub_past = binary<typename O::Subtract, true>;
    kernels.mul_past = binary<typename O::Multiply, true>;
    kernels.fma_past = ternary<typename O::FusedMultiplyAdd, true>;
    kernels.settle = Rowwise<V>::settle;
  }
};

}  // namespace starling::exact::loops
