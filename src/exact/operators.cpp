#include "exact/operators.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <limits>

#include "exact/integer_limits.h"
#include "exact/reference.h"

namespace starling::exact {
namespace {

using base::Error;
using base::Result;

Error mismatch(std::string message) { return base::invalid(std::move(message)); }

Result<Inferred> checked(Type type, const Shape& shape) {
  if (!shape.is_possible()) {
    return mismatch("shape " + shape.text() + " has a size below 1, more than 8 axes or more than 2^40 elements");
  }
  return Inferred{type, shape};
}

base::Status want_types(const Signature& s, Type type) {
  for (const Type given : s.types) {
    if (given != type) return mismatch(std::string("takes ") + type_name(type) + ", not " + type_name(given));
  }
  return {};
}

base::Status want_attributes(const Signature& s, std::size_t count) {
  if (s.attributes.size() != count) return mismatch("has " + std::to_string(s.attributes.size()) + " attributes");
  return {};
}

base::Status want_axis(const Signature& s) {
  if (s.attributes.empty() || s.attributes[0] < 0 || s.attributes[0] >= s.shapes[0].rank()) {
    return mismatch("no such axis of " + s.shapes[0].text());
  }
  return {};
}

Result<Inferred> infer_fill(const Signature& s) { return checked(Type::kF32, Shape(s.attributes)); }

Result<Inferred> infer_iota(const Signature& s) {
  if (s.attributes.size() < 2) return mismatch("needs an axis and a shape");
  const Shape shape(s.attributes.subspan(1));
  if (s.attributes[0] < 0 || s.attributes[0] >= shape.rank()) return mismatch("no such axis of " + shape.text());
  // Beyond 2^24 an index is not an f32.
  if (shape[static_cast<int>(s.attributes[0])] > (std::int64_t{1} << 24)) return mismatch("axis longer than 2^24");
  return checked(Type::kF32, shape);
}

Result<Inferred> infer_random(const Signature& s) {
  STARLING_TRY(want_types(s, Type::kI32));
  if (s.shapes[0] != Shape{2}) return mismatch("takes a seed of shape [2], not " + s.shapes[0].text());
  if (s.attributes.empty() || s.attributes[0] < 0 || s.attributes[0] > 0xFFFFFFFFLL) return mismatch("bad stream");
  return checked(Type::kF32, Shape(s.attributes.subspan(1)));
}

Result<Inferred> infer_elementwise(const Signature& s) {
  STARLING_TRY(want_types(s, Type::kF32));
  STARLING_TRY(want_attributes(s, 0));
  Shape out;
  for (const Shape& shape : s.shapes) {
    if (shape.rank() == 0) continue;
    if (out.rank() == 0) {
      out = shape;
      continue;
    }
    bool fits = out.rank() == shape.rank();
    for (int axis = 0; fits && axis < out.rank(); ++axis) {
      if (out[axis] == 1) {
        out.set(axis, shape[axis]);
      } else {
        fits = shape[axis] == 1 || shape[axis] == out[axis];
      }
    }
    if (!fits) return mismatch("shapes " + out.text() + " and " + shape.text() + " do not broadcast");
  }
  return checked(Type::kF32, out);
}

Result<Inferred> infer_to_i32(const Signature& s) {
  STARLING_TRY(want_types(s, Type::kF32));
  STARLING_TRY(want_attributes(s, 0));
  return checked(Type::kI32, s.shapes[0]);
}

template <Type kType>
Result<Inferred> infer_to_8_bits(const Signature& s) {
  STARLING_TRY(want_types(s, Type::kF32));
  STARLING_TRY(want_attributes(s, 0));
  return checked(kType, s.shapes[0]);
}

Result<Inferred> infer_to_f32(const Signature& s) {
  if (!is_integer(s.types[0])) return mismatch(std::string("takes i32, i8 or u8, not ") + type_name(s.types[0]));
  STARLING_TRY(want_attributes(s, 0));
  return checked(Type::kF32, s.shapes[0]);
}

Result<Inferred> infer_reduction(const Signature& s) {
  STARLING_TRY(want_types(s, Type::kF32));
  STARLING_TRY(want_attributes(s, 1));
  STARLING_TRY(want_axis(s));
  Shape out = s.shapes[0];
  out.set(static_cast<int>(s.attributes[0]), 1);
  return checked(Type::kF32, out);
}

// A sum of integers is exact as long as it is an i32.
Result<Inferred> infer_sum(const Signature& s) {
  if (s.types[0] == Type::kF32) return infer_reduction(s);
  if (s.types[0] != Type::kI8 && s.types[0] != Type::kU8) {
    return mismatch(std::string("takes f32, i8 or u8, not ") + type_name(s.types[0]));
  }
  STARLING_TRY(want_attributes(s, 1));
  STARLING_TRY(want_axis(s));
  const int axis = static_cast<int>(s.attributes[0]);
  const std::int64_t most = s.types[0] == Type::kI8 ? kMostI8Summed : kMostU8Summed;
  if (s.shapes[0][axis] > most) {
    return mismatch("a sum of " + std::to_string(s.shapes[0][axis]) + " " + type_name(s.types[0]) +
                    " numbers may not fit an i32; sum at most " + std::to_string(most) + " and add the parts as f32");
  }
  Shape out = s.shapes[0];
  out.set(axis, 1);
  return checked(Type::kI32, out);
}

Result<Inferred> infer_dot(const Signature& s) {
  const bool integers = s.types[0] == Type::kI8 || s.types[0] == Type::kU8;
  if (s.types[1] != (integers ? Type::kI8 : Type::kF32) || (!integers && s.types[0] != Type::kF32)) {
    return mismatch(std::string("takes f32 with f32, i8 with i8 or u8 with i8, not ") + type_name(s.types[0]) +
                    " with " + type_name(s.types[1]));
  }
  STARLING_TRY(want_attributes(s, 0));
  const Shape& a = s.shapes[0];
  const Shape& b = s.shapes[1];
  if (a.rank() < 2 || a.rank() != b.rank()) return mismatch("ranks of " + a.text() + " and " + b.text());
  const int rank = a.rank();
  for (int axis = 0; axis < rank - 2; ++axis) {
    if (a[axis] != b[axis]) return mismatch("batch axes of " + a.text() + " and " + b.text());
  }
  if (a[rank - 1] != b[rank - 1]) {
    return mismatch("depth " + std::to_string(a[rank - 1]) + " against " + std::to_string(b[rank - 1]) + " in " +
                    a.text() + " and " + b.text());
  }
  const std::int64_t most = s.types[0] == Type::kI8 ? kMostI8Depth : kMostU8Depth;
  if (integers && a[rank - 1] > most) {
    return mismatch("depth " + std::to_string(a[rank - 1]) + " of " + type_name(s.types[0]) +
                    " numbers may not fit an i32; cut it into parts of at most " + std::to_string(most) +
                    " and add them as f32");
  }
  Shape out = a;
  out.set(rank - 1, b[rank - 2]);
  return checked(integers ? Type::kI32 : Type::kF32, out);
}

Result<Inferred> infer_reshape(const Signature& s) {
  const Shape out(s.attributes);
  if (!out.is_possible() || out.elements() != s.shapes[0].elements()) {
    return mismatch(s.shapes[0].text() + " has not the elements of " + out.text());
  }
  return checked(s.types[0], out);
}

Result<Inferred> infer_permute(const Signature& s) {
  const Shape& in = s.shapes[0];
  if (static_cast<int>(s.attributes.size()) != in.rank()) return mismatch("axes do not match " + in.text());
  std::array<bool, kMaxRank> seen{};
  Shape out;
  for (const std::int64_t axis : s.attributes) {
    if (axis < 0 || axis >= in.rank() || seen[static_cast<std::size_t>(axis)]) return mismatch("not a permutation");
    seen[static_cast<std::size_t>(axis)] = true;
    out.append(in[static_cast<int>(axis)]);
  }
  return checked(s.types[0], out);
}

Result<Inferred> infer_slice(const Signature& s) {
  STARLING_TRY(want_attributes(s, 4));
  STARLING_TRY(want_axis(s));
  const std::int64_t size = s.shapes[0][static_cast<int>(s.attributes[0])];
  const std::int64_t start = s.attributes[1];
  const std::int64_t count = s.attributes[2];
  const std::int64_t step = s.attributes[3];
  // The last condition holds of every slice that stays inside, and keeps the products below from overflowing.
  const bool bounded = start >= 0 && start < size && count >= 1 && count <= size && step >= -kMaxElements &&
                       step <= kMaxElements && (count == 1 || std::abs(step) <= (size - 1) / (count - 1));
  if (!bounded || step == 0 || start + (count - 1) * step < 0 || start + (count - 1) * step >= size) {
    return mismatch("slice start " + std::to_string(start) + " count " + std::to_string(count) + " step " +
                    std::to_string(step) + " of " + s.shapes[0].text());
  }
  Shape out = s.shapes[0];
  out.set(static_cast<int>(s.attributes[0]), count);
  return checked(s.types[0], out);
}

Result<Inferred> infer_expand(const Signature& s) {
  const Shape out(s.attributes);
  const Shape& in = s.shapes[0];
  bool fits = in.rank() == out.rank();
  for (int axis = 0; fits && axis < in.rank(); ++axis) fits = in[axis] == out[axis] || in[axis] == 1;
  if (!fits) return mismatch(in.text() + " does not expand to " + out.text());
  return checked(s.types[0], out);
}

Result<Inferred> infer_pad(const Signature& s) {
  STARLING_TRY(want_attributes(s, 3));
  STARLING_TRY(want_axis(s));
  if (s.attributes[1] < 0 || s.attributes[2] < 0 || s.attributes[1] > kMaxElements || s.attributes[2] > kMaxElements) {
    return mismatch("pads must not be negative");
  }
  Shape out = s.shapes[0];
  const int axis = static_cast<int>(s.attributes[0]);
  out.set(axis, out[axis] + s.attributes[1] + s.attributes[2]);
  return checked(s.types[0], out);
}

Result<Inferred> infer_concat(const Signature& s) {
  STARLING_TRY(want_attributes(s, 1));
  STARLING_TRY(want_axis(s));
  const int axis = static_cast<int>(s.attributes[0]);
  Shape out = s.shapes[0];
  for (std::size_t i = 1; i < s.shapes.size(); ++i) {
    Shape same = s.shapes[i];
    if (same.rank() != out.rank() || s.types[i] != s.types[0]) return mismatch("operands differ in rank or type");
    same.set(axis, out[axis]);
    if (same != out) return mismatch("shapes " + out.text() + " and " + s.shapes[i].text());
    out.set(axis, out[axis] + s.shapes[i][axis]);
  }
  return checked(s.types[0], out);
}

Result<Inferred> infer_gather(const Signature& s) {
  STARLING_TRY(want_attributes(s, 0));
  if (s.types[1] != Type::kI32) return mismatch("takes i32 indices");
  if (s.shapes[0].rank() != 2) return mismatch("takes a table of rank 2, not " + s.shapes[0].text());
  Shape out = s.shapes[1];
  out.append(s.shapes[0][1]);
  return checked(s.types[0], out);
}

Result<Inferred> infer_scatter_add(const Signature& s) {
  STARLING_TRY(want_attributes(s, 1));
  if (s.types[0] != Type::kF32 || s.types[1] != Type::kI32) return mismatch("takes f32 rows and i32 indices");
  if (s.shapes[0].rank() != 2 || s.shapes[1].rank() != 1 || s.shapes[0][0] != s.shapes[1][0]) {
    return mismatch("rows " + s.shapes[0].text() + " and indices " + s.shapes[1].text());
  }
  return checked(Type::kF32, Shape{s.attributes[0], s.shapes[0][1]});
}

Result<Inferred> infer_patches(const Signature& s) {
  STARLING_TRY(want_attributes(s, 6));
  const Shape& in = s.shapes[0];
  if (in.rank() != 5) return mismatch("takes [N, T, H, W, C], not " + in.text());
  Shape out{in[0]};
  for (int i = 0; i < 3; ++i) {
    const std::int64_t kernel = s.attributes[static_cast<std::size_t>(i)];
    const std::int64_t stride = s.attributes[static_cast<std::size_t>(i) + 3];
    if (kernel < 1 || stride < 1 || kernel > in[i + 1]) {
      return mismatch("window " + std::to_string(kernel) + " stride " + std::to_string(stride) + " over " + in.text());
    }
    out.append((in[i + 1] - kernel) / stride + 1);
  }
  for (std::size_t i = 0; i < 3; ++i) out.append(s.attributes[i]);
  out.append(in[4]);
  return checked(s.types[0], out);
}

Work elements(const Signature&, const Inferred& out) {
  return {0, 0, static_cast<std::uint64_t>(out.shape.elements())};
}

Work nothing(const Signature&, const Inferred&) { return {}; }

Work products(const Signature& s, const Inferred& out) {
  // At most 2^60: each two of the three sizes have a product of at most 2^40.
  const auto count = static_cast<std::uint64_t>(out.shape.elements() * s.shapes[0].back());
  return out.type == Type::kF32 ? Work{count, 0, 0} : Work{0, count, 0};
}

using Op = Operator;
using Class = OperatorClass;
namespace ref = reference;

constexpr auto kTable = std::to_array<OperatorRow>({
    {Op::kFill, "fill", Class::kSource, 0, infer_fill, elements, ref::fill},
    {Op::kIota, "iota", Class::kSource, 0, infer_iota, elements, ref::iota},
    {Op::kNormal, "normal", Class::kSource, 1, infer_random, elements, ref::normal},
    {Op::kUniform, "uniform", Class::kSource, 1, infer_random, elements, ref::uniform},
    {Op::kAdd, "add", Class::kElementwise, 2, infer_elementwise, elements, ref::add},
    {Op::kSub, "sub", Class::kElementwise, 2, infer_elementwise, elements, ref::sub},
    {Op::kMul, "mul", Class::kElementwise, 2, infer_elementwise, elements, ref::mul},
    {Op::kDiv, "div", Class::kElementwise, 2, infer_elementwise, elements, ref::div},
    {Op::kMaximum, "maximum", Class::kElementwise, 2, infer_elementwise, elements, ref::maximum},
    {Op::kMinimum, "minimum", Class::kElementwise, 2, infer_elementwise, elements, ref::minimum},
    {Op::kLess, "less", Class::kElementwise, 2, infer_elementwise, elements, ref::less},
    {Op::kFma, "fma", Class::kElementwise, 3, infer_elementwise, elements, ref::fma},
    {Op::kSelect, "select", Class::kElementwise, 3, infer_elementwise, elements, ref::select},
    {Op::kNeg, "neg", Class::kElementwise, 1, infer_elementwise, elements, ref::neg},
    {Op::kAbs, "abs", Class::kElementwise, 1, infer_elementwise, elements, ref::abs},
    {Op::kSqrt, "sqrt", Class::kElementwise, 1, infer_elementwise, elements, ref::sqrt},
    {Op::kExp, "exp", Class::kElementwise, 1, infer_elementwise, elements, ref::exp},
    {Op::kLog, "log", Class::kElementwise, 1, infer_elementwise, elements, ref::log},
    {Op::kSin, "sin", Class::kElementwise, 1, infer_elementwise, elements, ref::sin},
    {Op::kCos, "cos", Class::kElementwise, 1, infer_elementwise, elements, ref::cos},
    {Op::kTanh, "tanh", Class::kElementwise, 1, infer_elementwise, elements, ref::tanh},
    {Op::kErf, "erf", Class::kElementwise, 1, infer_elementwise, elements, ref::erf},
    {Op::kToI32, "to_i32", Class::kMove, 1, infer_to_i32, elements, ref::to_i32},
    {Op::kToF32, "to_f32", Class::kElementwise, 1, infer_to_f32, elements, ref::to_f32},
    {Op::kToI8, "to_i8", Class::kElementwise, 1, infer_to_8_bits<Type::kI8>, elements, ref::to_i8},
    {Op::kToU8, "to_u8", Class::kElementwise, 1, infer_to_8_bits<Type::kU8>, elements, ref::to_u8},
    {Op::kSum, "sum", Class::kReduction, 1, infer_sum, elements, ref::sum},
    {Op::kMax, "max", Class::kReduction, 1, infer_reduction, elements, ref::max},
    {Op::kDot, "dot", Class::kProduct, 2, infer_dot, products, ref::dot},
    {Op::kReshape, "reshape", Class::kView, 1, infer_reshape, nothing, ref::reshape},
    {Op::kPermute, "permute", Class::kView, 1, infer_permute, nothing, ref::permute},
    {Op::kSlice, "slice", Class::kView, 1, infer_slice, nothing, ref::slice},
    {Op::kExpand, "expand", Class::kView, 1, infer_expand, nothing, ref::expand},
    {Op::kPad, "pad", Class::kMove, 1, infer_pad, elements, ref::pad},
    {Op::kConcat, "concat", Class::kMove, -1, infer_concat, elements, ref::concat},
    {Op::kGather, "gather", Class::kMove, 2, infer_gather, elements, ref::gather},
    {Op::kScatterAdd, "scatter_add", Class::kMove, 2, infer_scatter_add, elements, ref::scatter_add},
    {Op::kPatches, "patches", Class::kView, 1, infer_patches, nothing, ref::patches},
});

constexpr bool table_ascends() {
  for (std::size_t i = 1; i < kTable.size(); ++i) {
    if (kTable[i - 1].op >= kTable[i].op) return false;
  }
  return true;
}
static_assert(table_ascends(), "the table is in the order of the operators' numbers, each once");

}  // namespace

void Work::add(const Work& other) {
  const auto sum = [](std::uint64_t& a, std::uint64_t b) {
    a = a > std::numeric_limits<std::uint64_t>::max() - b ? std::numeric_limits<std::uint64_t>::max() : a + b;
  };
  sum(f32_multiply_adds, other.f32_multiply_adds);
  sum(i8_multiply_adds, other.i8_multiply_adds);
  sum(elements, other.elements);
}

const OperatorRow* find_operator(Operator op) {
  const auto row = std::ranges::lower_bound(kTable, op, {}, &OperatorRow::op);
  return row != kTable.end() && row->op == op ? &*row : nullptr;
}

}  // namespace starling::exact
