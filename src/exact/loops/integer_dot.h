#pragma once

#include "exact/kernels.h"
#include "exact/loops/math.h"

// Integer products over a backend's vectors V of words of 32 bits. A word holds V::kDepth neighbouring numbers of a row
// or column; V::accumulate adds the products of a word's numbers to a lane. Sums are modulo 2^32, so what is on the way
// may overflow: the result fits (exact/operators.cpp bounds the depth).
//
// Rows are read where they lie if V multiplies bytes and they are whole words; columns are packed as
// panels[step][vector][lane], whole depth, and stay in the second-level cache while all rows pass.

namespace starling::exact::loops {

template <class V>
struct IntegerDot {
  using I = typename V::I;
  static constexpr int kRows = V::kRows;
  static constexpr int kVectors = V::kVectors;
  static constexpr std::int64_t kLanes = V::kLanes;
  static constexpr std::int64_t kDepth = V::kDepth;
  static constexpr std::int64_t kChunk = kLanes * kDepth;  // numbers of one vector
  static constexpr std::int64_t kWordBytes = 4;
  static constexpr std::int64_t kVectorBytes = kLanes * kWordBytes;
  static constexpr std::int64_t kPanel = kVectors * kLanes;
  static constexpr std::ptrdiff_t kPage = 4096;  // distance of addresses that meet the same lines of the first cache

  static std::int64_t steps_of(std::int64_t depth) { return (depth + kDepth - 1) / kDepth; }

  // Whole vectors, an odd number of them, so that neighbouring rows do not meet the same lines of the cache.
  static std::ptrdiff_t row_pitch(std::int64_t depth) { return ((steps_of(depth) * kWordBytes + 63) / 64 | 1) * 64; }
  static std::size_t row_bytes(std::int64_t depth) { return static_cast<std::size_t>(row_pitch(depth)); }
  // Packing stores whole chunks of the depth.
  static std::int64_t packed_steps(std::int64_t depth) { return (depth + kChunk - 1) / kChunk * kLanes; }
  static std::size_t column_bytes(std::int64_t depth) {
    return static_cast<std::size_t>(packed_steps(depth) * kWordBytes);
  }

  static std::ptrdiff_t offset_of(const Axis& axis, std::int64_t index) {
    std::ptrdiff_t sum = 0;
    for (int i = axis.factors - 1; i >= 0; --i) {
      sum += static_cast<std::ptrdiff_t>(index % axis.size[i]) * axis.stride[i];
      index /= axis.size[i];
    }
    return sum;
  }

  static bool is_contiguous(const Axis& axis) {
    return axis.factors == 0 || (axis.factors == 1 && axis.stride[0] == 1);
  }

  // Numbers [k, k + count) of a row or column, zeros after them up to a whole chunk.
  static const std::uint8_t* chunk(const std::uint8_t* from, const Axis& depth, std::int64_t k, std::int64_t count,
                                   std::uint8_t* memory) {
    const bool contiguous = is_contiguous(depth);
    if (contiguous && count == kChunk) return from + k;
    if (contiguous) {
      for (std::int64_t i = 0; i < count; ++i) memory[i] = from[k + i];
    } else if (depth.factors == 1) {
      for (std::int64_t i = 0; i < count; ++i) memory[i] = from[(k + i) * depth.stride[0]];
    } else {
      // A convolution's windows: channels lie beside each other.
      const int last = depth.factors - 1;
      const std::int64_t run = depth.stride[last] == 1 ? depth.size[last] : 1;
      for (std::int64_t i = 0; i < count;) {
        const std::int64_t left = run - (k + i) % run;
        const std::int64_t length = left < count - i ? left : count - i;
        __builtin_memcpy(memory + i, from + offset_of(depth, k + i), static_cast<std::size_t>(length));
        i += length;
      }
    }
    for (std::int64_t i = count; i < kChunk; ++i) memory[i] = 0;
    return memory;
  }

  template <bool kSigned>
  static std::int32_t copy_row(std::uint8_t* to, const std::uint8_t* from, const Axis& depth, std::int64_t size) {
    alignas(64) std::uint8_t memory[kChunk];
    std::int32_t sum = 0;
    std::int64_t k = 0;
    for (; k < size; k += kChunk) {
      const std::int64_t count = size - k < kChunk ? size - k : kChunk;
      const std::uint8_t* numbers = chunk(from, depth, k, count, memory);
      if constexpr (offsets<kSigned>()) sum += sum_of<kSigned>(numbers, kChunk);
      I words = V::template row_words<kSigned>(numbers);
      if (k + kChunk <= size) {
        __builtin_memcpy(to + k / kDepth * kWordBytes, &words, sizeof words);
      } else {
        const auto bytes = static_cast<std::size_t>(steps_of(count) * kWordBytes);
        __builtin_memcpy(to + k / kDepth * kWordBytes, &words, bytes);
      }
    }
    return sum;
  }

