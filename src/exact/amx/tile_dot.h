#pragma once

#include "exact/amx/tile_configuration.h"
#include "exact/kernels.h"
#include "exact/loops/integer_dot.h"

// Integer products by tiles T (exact/amx/tiles.h, or what stands for it in tests), over vectors V of 16 words of four
// bytes, which pack the columns.
//
// multiply<u, s, a, b>() adds to word (m, n) of tile s the products of bytes 4k + i of row m of tile a (unsigned if u)
// with bytes 4n + i of row k of tile b (signed), over all k and i < 4. So tile a holds 16 rows of 64 numbers as they
// lie in memory, and tile b 64 numbers of 16 columns as loops::IntegerDot packs them. What is packed ends with zeros:
// rows may hold anything behind their last number.

namespace starling::exact::amx {

template <class T, class V>
struct TileDot {
  using Words = loops::IntegerDot<V>;
  static_assert(V::kLanes == 16 && V::kVectors == 2 && V::kDepth == 4 && !V::kWidens);
  static_assert(!V::kOffsetsSigned && !V::kOffsetsUnsigned);
  static constexpr std::int64_t kSide = TileConfiguration::kMostRows;
  static constexpr std::int64_t kStep = TileConfiguration::kMostBytes;  // numbers of the depth
  static constexpr std::int64_t kBlockRows = 2 * kSide;
  static constexpr std::int64_t kPanel = 2 * kSide;
  static constexpr std::int64_t kWordBytes = 4;
  static constexpr std::int64_t kRows = 2 * kBlockRows;  // of one call

  // Tiles 0 to 3 are the sums of the upper rows (left and right columns) and of the lower; 4 and 5 the rows, 6 and 7
  // the columns.
  static TileConfiguration configuration(std::int64_t rows) {
    TileConfiguration result;
    const auto set = [&](int tile, std::int64_t count) {
      result.rows[tile] = static_cast<std::uint8_t>(count);
      result.row_bytes[tile] = static_cast<std::uint16_t>(count == 0 ? 0 : kStep);
    };
    const std::int64_t upper = rows < kSide ? rows : kSide;
    for (const int tile : {0, 1, 4}) set(tile, upper);
    for (const int tile : {2, 3, 5}) set(tile, rows - upper);
    for (const int tile : {6, 7}) set(tile, kSide);
    return result;
  }

  struct Place {
    const std::uint8_t* rows;
    std::ptrdiff_t pitch;
    const std::uint8_t* columns;
    std::int64_t steps;
    std::int32_t* out;
    std::ptrdiff_t stride;
    WrittenNext next;
    std::int64_t next_rows;
  };

  // A block of 32 × 32 sums, or of its upper rows alone.
  template <bool kUnsigned, bool kLower>
  static void block(const Place& place) {
    T::template zero<0>();
    T::template zero<1>();
    if constexpr (kLower) {
      T::template zero<2>();
      T::template zero<3>();
    }
    const std::uint8_t* rows = place.rows;
    const std::uint8_t* columns = place.columns;
    constexpr std::ptrdiff_t kColumnPitch = kPanel * kWordBytes;
    std::int64_t fetched = 0;
    for (std::int64_t step = 0; step < place.steps; ++step) {
      T::template load<6>(columns, kColumnPitch);
      T::template load<7>(columns + kSide * kWordBytes, kColumnPitch);
      T::template load<4>(rows, place.pitch);
      T::template multiply<kUnsigned, 0, 4, 6>();
      T::template multiply<kUnsigned, 1, 4, 7>();
      if constexpr (kLower) {
        T::template load<5>(rows + kSide * place.pitch, place.pitch);
        T::template multiply<kUnsigned, 2, 5, 6>();
        T::template multiply<kUnsigned, 3, 5, 7>();
      }
      // Two rows of what is written next.
      for (int i = 0; i < 2 && fetched < place.next_rows; ++i, ++fetched) {
        const std::byte* line = place.next.data + fetched * place.next.pitch;
        __builtin_prefetch(line, 1, 2);
        __builtin_prefetch(line + kStep, 1, 2);
      }
      rows += kStep;
      columns += kSide * kColumnPitch;
    }
    const std::ptrdiff_t pitch = place.stride * kWordBytes;
    T::template store<0>(place.out, pitch);
    T::template store<1>(place.out + kSide, pitch);
    if constexpr (kLower) {
      T::template store<2>(place.out + kSide * place.stride, pitch);
      T::template store<3>(place.out + kSide * place.stride + kSide, pitch);
    }
  }

  // What one call of multiply is given.
  struct Product {
    const PreparedRows& prepared;
    std::int64_t row;
    const std::uint8_t* packed;
    std::int64_t panels;
    std::int32_t* out;
    std::ptrdiff_t stride;
    WrittenNext next;
  };

  // Rows [begin, end) of it in blocks of one height.
  template <bool kUnsigned>
  static void multiply_blocks(const Product& product, std::int64_t begin, std::int64_t end, std::int64_t height) {
    if (begin == end) return;
    const PreparedRows& prepared = product.prepared;
    const std::int64_t steps = (prepared.steps * kWordBytes + kStep - 1) / kStep;
    T::configure(configuration(height));
    for (std::int64_t p = 0; p < product.panels; ++p) {
      for (std::int64_t i = begin; i < end; i += height) {
        Place place{prepared.data + (product.row + i) * prepared.pitch,
                    prepared.pitch,
                    product.packed + p * kPanel * steps * kStep,
                    steps,
                    product.out + i * product.stride + p * kPanel,
                    product.stride,
                    {},
                    0};
        if (product.next.data != nullptr) {
          place.next = {product.next.data + i * product.next.pitch + p * kPanel * kWordBytes, product.next.pitch};
          place.next_rows = height;
        }
        if (height > kSide) {
          block<kUnsigned, true>(place);
        } else {
          block<kUnsigned, false>(place);
        }
      }
    }
  }

  static void multiply(const PreparedRows& prepared, std::int64_t row, std::int64_t rows, const std::uint8_t* packed,
                       std::int64_t panels, std::int32_t* out, std::ptrdiff_t stride, WrittenNext next) {
    const Product product{prepared, row, packed, panels, out, stride, next};
    const auto blocks = prepared.is_unsigned ? multiply_blocks<true> : multiply_blocks<false>;
    // Tiles have other sizes for the rows that whole blocks leave.
    const std::int64_t whole = rows / kBlockRows * kBlockRows;
    blocks(product, 0, whole, kBlockRows);
    blocks(product, whole, rows, rows - whole);
    T::release();
  }

  // Tiles read whole steps of rows.
  static PreparedRows prepare_rows(const IntegerDotProblem& problem, std::int64_t batch, std::int64_t m0,
                                   std::int64_t m1, std::uint8_t* memory, std::int32_t* start) {
    return Words::template prepare_whole_rows<kStep>(problem, batch, m0, m1, memory, start);
  }

  static IntegerDotKernels kernels(const char* name) {
    return {name,    kRows, kPanel, false, Words::row_bytes, Words::column_bytes, prepare_rows, Words::pack_columns,
            multiply};
  }
};

}  // namespace starling::exact::amx
