#pragma once

#include <span>

#include "exact/operators.h"

namespace starling::exact {
struct Node;

// The definition of every operator: one element of the output from elements of the inputs, in the plainest loops. The
// referee of a dispute calls these; every backend must give the same bits.
namespace reference {

using Shapes = std::span<const Shape>;

Number fill(const Node&, Shapes, const Reader&, std::int64_t);
Number iota(const Node&, Shapes, const Reader&, std::int64_t);
Number normal(const Node&, Shapes, const Reader&, std::int64_t);
Number uniform(const Node&, Shapes, const Reader&, std::int64_t);
Number add(const Node&, Shapes, const Reader&, std::int64_t);
Number sub(const Node&, Shapes, const Reader&, std::int64_t);
Number mul(const Node&, Shapes, const Reader&, std::int64_t);
Number div(const Node&, Shapes, const Reader&, std::int64_t);
Number maximum(const Node&, Shapes, const Reader&, std::int64_t);
Number minimum(const Node&, Shapes, const Reader&, std::int64_t);
Number less(const Node&, Shapes, const Reader&, std::int64_t);
Number fma(const Node&, Shapes, const Reader&, std::int64_t);
Number select(const Node&, Shapes, const Reader&, std::int64_t);
Number neg(const Node&, Shapes, const Reader&, std::int64_t);
Number abs(const Node&, Shapes, const Reader&, std::int64_t);
Number sqrt(const Node&, Shapes, const Reader&, std::int64_t);
Number exp(const Node&, Shapes, const Reader&, std::int64_t);
Number log(const Node&, Shapes, const Reader&, std::int64_t);
Number sin(const Node&, Shapes, const Reader&, std::int64_t);
Number cos(const Node&, Shapes, const Reader&, std::int64_t);
Number tanh(const Node&, Shapes, const Reader&, std::int64_t);
Number erf(const Node&, Shapes, const Reader&, std::int64_t);
Number to_i32(const Node&, Shapes, const Reader&, std::int64_t);
Number to_f32(const Node&, Shapes, const Reader&, std::int64_t);
Number to_i8(const Node&, Shapes, const Reader&, std::int64_t);
Number to_u8(const Node&, Shapes, const Reader&, std::int64_t);
Number sum(const Node&, Shapes, const Reader&, std::int64_t);
Number max(const Node&, Shapes, const Reader&, std::int64_t);
Number dot(const Node&, Shapes, const Reader&, std::int64_t);
Number reshape(const Node&, Shapes, const Reader&, std::int64_t);
Number permute(const Node&, Shapes, const Reader&, std::int64_t);
Number slice(const Node&, Shapes, const Reader&, std::int64_t);
Number expand(const Node&, Shapes, const Reader&, std::int64_t);
Number pad(const Node&, Shapes, const Reader&, std::int64_t);
Number concat(const Node&, Shapes, const Reader&, std::int64_t);
Number gather(const Node&, Shapes, const Reader&, std::int64_t);
Number scatter_add(const Node&, Shapes, const Reader&, std::int64_t);
Number patches(const Node&, Shapes, const Reader&, std::int64_t);

}  // namespace reference
}  // namespace starling::exact