  // Whether columns have 128 added where they meet such rows.
  template <bool kSigned>
  static constexpr bool offsets() {
    return kSigned ? V::kOffsetsSigned : V::kOffsetsUnsigned;
  }

  template <bool kSigned>
  static std::int32_t sum_of(const std::uint8_t* numbers, std::int64_t count) {
    std::int32_t sum = 0;
    for (std::int64_t i = 0; i < count; ++i) sum += kSigned ? static_cast<std::int8_t>(numbers[i]) : numbers[i];
    return sum;
  }

  static PreparedRows prepare_rows(const IntegerDotProblem& problem, std::int64_t batch, std::int64_t m0,
                                   std::int64_t m1, std::uint8_t* memory, std::int32_t* start) {
    return prepare_whole_rows<kDepth>(problem, batch, m0, m1, memory, start);
  }

  // For whoever reads kWhole numbers at a time.
  template <std::int64_t kWhole>
  static PreparedRows prepare_whole_rows(const IntegerDotProblem& problem, std::int64_t batch, std::int64_t m0,
                                         std::int64_t m1, std::uint8_t* memory, std::int32_t* start) {
    const IntegerOperand& a = problem.a;
    const std::uint8_t* data = a.data + offset_of(a.batch, batch);
    const bool is_signed = !problem.a_is_unsigned;
    const std::ptrdiff_t pitch = a.rows.factors == 0 ? 0 : a.rows.stride[a.rows.factors - 1];
    const bool in_place =
        !V::kWidens && is_contiguous(a.depth) && problem.k % kWhole == 0 && a.rows.factors <= 1 && pitch % kPage != 0;
    const std::ptrdiff_t copied = row_pitch(problem.k);
    for (std::int64_t m = m0; m < m1; ++m) {
      const std::uint8_t* from = data + offset_of(a.rows, m);
      std::uint8_t* to = memory + (m - m0) * copied;
      std::int32_t sum = 0;
      if (in_place) {
        if (is_signed && offsets<true>()) sum = sum_of<true>(from, problem.k);
        if (!is_signed && offsets<false>()) sum = sum_of<false>(from, problem.k);
      } else {
        sum = is_signed ? copy_row<true>(to, from, a.depth, problem.k) : copy_row<false>(to, from, a.depth, problem.k);
      }
      // Columns count 128 too much where it was added to them.
      start[m - m0] = static_cast<std::int32_t>(0U - 128U * static_cast<std::uint32_t>(sum));
    }
    return {in_place ? data + offset_of(a.rows, m0) : memory, in_place ? pitch : copied, start, steps_of(problem.k),
            problem.a_is_unsigned};
  }

  template <bool kUnsigned>
  static void pack(const IntegerDotProblem& problem, std::int64_t batch, std::int64_t n0, std::int64_t n1,
                   std::uint8_t* memory) {
    const IntegerOperand& b = problem.b;
    const std::uint8_t* data = b.data + offset_of(b.batch, batch);
    const auto panel_bytes = static_cast<std::ptrdiff_t>(kPanel * packed_steps(problem.k) * kWordBytes);
    for (std::int64_t n = n0; n < n1; n += kLanes) {
      const std::uint8_t* column[kLanes];
      const std::int64_t columns = n1 - n < kLanes ? n1 - n : kLanes;
      bool neighbours = b.depth.factors == 1 && columns == kLanes;
      for (std::int64_t c = 0; c < kLanes; ++c) {
        column[c] = data + offset_of(b.rows, c < columns ? n + c : n);
        neighbours = neighbours && column[c] == column[0] + c;
      }
      std::uint8_t* to = memory + (n - n0) / kPanel * panel_bytes + (n - n0) % kPanel / kLanes * kVectorBytes;
      for (std::int64_t k = 0; k < problem.k; k += kChunk) {
        const std::int64_t count = problem.k - k < kChunk ? problem.k - k : kChunk;
        alignas(64) std::uint8_t turned[kLanes][kChunk];
        if (neighbours) turn(turned, column[0] + k * b.depth.stride[0], b.depth.stride[0], count);
        I words[kLanes];
        for (std::int64_t c = 0; c < kLanes; ++c) {
          alignas(64) std::uint8_t numbers[kChunk];
          words[c] = V::template column_words<kUnsigned>(neighbours ? turned[c]
                                                                    : chunk(column[c], b.depth, k, count, numbers));
        }
        V::transpose(words);
        for (std::int64_t step = 0; step < kLanes; ++step) {
          __builtin_memcpy(to, &words[step], sizeof(I));
          to += kPanel * kWordBytes;
        }
      }
    }
    // The vectors of the last panel that have no columns.
    for (std::int64_t n = n1 + (kLanes - (n1 - n0) % kLanes) % kLanes; (n - n0) % kPanel != 0; n += kLanes) {
      std::uint8_t* to = memory + (n - n0) / kPanel * panel_bytes + (n - n0) % kPanel / kLanes * kVectorBytes;
      for (std::int64_t step = 0; step < packed_steps(problem.k); ++step) {
        __builtin_memset(to, 0, kVectorBytes);
        to += kPanel * kWordBytes;
      }
    }
  }

