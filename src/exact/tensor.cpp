#include "exact/tensor.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <new>

#include "base/memory.h"

namespace starling::exact {
namespace {

float widen_bf16(std::uint16_t bits) { return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16); }

float widen_f16(std::uint16_t bits) {
  const std::uint32_t sign = static_cast<std::uint32_t>(bits & 0x8000U) << 16;
  const std::uint32_t exponent = (bits >> 10) & 0x1FU;
  const std::uint32_t fraction = bits & 0x3FFU;
  if (exponent == 31) return std::bit_cast<float>(sign | 0x7F800000U | (fraction << 13));
  if (exponent != 0) return std::bit_cast<float>(sign | ((exponent + 112) << 23) | (fraction << 13));
  // Subnormal: fraction × 2^-24, which f32 holds exactly.
  const float magnitude = static_cast<float>(fraction) * 0x1p-24F;
  return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(magnitude));
}

std::uint16_t round_bf16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if ((bits & 0x7FFFFFFFU) > 0x7F800000U) return static_cast<std::uint16_t>((bits >> 16) | 0x40U);
  return static_cast<std::uint16_t>((bits + 0x7FFFU + ((bits >> 16) & 1U)) >> 16);
}

std::uint16_t round_f16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const auto sign = static_cast<std::uint16_t>((bits >> 16) & 0x8000U);
  const std::uint32_t magnitude = bits & 0x7FFFFFFFU;
  if (magnitude > 0x7F800000U) return sign | 0x7E00U;
  if (magnitude >= 0x477FF000U) return sign | 0x7C00U;  // 65520 and above round to infinity
  if (magnitude < 0x38800000U) {
    // Below 2^-14 the result is a multiple of 2^-24: adding 0.5 leaves those bits, rounded, at the end of the fraction.
    const float shifted = std::bit_cast<float>(magnitude) + 0.5F;
    return sign | static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(shifted) - 0x3F000000U);
  }
  const std::uint32_t rounded = magnitude + 0xFFFU + ((magnitude >> 13) & 1U);
  return sign | static_cast<std::uint16_t>((rounded - (112U << 23)) >> 13);
}

// Tensors as large as this have pages of their own: in a heap that has held others, memory would not be what a plan
// says.
constexpr std::size_t kLargeTensor = std::size_t{1} << 20;

}  // namespace

base::Result<Tensor> Tensor::allocate(Type type, const Shape& shape) {
  STARLING_ASSIGN(Tensor tensor, uninitialized(type, shape));
  std::memset(tensor.data_.get(), 0, tensor.byte_size());
  return tensor;
}

base::Result<Tensor> Tensor::uninitialized(Type type, const Shape& shape) {
  Tensor tensor;
  tensor.type_ = type;
  tensor.shape_ = shape;
  const std::size_t size = (tensor.byte_size() + 63) / 64 * 64;
  if (size >= kLargeTensor) {
    tensor.data_ = base::map_memory(size);
  } else {
    tensor.data_ = std::shared_ptr<void>(std::aligned_alloc(64, std::max<std::size_t>(size, 64)), std::free);
  }
  if (tensor.data_ == nullptr) {
    return base::Error{base::ErrorCode::kLimit, "no memory for a tensor of " + std::to_string(size) +
                                                    " bytes; ask for a smaller size or a shorter video"};
  }
  tensor.owned_ = true;
  return tensor;
}

Tensor::Tensor(Type type, const Shape& shape) {
  auto made = allocate(type, shape);
  if (!made.ok()) throw std::bad_alloc();
  *this = *std::move(made);
}

Tensor Tensor::view(Type type, const Shape& shape, const void* data, const std::shared_ptr<const void>& owner) {
  Tensor tensor;
  tensor.type_ = type;
  tensor.shape_ = shape;
  // The aliasing constructor keeps the owner alive; nobody writes through a view.
  tensor.data_ = std::shared_ptr<void>(std::const_pointer_cast<void>(owner), const_cast<void*>(data));
  return tensor;
}

Tensor Tensor::from_f32(const Shape& shape, std::span<const float> values) {
  Tensor tensor(Type::kF32, shape);
  std::memcpy(tensor.data_.get(), values.data(), std::min(values.size_bytes(), tensor.byte_size()));
  return tensor;
}

Tensor Tensor::from_i32(const Shape& shape, std::span<const std::int32_t> values) {
  Tensor tensor(Type::kI32, shape);
  std::memcpy(tensor.data_.get(), values.data(), std::min(values.size_bytes(), tensor.byte_size()));
  return tensor;
}

Tensor Tensor::with_packed(std::shared_ptr<const PackedOperand> packed) const {
  Tensor tensor = *this;
  tensor.packed_ = std::move(packed);
  return tensor;
}

base::Result<Tensor> Tensor::widened() const {
  if (type_ == Type::kF32) return *this;
  if (type_ != Type::kBf16 && type_ != Type::kF16) {
    return base::invalid(std::string("a tensor of ") + type_name(type_) + " does not widen to f32");
  }
  STARLING_ASSIGN(Tensor out, allocate(Type::kF32, shape_));
  const auto* from = static_cast<const std::uint16_t*>(data_.get());
  const std::span<float> to = out.f32();
  for (std::size_t i = 0; i < to.size(); ++i) to[i] = type_ == Type::kBf16 ? widen_bf16(from[i]) : widen_f16(from[i]);
  return out;
}

base::Result<Tensor> Tensor::rounded(Type type) const {
  if (type_ != Type::kF32 || (type != Type::kBf16 && type != Type::kF16)) {
    return base::invalid(std::string("a tensor of ") + type_name(type_) + " does not round to " + type_name(type));
  }
  STARLING_ASSIGN(Tensor out, allocate(type, shape_));
  const std::span<const float> from = f32();
  auto* to = static_cast<std::uint16_t*>(out.data_.get());
  for (std::size_t i = 0; i < from.size(); ++i) to[i] = type == Type::kBf16 ? round_bf16(from[i]) : round_f16(from[i]);
  return out;
}

}  // namespace starling::exact
