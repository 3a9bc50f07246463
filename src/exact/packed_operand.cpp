#include "exact/packed_operand.h"

#include <algorithm>

#include "base/encoding.h"
#include "exact/tensor.h"

namespace starling::exact {
namespace {

// Narrower products turn their columns into rows, and are quick.
constexpr std::int64_t kLeastColumns = 32;

// Panels of columns of the weight: to[(panel * depth + k) * width + column].
template <typename T>
void pack_numbers(const T* from, std::int64_t depth, std::int64_t count, std::int64_t width, T* to) {
  constexpr std::int64_t kBlock = 64;  // of the depth: lines that are read stay until all of them is used
  for (std::int64_t panel = 0; panel < count; panel += width) {
    const std::int64_t columns = std::min(width, count - panel);
    T* const out = to + panel * depth;
    if (columns < width) std::fill_n(out, depth * width, T{0});
    for (std::int64_t begin = 0; begin < depth; begin += kBlock) {
      const std::int64_t end = std::min(depth, begin + kBlock);
      for (std::int64_t c = 0; c < columns; ++c) {
        const T* const column = from + (panel + c) * depth;
        for (std::int64_t k = begin; k < end; ++k) out[k * width + c] = column[k];
      }
    }
  }
}

IntegerDotProblem columns_of(const Tensor& weight) {
  IntegerDotProblem problem{};
  problem.batch = 1;
  problem.n = weight.shape()[0];
  problem.k = weight.shape()[1];
  problem.b.data = weight.u8().data();
  problem.b.rows.factors = problem.b.depth.factors = 1;
  problem.b.rows.size[0] = problem.n;
  problem.b.rows.stride[0] = static_cast<std::ptrdiff_t>(problem.k);
  problem.b.depth.size[0] = problem.k;
  problem.b.depth.stride[0] = 1;
  return problem;
}

}  // namespace

Packer::Packer(const Kernels& kernels)
    : kernels_(&kernels), name_(std::string(kernels.name) + "." + kernels.integer_dot.name) {
  // More than one panel, the last of them and the depth not whole, and every byte.
  constexpr std::int64_t kColumns = 100;
  constexpr std::int64_t kDepth = 150;
  base::Encoder encoder;
  encoder.text("starling packing");
  encoder.text(name_);
  for (const Type type : {Type::kI8, Type::kBf16, Type::kF32}) {
    Tensor weight(type, {kColumns, kDepth});
    std::uint32_t state = 1;
    for (std::uint8_t& byte : weight.mutable_bytes()) {
      state = state * 1664525U + 1013904223U;
      byte = static_cast<std::uint8_t>(state >> 24U);
    }
    const auto size = static_cast<std::int64_t>(bytes(type, kColumns, kDepth));
    Tensor packed(Type::kU8, {size});
    pack(weight, 0, kColumns, packed.mutable_bytes());
    encoder.i64(panel_columns(type));
    encoder.i64(size);
    encoder.hash(base::sha256(packed.bytes()));
  }
  layout_ = base::sha256(encoder.data());
}

bool Packer::packs(Type type, const Shape& shape) {
  const bool has_panels = type == Type::kF32 || type == Type::kBf16 || type == Type::kF16 || type == Type::kI8;
  return has_panels && shape.rank() == 2 && shape[0] >= kLeastColumns && shape[1] > 1;
}

std::int64_t Packer::panel_columns(Type type) const {
  return type == Type::kI8 ? kernels_->integer_dot.panel_columns : kernels_->dot_panel_columns;
}

std::size_t Packer::bytes(Type type, std::int64_t columns, std::int64_t depth) const {
  const std::int64_t width = panel_columns(type);
  const auto whole = static_cast<std::size_t>((columns + width - 1) / width * width);
  const std::size_t column =
      type == Type::kI8 ? kernels_->integer_dot.column_bytes(depth) : static_cast<std::size_t>(depth) * type_size(type);
  return whole * column;
}

void Packer::pack(const Tensor& weight, std::int64_t first, std::int64_t count, std::span<std::uint8_t> out) const {
  const std::int64_t depth = weight.shape()[1];
  if (weight.type() == Type::kI8) {
    kernels_->integer_dot.pack_columns(columns_of(weight), 0, first, first + count, out.data());
    return;
  }
  const std::int64_t width = kernels_->dot_panel_columns;
  const std::uint8_t* from = weight.bytes().data() + static_cast<std::size_t>(first * depth) * type_size(weight.type());
  if (weight.type() == Type::kF32) {
    pack_numbers(reinterpret_cast<const std::uint32_t*>(from), depth, count, width,
                 reinterpret_cast<std::uint32_t*>(out.data()));
  } else {
    pack_numbers(reinterpret_cast<const std::uint16_t*>(from), depth, count, width,
                 reinterpret_cast<std::uint16_t*>(out.data()));
  }
}

}  // namespace starling::exact