  // kLanes columns that lie next to each other, as rows.
  static void turn(std::uint8_t (&to)[kLanes][kChunk], const std::uint8_t* from, std::ptrdiff_t stride,
                   std::int64_t count) {
    for (std::int64_t k = 0; k < count; ++k) {
      for (std::int64_t c = 0; c < kLanes; ++c) to[c][k] = from[c];
      from += stride;
    }
    for (std::int64_t c = 0; c < kLanes; ++c) {
      for (std::int64_t k = count; k < kChunk; ++k) to[c][k] = 0;
    }
  }

  static void pack_columns(const IntegerDotProblem& problem, std::int64_t batch, std::int64_t n0, std::int64_t n1,
                           std::uint8_t* memory) {
    if (problem.a_is_unsigned) {
      pack<true>(problem, batch, n0, n1, memory);
    } else {
      pack<false>(problem, batch, n0, n1, memory);
    }
  }

  // Steps of the depth that are done for all rows before the next: so much of a panel stays in the
  // second-level cache. (Parts for the first-level one are slower: they load and store the sums more often.)
  static constexpr std::int64_t kPart = 196608 / (kPanel * kWordBytes);
  static constexpr std::int64_t kLineBytes = 64;
  static constexpr std::int64_t kAhead = 16;  // steps of a cache line of a row
  static constexpr std::int64_t kBlock = kRows * 8;

  // Where a tile begins: its rows and columns at the first step of the part.
  struct Place {
    const std::uint8_t* rows;
    std::ptrdiff_t pitch;
    const std::uint8_t* columns;
    std::int64_t steps;
    const std::int32_t* start;  // of the rows' sums, or nullptr where they go on from `out`
    std::int32_t* out;
    std::ptrdiff_t stride;
    WrittenNext next;  // of the tile, if these are the last steps
    const float* row_scale;
    const float* column_scale;
    const float* bias;
  };

