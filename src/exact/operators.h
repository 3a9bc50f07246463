#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "exact/shape.h"

namespace starling::exact {

struct Node;

// Every operator there is. The numbers are part of the canonical encoding.
enum class Operator : std::uint8_t {
  kFill = 0,     // scalar; attributes: shape
  kIota = 1,     // attributes: axis, shape...
  kNormal = 2,   // seed i32[2]; attributes: stream, shape...
  kUniform = 3,  // seed i32[2]; attributes: stream, shape...
  kAdd = 8,
  kSub = 9,
  kMul = 10,
  kDiv = 11,
  kMaximum = 12,
  kMinimum = 13,
  kLess = 14,
  kFma = 15,
  kSelect = 16,
  kNeg = 24,
  kAbs = 25,
  kSqrt = 26,
  kExp = 27,
  kLog = 28,
  kSin = 29,
  kCos = 30,
  kTanh = 31,
  kErf = 32,
  kToI32 = 33,
  kToF32 = 34,
  kToI8 = 35,
  kToU8 = 36,
  kSum = 40,  // attributes: axis
  kMax = 41,  // attributes: axis
  kDot = 48,
  kReshape = 56,  // attributes: shape
  kPermute = 57,  // attributes: axes
  kSlice = 58,    // attributes: axis, start, count, step
  kExpand = 59,   // attributes: shape
  kPad = 60,      // attributes: axis, before, after
  kConcat = 61,   // attributes: axis
  kGather = 62,
  kScatterAdd = 63,  // attributes: rows of the table
  kPatches = 64,     // attributes: kernel (3), stride (3)
};

// How an operator may be run: what the executor needs to know of it.
enum class OperatorClass : std::uint8_t {
  kSource,       // made from attributes (and a seed)
  kElementwise,  // output (i) from inputs (i), broadcast
  kReduction,    // along one axis
  kProduct,
  kView,  // the same elements at other coordinates, none added
  kMove,  // anything else that copies elements
};

// What an operator reads: element `index` (row-major) of input `input`.
class Reader {
 public:
  virtual ~Reader() = default;
  virtual float f32(int input, std::int64_t index) const = 0;
  virtual std::int32_t i32(int input, std::int64_t index) const = 0;  // of any integer type
};

// One element of a tensor; which member counts is said by the type.
union Number {
  float f32;
  std::int32_t i32;  // of every integer type
};

// What the rules see of a node: its operands' types and shapes, and its attributes.
struct Signature {
  std::span<const Type> types;
  std::span<const Shape> shapes;
  std::span<const std::int64_t> attributes;
};

struct Inferred {
  Type type;
  Shape shape;
};

// Exact work, counted from types and shapes alone.
struct Work {
  std::uint64_t f32_multiply_adds = 0;  // in products
  std::uint64_t i8_multiply_adds = 0;
  std::uint64_t elements = 0;  // outputs of every other operator, but for views

  // Stays at 2^64 - 1 when it gets there.
  void add(const Work& other);
};

// A row of the operator table. The rules of gradients, which build graphs, have a table of their own in gradients.cpp.
struct OperatorRow {
  Operator op;
  const char* name;
  OperatorClass kind;
  int arity;  // -1: one or more
  // Output type and shape, or why the operands do not fit.
  base::Result<Inferred> (*infer)(const Signature&);
  // Of operands that fit, and what infer() gave for them.
  Work (*work)(const Signature&, const Inferred&);
  // The definition: the output's element at row-major `index`.
  Number (*element)(const Node& node, std::span<const Shape> input_shapes, const Reader& reader, std::int64_t index);
};

// nullptr when there is no such operator.
const OperatorRow* find_operator(Operator op);

}  // namespace starling::exact
