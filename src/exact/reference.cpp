#include "exact/reference.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "exact/graph.h"
#include "exact/math.h"
#include "exact/random.h"

namespace starling::exact::reference {
namespace {

using Coordinates = std::array<std::int64_t, kMaxRank>;

Number number(float value) { return {.f32 = value}; }
Number number(std::int32_t value) { return {.i32 = value}; }

Coordinates coordinates_of(const Shape& shape, std::int64_t index) {
  Coordinates at{};
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    at[static_cast<std::size_t>(axis)] = index % shape[axis];
    index /= shape[axis];
  }
  return at;
}

std::int64_t index_of(const Shape& shape, const Coordinates& at) {
  std::int64_t index = 0;
  for (int axis = 0; axis < shape.rank(); ++axis) index = index * shape[axis] + at[static_cast<std::size_t>(axis)];
  return index;
}

// The element of operand `input` that meets element `index` of the output when axes of size 1 are repeated.
float broadcast(const Node& node, Shapes shapes, const Reader& in, int input, std::int64_t index) {
  const Shape& shape = shapes[static_cast<std::size_t>(input)];
  if (shape == node.shape) return in.f32(input, index);
  if (shape.rank() == 0) return in.f32(input, 0);
  Coordinates at = coordinates_of(node.shape, index);
  for (int axis = 0; axis < shape.rank(); ++axis) {
    if (shape[axis] == 1) at[static_cast<std::size_t>(axis)] = 0;
  }
  return in.f32(input, index_of(shape, at));
}

// Moves copy an element of any type.
Number copy(const Node& node, const Reader& in, int input, std::int64_t index) {
  return is_integer(node.type) ? number(in.i32(input, index)) : number(in.f32(input, index));
}

std::int32_t rounded(float value, float least, float greatest) {
  if (std::isnan(value)) return 0;
  return static_cast<std::int32_t>(std::rint(std::clamp(value, least, greatest)));
}

std::size_t axis_attribute(const Node& node) { return static_cast<std::size_t>(node.attributes[0]); }

std::uint64_t seed_of(const Reader& in) {
  return static_cast<std::uint32_t>(in.i32(0, 0)) |
         (static_cast<std::uint64_t>(static_cast<std::uint32_t>(in.i32(0, 1))) << 32);
}

}  // namespace

Number fill(const Node& node, Shapes, const Reader&, std::int64_t) { return number(node.scalar); }

Number iota(const Node& node, Shapes, const Reader&, std::int64_t index) {
  return number(static_cast<float>(coordinates_of(node.shape, index)[axis_attribute(node)]));
}

Number normal(const Node& node, Shapes, const Reader& in, std::int64_t index) {
  return number(
      normal_at(seed_of(in), static_cast<std::uint32_t>(node.attributes[0]), static_cast<std::uint64_t>(index)));
}

Number uniform(const Node& node, Shapes, const Reader& in, std::int64_t index) {
  return number(
      uniform_at(seed_of(in), static_cast<std::uint32_t>(node.attributes[0]), static_cast<std::uint64_t>(index)));
}

Number add(const Node& n, Shapes s, const Reader& in, std::int64_t i) {
  return number(math::add(broadcast(n, s, in, 0, i), broadcast(n, s, in, 1, i)));
}
Number sub(const Node& n, Shapes s, const Reader& in, std::int64_t i) {
  return number(math::sub(broadcast(n, s, in, 0, i), broadcast(n, s, in, 1, i)));
}
Number mul(const Node& n, Shapes s, const Reader& in, std::int64_t i) {
  return number(math::mul(broadcast(n, s, in, 0, i), broadcast(n, s, in, 1, i)));
}
Number div(const Node& n, Shapes s, const Reader& in, std::int64_t i) {
  return number(math::div(broadcast(n, s, in, 0, i), broadcast(n, s, in, 1, i)));
}
Number maximum(const Node& n, Shapes s, const Reader& in, std::int64_t i) {
  return number(math::maximum(broadcast(n, s, in, 0, i), broadcast(n, s, in, 1, i)));
}
Number minimum(const Node& n, Shapes s, const Reader& in, std::int64_t i) {
  return number(math::minimum(broadcast(n, s, in, 0, i), broadcast(n, s, in, 1, i)));
}
Number less(const Node& n, Shapes s, const Reader& in, std::int64_t i) {
  return number(math::less(broadcast(n, s, in, 0, i), broadcast(n, s, in, 1, i)));
}
Number fma(const Node& n, Shapes s, const Reader& in, std::int64_t i) {
  return number(math::fma(broadcast(n, s, in, 0, i), broadcast(n, s, in, 1, i), broadcast(n, s, in, 2, i)));
}
Number select(const Node& n, Shapes s, const Reader& in, std::int64_t i) {
  return number(math::select(broadcast(n, s, in, 0, i), broadcast(n, s, in, 1, i), broadcast(n, s, in, 2, i)));
}

