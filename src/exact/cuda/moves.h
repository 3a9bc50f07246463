#pragma once

#include <cstddef>
#include <cstdint>

#include "exact/cuda/pass.h"
#include "exact/loops/random.h"

// Kernels that make each element, or each column, by itself: body(i) for i in [0, count).

namespace starling::exact::cuda {

STARLING_BOTH inline void copy_element(std::byte* to, std::int64_t target, const std::byte* from, std::int64_t source,
                                       std::int32_t element_bytes) {
  if (element_bytes == 1) {
    to[target] = from[source];
  } else {
    reinterpret_cast<std::uint32_t*>(to)[target] = reinterpret_cast<const std::uint32_t*>(from)[source];
  }
}

STARLING_BOTH inline std::int64_t clamped(std::int64_t index, std::int64_t size) {
  return index < 0 ? 0 : (index < size ? index : size - 1);
}

// Zeros.
struct Clear {
  std::byte* to;
  std::int32_t element_bytes;
  std::int64_t count;

  STARLING_BOTH void operator()(std::int64_t i) const {
    if (element_bytes == 1) {
      to[i] = std::byte{0};
    } else {
      reinterpret_cast<std::uint32_t*>(to)[i] = 0;
    }
  }
};

// The elements of one view to those of another of the same shape.
struct CopyElements {
  std::byte* to;
  const std::byte* from;
  const Factor* to_factors;
  std::int32_t to_count;
  std::int32_t from_count;
  const Factor* from_factors;
  std::int32_t element_bytes;
  std::int64_t count;

  STARLING_BOTH void operator()(std::int64_t i) const {
    copy_element(to, offset_of(to_factors, to_count, i), from, offset_of(from_factors, from_count, i), element_bytes);
  }
};

struct GatherRows {
  std::byte* to;
  const std::byte* table;
  const std::int32_t* index;
  std::int64_t width;
  std::int64_t rows;  // of the table
  std::int32_t element_bytes;
  std::int64_t count;

  STARLING_BOTH void operator()(std::int64_t i) const {
    const std::int64_t row = clamped(index[i / width], rows);
    copy_element(to, i, table, row * width + i % width, element_bytes);
  }
};

// Adds rows to those of a table of zeros, one thread for each of the `count` columns: the order counts.
struct ScatterAddRows {
  float* to;
  const float* rows;
  const std::int32_t* index;
  std::int64_t row_count;
  std::int64_t table_rows;
  std::int64_t count;

  STARLING_BOTH void operator()(std::int64_t column) const {
    for (std::int64_t row = 0; row < row_count; ++row) {
      float& sum = to[clamped(index[row], table_rows) * count + column];
      sum = apply(Operator::kAdd, sum, rows[row * count + column], 0.0F);
    }
  }
};

struct RoundToI32 {
  std::int32_t* to;
  const float* from;
  std::int64_t count;

  STARLING_BOTH void operator()(std::int64_t i) const {
    const float value = from[i];
    if (!(value == value)) {
      to[i] = 0;
    } else if (value >= 2147483648.0F) {
      to[i] = 2147483647;
    } else if (value <= -2147483648.0F) {
      to[i] = -2147483647 - 1;
    } else {
      to[i] = Lane::nearest(value);
    }
  }
};

// Four numbers of a stream (exact/random.h).
struct RandomNumbers {
  float* to;
  const std::uint32_t* seed;
  std::uint32_t stream;
  bool is_normal;
  std::int64_t elements;
  std::int64_t count;  // of fours

  STARLING_BOTH void operator()(std::int64_t i) const {
    using Random = loops::Random<Lane>;
    std::int32_t words[4];
    float values[4];
    Random::philox(seed[0] | (static_cast<std::uint64_t>(seed[1]) << 32), stream, static_cast<std::uint64_t>(i), words);
    if (is_normal) {
      Random::normal_block(words, values);
    } else {
      Random::uniform_block(words, values);
    }
    for (std::int64_t j = 0; j < 4 && 4 * i + j < elements; ++j) to[4 * i + j] = values[j];
  }
};

struct Coordinates {
  float* to;
  std::int64_t inner;
  std::int64_t size;
  std::int64_t count;

  STARLING_BOTH void operator()(std::int64_t i) const {
    to[i] = Lane::to_float(static_cast<std::int32_t>(i / inner % size));
  }
};

// A reduction along an axis that no pass took: item i is (outer, inner) of `width` inner ones.
struct Reduction {
  const std::byte* data;
  Type type;  // of the elements; sums of integers are i32
  bool is_sum;
  const Factor* outer;
  std::int32_t outer_count;
  const Factor* inner;
  std::int32_t inner_count;
  std::int64_t width;
  std::int64_t stride;
  std::int64_t along;
  std::byte* to;
  std::int64_t count;
  std::int64_t teams;

  template <class Team>
  STARLING_BOTH void operator()(const Team& team, std::int64_t item, std::int64_t) const {
    const std::int64_t first =
        offset_of(outer, outer_count, item / width) + offset_of(inner, inner_count, item % width);
    if (type != Type::kF32) {
      const auto part = [&](int lane) {
        std::int32_t sum = 0;
        for (std::int64_t j = lane; j < along; j += kTeamLanes) sum += integer(first + j * stride);
        return sum;
      };
      const auto result = team.template fold<std::int32_t>(part, [](std::int32_t a, std::int32_t b) { return a + b; });
      team.each([&](int) { reinterpret_cast<std::int32_t*>(to)[item] = result; });
      return;
    }
    const Joining join{is_sum};
    const auto part = [&](int lane) {
      float value = join.start();
      for (std::int64_t j = lane; j < along; j += kTeamLanes) {
        value = join(value, reinterpret_cast<const float*>(data)[first + j * stride]);
      }
      return value;
    };
    const float result = team.template fold<float>(part, join);
    team.each([&](int) { reinterpret_cast<float*>(to)[item] = result; });
  }

 private:
  STARLING_BOTH std::int32_t integer(std::int64_t at) const {
    return type == Type::kI8 ? std::int32_t{reinterpret_cast<const std::int8_t*>(data)[at]}
                             : std::int32_t{reinterpret_cast<const std::uint8_t*>(data)[at]};
  }
};

}  // namespace starling::exact::cuda
