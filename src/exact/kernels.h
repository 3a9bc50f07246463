#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/result.h"
#include "exact/shape.h"

namespace starling::exact {

// What a backend gives the executor: loops over plain memory, single-threaded, no allocation. Each folder named after
// an instruction set has one table of these; every table gives the same bits, those of the operator table's
// definitions.

// Element (r, i) of an operand is data[r * row_stride + i * step]. A step or stride of 0 repeats.
template <typename T>
struct Rows {
  const T* data;
  std::ptrdiff_t row_stride;
  std::ptrdiff_t step;
};
using RowsF32 = Rows<float>;

// out(r, i) is at out[r * out_stride + i]. out may be the very memory of an operand that has step 1 and the same
// stride.
using UnaryKernel = void (*)(float* out, std::ptrdiff_t out_stride, RowsF32 a, std::size_t rows, std::size_t columns);
using BinaryKernel = void (*)(float* out, std::ptrdiff_t out_stride, RowsF32 a, RowsF32 b, std::size_t rows,
                              std::size_t columns);
using TernaryKernel = void (*)(float* out, std::ptrdiff_t out_stride, RowsF32 a, RowsF32 b, RowsF32 c, std::size_t rows,
                               std::size_t columns);
// out[r] = reduction over i of a(r, i).
using RowReduction = void (*)(float* out, RowsF32 a, std::size_t rows, std::size_t columns);
// out[i] = reduction over r of a(r, i).
using ColumnReduction = void (*)(float* out, RowsF32 a, std::size_t rows, std::size_t columns);

// One axis of a matrix operand. An index along it is split over the factors, the last varying fastest; the element's
// offset is the sum of factor index × stride. Transposed, permuted and windowed (convolution) operands are all of this
// form.
struct Axis {
  static constexpr int kMaxFactors = 8;
  int factors = 0;  // 0: the axis has size 1
  std::int64_t size[kMaxFactors] = {};
  std::ptrdiff_t stride[kMaxFactors] = {};