Number neg(const Node&, Shapes, const Reader& in, std::int64_t i) { return number(math::neg(in.f32(0, i))); }
Number abs(const Node&, Shapes, const Reader& in, std::int64_t i) { return number(math::abs(in.f32(0, i))); }
Number sqrt(const Node&, Shapes, const Reader& in, std::int64_t i) { return number(math::sqrt(in.f32(0, i))); }
Number exp(const Node&, Shapes, const Reader& in, std::int64_t i) { return number(math::exp(in.f32(0, i))); }
Number log(const Node&, Shapes, const Reader& in, std::int64_t i) { return number(math::log(in.f32(0, i))); }
Number sin(const Node&, Shapes, const Reader& in, std::int64_t i) { return number(math::sin(in.f32(0, i))); }
Number cos(const Node&, Shapes, const Reader& in, std::int64_t i) { return number(math::cos(in.f32(0, i))); }
Number tanh(const Node&, Shapes, const Reader& in, std::int64_t i) { return number(math::tanh(in.f32(0, i))); }
Number erf(const Node&, Shapes, const Reader& in, std::int64_t i) { return number(math::erf(in.f32(0, i))); }

Number to_i32(const Node&, Shapes, const Reader& in, std::int64_t i) {
  const float value = in.f32(0, i);
  if (std::isnan(value)) return number(std::int32_t{0});
  if (value >= 2147483648.0F) return number(std::int32_t{2147483647});
  if (value <= -2147483648.0F) return number(std::int32_t{-2147483647 - 1});
  return number(static_cast<std::int32_t>(std::rint(value)));
}
Number to_f32(const Node&, Shapes, const Reader& in, std::int64_t i) {
  return number(static_cast<float>(in.i32(0, i)));
}

Number to_i8(const Node&, Shapes, const Reader& in, std::int64_t i) {
  return number(rounded(in.f32(0, i), -128.0F, 127.0F));
}
Number to_u8(const Node&, Shapes, const Reader& in, std::int64_t i) {
  return number(rounded(in.f32(0, i), 0.0F, 255.0F));
}

Number sum(const Node& node, Shapes shapes, const Reader& in, std::int64_t index) {
  Coordinates at = coordinates_of(node.shape, index);
  const std::size_t axis = axis_attribute(node);
  if (is_integer(node.type)) {
    std::int32_t total = 0;
    for (std::int64_t j = 0; j < shapes[0][static_cast<int>(axis)]; ++j) {
      at[axis] = j;
      total += in.i32(0, index_of(shapes[0], at));
    }
    return number(total);
  }
  std::array<float, 16> lanes{};
  for (std::int64_t j = 0; j < shapes[0][static_cast<int>(axis)]; ++j) {
    at[axis] = j;
    float& lane = lanes[static_cast<std::size_t>(j % 16)];
    lane = math::add(lane, in.f32(0, index_of(shapes[0], at)));
  }
  for (std::size_t width = 8; width > 0; width /= 2) {
    for (std::size_t lane = 0; lane < width; ++lane) lanes[lane] = math::add(lanes[lane], lanes[lane + width]);
  }
  return number(lanes[0]);
}

Number max(const Node& node, Shapes shapes, const Reader& in, std::int64_t index) {
  Coordinates at = coordinates_of(node.shape, index);
  const std::size_t axis = axis_attribute(node);
  float greatest = -std::numeric_limits<float>::infinity();
  for (std::int64_t j = 0; j < shapes[0][static_cast<int>(axis)]; ++j) {
    at[axis] = j;
    greatest = math::maximum(greatest, in.f32(0, index_of(shapes[0], at)));
  }
  return number(greatest);
}

