#pragma once

#include "exact/kernels.h"
#include "exact/loops/dot_tile.h"

// How a product's operands are walked and packed, over a backend's vectors V.

namespace starling::exact::loops {

template <class V>
struct DotPack {
  using F = typename V::F;
  static constexpr std::int64_t kLanes = V::kLanes;
  static constexpr std::int64_t kWidth = V::kDotVectors * kLanes;  // columns of a tile
  static constexpr std::int64_t kDepth = 768;                      // of a block

  static constexpr std::int64_t kFetchAhead = 64;  // elements, in rows that are being packed

  using Run = typename DotTile<V>::Run;

  // The depth of a block as one operand has it: as runs if it is contiguous, else the offset of every step.
  struct Depth {
    std::int64_t steps;
    std::int64_t run_count;
    Run run[kDepth];
    std::ptrdiff_t offset[kDepth];
  };

  // An axis with factors of size 1 left out and neighbours that form one arithmetic sequence joined.
  static Axis joined(const Axis& axis) {
    Axis result;
    for (int i = 0; i < axis.factors; ++i) {
      if (axis.size[i] == 1) continue;
      if (result.factors > 0 && result.stride[result.factors - 1] == axis.stride[i] * axis.size[i]) {
        result.size[result.factors - 1] *= axis.size[i];
        result.stride[result.factors - 1] = axis.stride[i];
      } else {
        result.size[result.factors] = axis.size[i];
        result.stride[result.factors] = axis.stride[i];
        ++result.factors;
      }
    }
    return result;
  }

  // Offsets of the elements [begin, begin + count) of an axis.
  static void fill_offsets(const Axis& axis, std::int64_t begin, std::int64_t count, std::ptrdiff_t* offsets) {
    if (axis.factors <= 1) {
      const std::ptrdiff_t stride = axis.factors == 0 ? 0 : axis.stride[0];
      for (std::int64_t i = 0; i < count; ++i) offsets[i] = (begin + i) * stride;
      return;
    }
    std::int64_t index[Axis::kMaxFactors];
    std::ptrdiff_t offset = 0;
    std::int64_t rest = begin;
    for (int f = axis.factors - 1; f >= 0; --f) {
      index[f] = f == 0 ? rest : rest % axis.size[f];
      rest /= axis.size[f];
      offset += index[f] * axis.stride[f];
    }
    for (std::int64_t i = 0; i < count; ++i) {
      offsets[i] = offset;
      int f = axis.factors - 1;
      offset += axis.stride[f];
      while (++index[f] == axis.size[f] && f > 0) {
        offset += axis.stride[f - 1] - axis.size[f] * axis.stride[f];
        index[f] = 0;
        --f;
      }
    }
  }

  static std::ptrdiff_t offset_of(const Axis& axis, std::int64_t index) {
    std::ptrdiff_t offset;
    fill_offsets(axis, index, 1, &offset);
    return offset;
  }

  static void fill_depth(const Axis& axis, std::int64_t begin, std::int64_t steps, Depth& depth) {
    depth.steps = steps;
    depth.run_count = 0;
    if (!contiguous(axis)) {
      fill_offsets(axis, begin, steps, depth.offset);
      return;
    }
    const std::int64_t size = axis.size[axis.factors - 1];
    for (std::int64_t k = 0; k < steps;) {
      const std::int64_t left = size - (begin + k) % size;
      Run& run = depth.run[depth.run_count++];
      run.offset = offset_of(axis, begin + k);
      run.length = left < steps - k ? left : steps - k;
      k += run.length;
    }
  }

  // How many offsets from the first on are consecutive elements of memory.
  static std::int64_t run_length(const std::ptrdiff_t* offsets, std::int64_t count) {
    std::int64_t length = 1;
    while (length < count && offsets[length] == offsets[length - 1] + 1) ++length;
    return length;
  }

  // Whether the offsets are an arithmetic sequence, and its step.
  static bool regular(const std::ptrdiff_t* offsets, std::int64_t count, std::ptrdiff_t& step) {
    step = count > 1 ? offsets[1] - offsets[0] : 0;
    for (std::int64_t i = 2; i < count; ++i) {
      if (offsets[i] - offsets[i - 1] != step) return false;
    }
    return true;
  }

  // Whether an axis runs through memory without gaps, at least some elements at a time.
  static bool contiguous(const Axis& axis) {
    return axis.factors > 0 && axis.stride[axis.factors - 1] == 1 && axis.size[axis.factors - 1] >= 4;
  }

  // Copies count elements. May write up to kLanes - 1 more, reads none.
  static void copy_run(float* to, const float* from, std::int64_t count) {
    std::int64_t i = 0;
    for (; i + kLanes <= count; i += kLanes) V::store(to + i, V::load(from + i));
    if (i < count) V::store(to + i, V::load_first(from + i, static_cast<std::size_t>(count - i)));
  }