  std::int64_t total() const {
    std::int64_t product = 1;
    for (int i = 0; i < factors; ++i) product *= size[i];
    return product;
  }
  std::ptrdiff_t offset(std::int64_t index) const {
    std::ptrdiff_t sum = 0;
    for (int i = factors - 1; i >= 0; --i) {
      sum += static_cast<std::ptrdiff_t>(index % size[i]) * stride[i];
      index /= size[i];
    }
    return sum;
  }
};

// An operand of a product: element (batch, row, depth).
struct DotOperand {
  const float* data;
  Axis batch;
  Axis rows;
  Axis depth;
};

// out(batch, m, n), contiguous in n.
struct DotOutput {
  float* data;
  Axis batch;
  Axis rows;
};

// The second operand of a product, packed once for all products (exact/packed_operand.h): panels of so many columns as
// the kernels take at once, whole depth, as f32, bf16 or f16. Element (k, column c) of panel p is at (p * depth + k) *
// columns of a panel + c; the last panel ends with zeros.
struct PackedColumns {
  const void* data = nullptr;  // aligned to 64; nullptr: there are none
  Type type = Type::kF32;
};

// out(b, m, n) = chain over k ascending of fma(a(b, m, k), b(b, n, k), acc) from +0. Where b is packed it has one
// batch, and is read there.
struct DotProblem {
  DotOperand a;
  DotOperand b;
  DotOutput out;
  std::int64_t batch, m, n, k;
  PackedColumns packed_b = {};
};

// An operand of an integer product: element (batch, row, depth); strides count bytes.
struct IntegerOperand {
  const std::uint8_t* data;
  Axis batch;
  Axis rows;
  Axis depth;
};

// out(b, m, n) = sum over k of a(b, m, k) * b(b, n, k), exact in i32. a is i8 or u8, b is i8.
struct IntegerDotProblem {
  IntegerOperand a;
  IntegerOperand b;
  bool a_is_unsigned;
  std::int64_t batch, m, n, k;
  // All columns of b as pack_columns gives them, aligned to 64, where they were packed before: b has one batch then.
  const std::uint8_t* packed_b = nullptr;
};

// Rows of `a` as a backend reads them.
struct PreparedRows {
  const std::uint8_t* data;
  std::ptrdiff_t pitch;       // bytes from row to row
  const std::int32_t* start;  // of each row: what its sums begin with
  std::int64_t steps;         // words of 32 bits that a row has
  bool is_unsigned;
};

// out(r, i) = f32(sums(r, i)) * (row_scale[r * row_step] * column_scale[i]) + bias[i], each operation rounded; without
// the sum where bias is nullptr.
struct Dequantising {
  Rows<std::int32_t> sums;  // step 1
  const float* row_scale;
  std::ptrdiff_t row_step;
  const float* column_scale;
  const float* bias;
};

// Where numbers of four bytes are written that are made of a tile: element (i, j) at data + i * pitch + 4 * j. Its
// lines are fetched while the sums are made, so that writing them waits for no memory. nullptr: nowhere.
struct WrittenNext {
  std::byte* data = nullptr;
  std::ptrdiff_t pitch = 0;  // bytes
  // Where the kind of product dequantises: they are f32, made with these operands (but sums) as the sums are done,
  // which then go nowhere. nullptr: somebody else makes them.
  const Dequantising* by = nullptr;
};

// What a backend gives for integer products: exact/integer_dot.h puts the pieces together.
struct IntegerDotKernels {
  const char* name;
  std::int64_t tile_rows;      // of one call of multiply: fewer leave the columns to be read more often
  std::int64_t panel_columns;  // columns are packed by so many
  bool dequantises;            // whether multiply does what its WrittenNext asks for
  // Bytes of a prepared row and of a packed column of that depth, at most.
  std::size_t (*row_bytes)(std::int64_t depth);
  std::size_t (*column_bytes)(std::int64_t depth);
  // Rows [m0, m1) of a batch: where they lie if they can be read there, else copied to memory (aligned to 64).
  PreparedRows (*prepare_rows)(const IntegerDotProblem& problem, std::int64_t batch, std::int64_t m0, std::int64_t m1,
                               std::uint8_t* memory, std::int32_t* start);
  // Columns [n0, n1) of a batch to memory (aligned to 64), whole panels.
  void (*pack_columns)(const IntegerDotProblem& problem, std::int64_t batch, std::int64_t n0, std::int64_t n1,
                       std::uint8_t* memory);
  // out[i * stride + j] for the prepared rows [row, row + rows) and all columns of the packed panels, which are whole
  // if it dequantises.
  void (*multiply)(const PreparedRows& prepared, std::int64_t row, std::int64_t rows, const std::uint8_t* packed,
                   std::int64_t panels, std::int32_t* out, std::ptrdiff_t stride, WrittenNext next);
};

using DequantisingKernel = void (*)(float* out, std::ptrdiff_t out_stride, const Dequantising& operands,
                                    std::size_t rows, std::size_t columns);

// What integer attention makes of its scores: for each row l_i = f32(sums_i) * (row_scale * column_scale_i) and
// m = max l, values_i = to_u8(exp(l_i - m) * factor), and totals = f32(sum of values). sums are written over.
struct SoftmaxRows {
  std::int32_t* sums;
  std::ptrdiff_t sums_stride;
  const float* row_scale;
  std::ptrdiff_t row_step;
  const float* column_scale;
  float factor;
  std::uint8_t* values;
  std::ptrdiff_t values_stride;
  float* totals;
};

// Rows of integers of 8 bits: greatest = max |x| and values = to_i8(x * select(greatest, numerator / greatest,
// otherwise)).
struct QuantisedRows {
  RowsF32 x;
  float numerator, otherwise;
  std::uint8_t* values;
  std::ptrdiff_t values_stride;
  float* greatest;
  bool past_caches = false;  // of values, as in WrittenRows
};
// Rows that a kernel writes, of step 1. Past the caches: to memory, for what is larger than they are; Kernels::settle
// before another thread reads it.
struct WrittenRows {
  float* data;
  std::ptrdiff_t stride;
  bool past_caches = false;
};
// n = d * (one / sqrt(sum(d * d) * by_count + epsilon)) with d = x - sum(x) * by_count for a layer norm, d = x for an
// RMS norm; out = fma(n, scale, shift), n * scale if shift.data is nullptr, n if scale.data is. out may be x. x, scale
// and shift have step 1.
struct NormedRows {
  RowsF32 x;
  float by_count, epsilon, one;
  RowsF32 scale, shift;
  WrittenRows out;
};
// The rows that a norm gives (norm.out is nowhere) as integers, which are written to quantised (quantised.x is not
// read).
struct NormedIntegers {
  NormedRows norm;
  QuantisedRows quantised;
};
// out = fma(h, tanh(c * slope), h) with h = x * half, c = fma(x * x * cubic, x, x). out may be x. x has step 1.
struct GeluRows {
  RowsF32 x;
  float cubic, half, slope;
  WrittenRows out;
};
// out = e / sum(e) with e = exp(x - max x). out may be x. x has step 1.
struct ShareRows {
  RowsF32 x;
  WrittenRows out;
};
// Heads of 2 * half numbers beside each other, pairs of which are turned: with a = x[2 i], b = x[2 i + 1] of a head,
// out[i] = a * cosine[i] - b * sine[i] and out[half + i] = a * sine[i] + b * cosine[i], for i < half. out is not x; x
// has step 1, and columns is a multiple of 2 * half.
struct RotatedRows {
  RowsF32 x;
  const float* cosine;
  const float* sine;
  std::ptrdiff_t cosine_stride, sine_stride;  // from row to row
  std::size_t half;
  WrittenRows out;
};
// Rotated rows (turned.out has room for them) as integers, head by head: with y = rotated * factor and greatest = max
// |y| of a head, values = to_i8(y * select(greatest, numerator / greatest, otherwise)) and scale = greatest / divisor.
// Head h of row r is number r * row_step + h * head_step of those at values, 2 * half bytes each, and at scale.
struct HeadIntegers {
  float factor, numerator, otherwise, divisor;
  std::uint8_t* values;
  float* scale;
  std::ptrdiff_t row_step, head_step;
  bool past_caches = false;  // of values, as in WrittenRows
};
struct RotatedIntegers {
  RotatedRows turned;
  HeadIntegers to;
};
// The rows that an RMS norm gives (norm.out has room for them; there is no shift), rotated (turned.x is not read).
struct NormedHeads {
  NormedRows norm;
  RotatedRows turned;
};
struct NormedHeadIntegers {
  NormedHeads heads;
  HeadIntegers to;
};
template <class Operands>
using RowsKernel = void (*)(const Operands& operands, std::size_t rows, std::size_t columns);

template <typename T>
using WideningKernel = void (*)(float* out, std::ptrdiff_t out_stride, Rows<T> a, std::size_t rows,
                                std::size_t columns);
// a holds integers that the type has.
template <typename T>
using NarrowingKernel = void (*)(T* out, std::ptrdiff_t out_stride, RowsF32 a, std::size_t rows, std::size_t columns);

struct Kernels {
  const char* name;
  UnaryKernel copy, neg, abs, sqrt, exp, log, sin, cos, tanh, erf;
  UnaryKernel round_i8, round_u8;  // to the nearest integer of the type, halves to even; a NaN gives 0
  WideningKernel<std::int8_t> widen_i8;
  WideningKernel<std::uint8_t> widen_u8;
  WideningKernel<std::int32_t> widen_i32;
  NarrowingKernel<std::uint8_t> narrow_8;  // two's complement
  NarrowingKernel<std::int32_t> narrow_i32;
  DequantisingKernel dequantise;
  RowsKernel<SoftmaxRows> softmax;  // at most 65,793 columns
  RowsKernel<QuantisedRows> quantise;
  RowsKernel<NormedRows> layer_norm, rms_norm;
  RowsKernel<NormedIntegers> layer_norm_quantise, rms_norm_quantise;
  RowsKernel<GeluRows> gelu;
  RowsKernel<ShareRows> shares;
  RowsKernel<RotatedRows> rotate;
  RowsKernel<RotatedIntegers> rotate_quantise;
  RowsKernel<NormedHeads> rms_norm_rotate;
  RowsKernel<NormedHeadIntegers> rms_norm_rotate_quantise;
  BinaryKernel add, sub, mul, div, maximum, minimum, less;
  TernaryKernel fma, select;
  // The same, but results go past the caches where all operands have step 1.
  UnaryKernel copy_past;
  BinaryKernel add_past, sub_past, mul_past;
  TernaryKernel fma_past;
  // After results went past the caches, before anything else may read them.
  void (*settle)();
  RowReduction row_sum, row_max;
  ColumnReduction column_sum, column_max;
  // Philox4x32-10 streams: elements [first, first + count) of the tensor (exact/random.h has the definition).
  void (*normal)(float* out, std::uint64_t key, std::uint32_t stream, std::uint64_t first, std::size_t count);
  void (*uniform)(float* out, std::uint64_t key, std::uint32_t stream, std::uint64_t first, std::size_t count);
  // The block [m0, m1) × [n0, n1) of the batches [batch0, batch1) of a product, whole depth. workspace holds at least
  // dot_workspace_bytes(), aligned to 64. Blocks of one problem may be computed by different threads at once. n0 is a
  // multiple of dot_panel_columns where b is packed.
  void (*dot_block)(const DotProblem& problem, std::int64_t batch0, std::int64_t batch1, std::int64_t m0,
                    std::int64_t m1, std::int64_t n0, std::int64_t n1, void* workspace);
  std::size_t (*dot_workspace_bytes)();
  std::int64_t dot_panel_columns;  // of PackedColumns
  IntegerDotKernels integer_dot;
};

// The backends this CPU can run, best first; the last is always "generic".
std::span<const Kernels* const> available_kernels();
// Every kind of integer product that this CPU can run, best first: more than one may belong to a backend.
std::span<const IntegerDotKernels* const> available_integer_dots();
// The best of them, or the one STARLING_BACKEND names ("generic", "avx2", "avx512", "amx", "neon"): an error that lists
// what this CPU has if it is not one of them.
base::Result<const Kernels*> choose_kernels(std::string_view forced);

}  // namespace starling::exact