Number dot(const Node& node, Shapes shapes, const Reader& in, std::int64_t index) {
  const int rank = node.shape.rank();
  const std::int64_t depth = shapes[0][rank - 1];
  const std::int64_t rows = shapes[1][rank - 2];
  const std::int64_t column = index % rows;
  const std::int64_t row = index / rows;  // over batches as well: a's rows are numbered alike
  const std::int64_t batch = row / shapes[0][rank - 2];
  if (is_integer(node.type)) {
    std::int32_t sum = 0;
    for (std::int64_t k = 0; k < depth; ++k) {
      sum += in.i32(0, row * depth + k) * in.i32(1, (batch * rows + column) * depth + k);
    }
    return number(sum);
  }
  float sum = 0.0F;
  for (std::int64_t k = 0; k < depth; ++k) {
    sum = math::fma(in.f32(0, row * depth + k), in.f32(1, (batch * rows + column) * depth + k), sum);
  }
  return number(sum);
}

Number reshape(const Node& node, Shapes, const Reader& in, std::int64_t index) { return copy(node, in, 0, index); }

Number permute(const Node& node, Shapes shapes, const Reader& in, std::int64_t index) {
  const Coordinates at = coordinates_of(node.shape, index);
  Coordinates from{};
  for (std::size_t axis = 0; axis < node.attributes.size(); ++axis) {
    from[static_cast<std::size_t>(node.attributes[axis])] = at[axis];
  }
  return copy(node, in, 0, index_of(shapes[0], from));
}

Number slice(const Node& node, Shapes shapes, const Reader& in, std::int64_t index) {
  Coordinates at = coordinates_of(node.shape, index);
  std::int64_t& along = at[axis_attribute(node)];
  along = node.attributes[1] + along * node.attributes[3];
  return copy(node, in, 0, index_of(shapes[0], at));
}

Number expand(const Node& node, Shapes shapes, const Reader& in, std::int64_t index) {
  Coordinates at = coordinates_of(node.shape, index);
  for (int axis = 0; axis < shapes[0].rank(); ++axis) {
    if (shapes[0][axis] == 1) at[static_cast<std::size_t>(axis)] = 0;
  }
  return copy(node, in, 0, index_of(shapes[0], at));
}

Number pad(const Node& node, Shapes shapes, const Reader& in, std::int64_t index) {
  Coordinates at = coordinates_of(node.shape, index);
  const std::size_t axis = axis_attribute(node);
  at[axis] -= node.attributes[1];
  if (at[axis] < 0 || at[axis] >= shapes[0][static_cast<int>(axis)]) {
    return is_integer(node.type) ? number(std::int32_t{0}) : number(0.0F);
  }
  return copy(node, in, 0, index_of(shapes[0], at));
}

Number concat(const Node& node, Shapes shapes, const Reader& in, std::int64_t index) {
  Coordinates at = coordinates_of(node.shape, index);
  const std::size_t axis = axis_attribute(node);
  std::size_t part = 0;
  for (; at[axis] >= shapes[part][static_cast<int>(axis)]; ++part) at[axis] -= shapes[part][static_cast<int>(axis)];
  return copy(node, in, static_cast<int>(part), index_of(shapes[part], at));
}

Number gather(const Node& node, Shapes shapes, const Reader& in, std::int64_t index) {
  const std::int64_t width = shapes[0][1];
  const std::int64_t row = std::clamp<std::int64_t>(in.i32(1, index / width), 0, shapes[0][0] - 1);
  return copy(node, in, 0, row * width + index % width);
}

Number scatter_add(const Node& node, Shapes shapes, const Reader& in, std::int64_t index) {
  const std::int64_t width = shapes[0][1];
  float sum = 0.0F;
  for (std::int64_t row = 0; row < shapes[0][0]; ++row) {
    if (std::clamp<std::int64_t>(in.i32(1, row), 0, node.shape[0] - 1) == index / width)
      sum += in.f32(0, row * width + index % width);
  }
  return number(sum);
}

Number patches(const Node& node, Shapes shapes, const Reader& in, std::int64_t index) {
  const Coordinates at = coordinates_of(node.shape, index);
  Coordinates from{at[0], 0, 0, 0, at[7]};
  for (std::size_t i = 0; i < 3; ++i) from[i + 1] = at[i + 1] * node.attributes[i + 3] + at[i + 4];
  return copy(node, in, 0, index_of(shapes[0], from));
}

}  // namespace starling::exact::reference
