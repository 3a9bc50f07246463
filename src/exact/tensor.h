#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/bytes.h"
#include "base/result.h"
#include "exact/shape.h"

namespace starling::exact {

struct PackedOperand;

// A tensor in memory: type, shape and little-endian elements, row-major and contiguous, aligned to 64 bytes. Copying
// shares the elements; whoever writes must be the only holder.
class Tensor {
 public:
  Tensor() = default;
  // Zeros. Memory that cannot be had is reported by allocate().
  Tensor(Type type, const Shape& shape);
  static base::Result<Tensor> allocate(Type type, const Shape& shape);
  static base::Result<Tensor> uninitialized(Type type, const Shape& shape);
  // Shares memory that somebody else keeps alive through `owner`.
  static Tensor view(Type type, const Shape& shape, const void* data, const std::shared_ptr<const void>& owner);
  static Tensor from_f32(const Shape& shape, std::span<const float> values);
  static Tensor from_i32(const Shape& shape, std::span<const std::int32_t> values);

  Type type() const { return type_; }
  const Shape& shape() const { return shape_; }
  std::int64_t elements() const { return shape_.elements(); }
  std::size_t byte_size() const { return static_cast<std::size_t>(elements()) * type_size(type_); }
  bool empty() const { return data_ == nullptr; }

  base::ByteView bytes() const { return {static_cast<const std::uint8_t*>(data_.get()), byte_size()}; }
  std::span<std::uint8_t> mutable_bytes() { return {static_cast<std::uint8_t*>(data_.get()), byte_size()}; }
  // Precondition: the type is that of the elements asked for.
  std::span<const float> f32() const { return {static_cast<const float*>(data_.get()), count()}; }
  std::span<float> f32() { return {static_cast<float*>(data_.get()), count()}; }
  std::span<const std::int32_t> i32() const { return {static_cast<const std::int32_t*>(data_.get()), count()}; }
  std::span<const std::int8_t> i8() const { return {static_cast<const std::int8_t*>(data_.get()), count()}; }
  std::span<std::int8_t> i8() { return {static_cast<std::int8_t*>(data_.get()), count()}; }
  std::span<const std::uint8_t> u8() const { return bytes(); }
  std::span<std::uint8_t> u8() { return mutable_bytes(); }
  std::span<std::int32_t> i32() { return {static_cast<std::int32_t*>(data_.get()), count()}; }

  // Whether its memory can hold such a tensor and nobody else looks at it.
  bool writable_as(Type type, const Shape& shape) const {
    return data_.use_count() == 1 && type_ == type && shape_ == shape && owned_;
  }

  // f32 from f32, bf16 or f16, widened exactly (shares memory when it is f32 already).
  base::Result<Tensor> widened() const;
  // bf16 or f16 from f32, rounded to nearest even.
  base::Result<Tensor> rounded(Type type) const;

  // The same tensor, with its elements packed for products beside it (exact/packed_operand.h).
  Tensor with_packed(std::shared_ptr<const PackedOperand> packed) const;
  const PackedOperand* packed() const { return packed_.get(); }  // nullptr: there is nothing

 private:
  std::size_t count() const { return static_cast<std::size_t>(elements()); }
  Type type_ = Type::kF32;
  Shape shape_;
  std::shared_ptr<void> data_;
  bool owned_ = false;  // not a view of somebody else's memory
  std::shared_ptr<const PackedOperand> packed_;
};

}  // namespace starling::exact