  // One operand as a block of a batch sees it.
  struct Side {
    const float* data;
    Axis rows;
    Axis depth;
  };

  // to[k * width + r] = element (r, k) for r < count. width ≥ count; the other lanes hold any value. May write kLanes -
  // 1 elements beyond the end.
  static void pack(float* to, std::int64_t width, const Side& side, const std::ptrdiff_t* row, std::int64_t count,
                   const Depth& depth) {
    if (depth.run_count > 0) {
      for (std::int64_t i = 0; i < depth.run_count; ++i) {
        const Run run = depth.run[i];
        for (std::int64_t group = 0; group < count; group += kLanes) {
          pack_turned(to + group, width, side.data + run.offset, row + group,
                      count - group < kLanes ? count - group : kLanes, run.length);
        }
        to += run.length * width;
      }
    } else if (contiguous(side.rows)) {
      for (std::int64_t r = 0; r < count;) {
        const std::int64_t length = run_length(row + r, count - r);
        const float* from = side.data + row[r];
        if (length == kWidth) {
          for (std::int64_t k = 0; k < depth.steps; ++k) {
            for (std::int64_t v = 0; v < kWidth; v += kLanes) {
              V::store(to + k * width + v, V::load(from + depth.offset[k] + v));
            }
          }
        } else {
          for (std::int64_t k = 0; k < depth.steps; ++k) {
            copy_exactly(to + k * width + r, from + depth.offset[k], length);
          }
        }
        r += length;
      }
    } else {
      for (std::int64_t k = 0; k < depth.steps; ++k) {
        const float* from = side.data + depth.offset[k];
        for (std::int64_t r = 0; r < count; ++r) to[k * width + r] = from[row[r]];
      }
    }
  }

  static void copy_exactly(float* to, const float* from, std::int64_t count) {
    std::int64_t i = 0;
    for (; i + kLanes <= count; i += kLanes) V::store(to + i, V::load(from + i));
    if (i < count) {
      const auto rest = static_cast<std::size_t>(count - i);
      V::store_first(to + i, rest, V::load_first(from + i, rest));
    }
  }

  // Numbers of 16 bits as f32, exactly (but that a NaN may be another NaN).
  static void widen(float* to, const std::uint16_t* from, std::int64_t count, bool is_bf16) {
    if (is_bf16) {
      for (std::int64_t i = 0; i < count; ++i) to[i] = __builtin_bit_cast(float, std::uint32_t{from[i]} << 16);
      return;
    }
    std::int64_t i = 0;
    if constexpr (requires { V::load_f16(from); }) {
      for (; i + kLanes <= count; i += kLanes) V::store(to + i, V::load_f16(from + i));
    }
    for (; i < count; ++i) {
      const std::uint32_t magnitude = from[i] & 0x7FFFU;
      // Below 2^-14 it is a multiple of 2^-24, which f32 holds exactly.
      const float small = static_cast<float>(static_cast<std::int32_t>(magnitude)) * 0x1p-24F;
      const std::uint32_t infinite = magnitude >= 0x7C00U ? 0x38000000U : 0U;
      const std::uint32_t normal = (magnitude << 13) + 0x38000000U + infinite;
      const std::uint32_t bits = magnitude < 0x400U ? __builtin_bit_cast(std::uint32_t, small) : normal;
      to[i] = __builtin_bit_cast(float, bits | (std::uint32_t{from[i]} & 0x8000U) << 16);
    }
  }

  // pack for up to kLanes rows that are contiguous in depth.
  static void pack_turned(float* to, std::int64_t width, const float* data, const std::ptrdiff_t* row,
                          std::int64_t count, std::int64_t depth_count) {
    const float* from[kLanes];
    for (std::int64_t r = 0; r < kLanes; ++r) from[r] = data + row[r < count ? r : count - 1];
    std::int64_t k = 0;
    for (; k + kLanes <= depth_count; k += kLanes) {
      for (std::int64_t r = 0; r < kLanes; ++r) __builtin_prefetch(from[r] + k + kFetchAhead);
      F block[kLanes];
      for (std::int64_t r = 0; r < kLanes; ++r) block[r] = V::load(from[r] + k);
      V::transpose(block);
      for (std::int64_t j = 0; j < kLanes; ++j) V::store(to + (k + j) * width, block[j]);
    }
    if (k < depth_count) {
      const auto rest = static_cast<std::size_t>(depth_count - k);
      F block[kLanes];
      for (std::int64_t r = 0; r < kLanes; ++r) block[r] = V::load_first(from[r] + k, rest);
      V::transpose(block);
      for (std::size_t j = 0; j < rest; ++j) V::store(to + (k + static_cast<std::int64_t>(j)) * width, block[j]);
    }
  }
};

}  // namespace starling::exact::loops