  // As Elementwise<V>::dequantise.
  template <int kTileRows>
  static void store_dequantised(const Place& place, const I (&sums)[kTileRows][kVectors]) {
    using F = typename V::Floats::F;
    const float* row_scale = place.row_scale;
    F column[kVectors];
    F bias[kVectors];
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      column[v] = V::Floats::load(place.column_scale + v * kLanes);
      bias[v] = place.bias == nullptr ? V::Floats::broadcast(0.0F) : V::Floats::load(place.bias + v * kLanes);
    }
#pragma GCC unroll 16
    for (int r = 0; r < kTileRows; ++r) {
      const F row = V::Floats::broadcast(*row_scale);
      row_scale += place.next.by->row_step;
      auto* const to = reinterpret_cast<float*>(place.next.data + r * place.next.pitch);
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) {
        F value = V::Floats::mul(V::Floats::to_float(sums[r][v]), V::Floats::mul(row, column[v]));
        if (place.bias != nullptr) value = V::Floats::add(value, bias[v]);
        V::Floats::store(to + v * kLanes, loops::Math<typename V::Floats>::canonical(value));
      }
    }
  }

  // The inner loop: kTileRows × kVectors vectors of sums in registers. Inlined, g++ 12 keeps some of them in memory.
  template <int kTileRows, bool kUnsigned>
  [[gnu::noinline]] static void tile(const Place& place) {
    I sums[kTileRows][kVectors];
    if (place.start != nullptr) {
#pragma GCC unroll 16
      for (int r = 0; r < kTileRows; ++r) {
#pragma GCC unroll 4
        for (int v = 0; v < kVectors; ++v) sums[r][v] = V::broadcast(place.start[r]);
      }
    } else {
#pragma GCC unroll 16
      for (int r = 0; r < kTileRows; ++r) {
#pragma GCC unroll 4
        for (int v = 0; v < kVectors; ++v) sums[r][v] = V::load(place.out + r * place.stride + v * kLanes);
      }
    }
    // Few pointers, with the rows between at small multiples of the pitch.
    constexpr int kBases = (kTileRows + 2) / 3;
    const std::uint8_t* base[kBases];
    const std::ptrdiff_t pitch = place.pitch;
    const std::uint8_t* columns = place.columns;
#pragma GCC unroll 8
    for (int i = 0; i < kBases; ++i) base[i] = place.rows + 3 * i * pitch;
    std::byte* next = place.next.data;
    std::int64_t next_rows = next == nullptr ? 0 : kTileRows;
    for (std::int64_t left = place.steps; left > 0; left -= kAhead) {
      if (next_rows > 0) {
        for (std::int64_t at = 0; at < kVectors * kVectorBytes; at += kLineBytes) __builtin_prefetch(next + at, 1, 2);
        next += place.next.pitch;
        --next_rows;
      }
      // The rows of the next tile.
#pragma GCC unroll 16
      for (int r = 0; r < kTileRows; ++r) __builtin_prefetch(base[r / 3] + (r % 3 + kTileRows) * pitch, 0, 3);
      for (std::int64_t step = left < kAhead ? left : kAhead; step > 0; --step) {
        I column[kVectors];
#pragma GCC unroll 4
        for (int v = 0; v < kVectors; ++v) column[v] = V::load(columns + v * kVectorBytes);
        columns += kVectors * kVectorBytes;
#pragma GCC unroll 16
        for (int r = 0; r < kTileRows; ++r) {
          const I word = V::broadcast_word(base[r / 3] + (r % 3) * pitch);
#pragma GCC unroll 4
          for (int v = 0; v < kVectors; ++v) {
            sums[r][v] = V::template accumulate<kUnsigned>(sums[r][v], word, column[v]);
          }
        }
#pragma GCC unroll 8
        for (int i = 0; i < kBases; ++i) base[i] += kWordBytes;
      }
    }
    if (place.row_scale != nullptr) return store_dequantised(place, sums);
#pragma GCC unroll 16
    for (int r = 0; r < kTileRows; ++r) {
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) V::store(place.out + r * place.stride + v * kLanes, sums[r][v]);
    }
  }

  template <int kTileRows, bool kUnsigned>
  static void last_tile(const Place& place, std::int64_t rows) {
    if constexpr (kTileRows > 0) {
      if (rows == kTileRows) {
        tile<kTileRows, kUnsigned>(place);
      } else {
        last_tile<kTileRows - 1, kUnsigned>(place, rows);
      }
    }
  }

  template <bool kUnsigned>
  static void multiply_block(const PreparedRows& prepared, std::int64_t row, std::int64_t rows,
                             const std::uint8_t* packed, std::int64_t panels, std::int32_t* out, std::ptrdiff_t stride,
                             WrittenNext next) {
    const std::int64_t packed_words = (prepared.steps + kLanes - 1) / kLanes * kLanes;
    for (std::int64_t p = 0; p < panels; ++p) {
      const std::uint8_t* panel = packed + p * kPanel * packed_words * kWordBytes;
      for (std::int64_t k = 0; k < prepared.steps; k += kPart) {
        Place place{prepared.data + row * prepared.pitch + k * kWordBytes,
                    prepared.pitch,
                    panel + k * kPanel * kWordBytes,
                    prepared.steps - k < kPart ? prepared.steps - k : kPart,
                    k == 0 ? prepared.start + row : nullptr,
                    out + p * kPanel,
                    stride,
                    {},
                    nullptr,
                    nullptr,
                    nullptr};
        if (next.data != nullptr && prepared.steps - k <= kPart) {
          place.next = next;
          place.next.data += p * kPanel * kWordBytes;
          if (next.by != nullptr) {
            place.row_scale = next.by->row_scale;
            place.column_scale = next.by->column_scale + p * kPanel;
            if (next.by->bias != nullptr) place.bias = next.by->bias + p * kPanel;
          }
        }
        std::int64_t left = rows;
        for (; left >= kRows; left -= kRows) {
          tile<kRows, kUnsigned>(place);
          place.rows += kRows * prepared.pitch;
          place.out += kRows * stride;
          if (place.start != nullptr) place.start += kRows;
          if (place.next.data != nullptr) place.next.data += kRows * next.pitch;
          if (place.row_scale != nullptr) place.row_scale += kRows * next.by->row_step;
        }
        last_tile<kRows - 1, kUnsigned>(place, left);
      }
    }
  }

  static void multiply(const PreparedRows& prepared, std::int64_t row, std::int64_t rows, const std::uint8_t* packed,
                       std::int64_t panels, std::int32_t* out, std::ptrdiff_t stride, WrittenNext next) {
    if (prepared.is_unsigned) {
      multiply_block<true>(prepared, row, rows, packed, panels, out, stride, next);
    } else {
      multiply_block<false>(prepared, row, rows, packed, panels, out, stride, next);
    }
  }

  static IntegerDotKernels kernels(const char* name) {
    return {name, kBlock, kPanel, true, row_bytes, column_bytes, prepare_rows, pack_columns, multiply};
  }
};

}  // namespace starling::exact::loops
