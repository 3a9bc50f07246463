#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

#include "base/result.h"

namespace starling::exact {

// Element types. The numbers are part of the canonical encoding.
enum class Type : std::uint8_t {
  kF32 = 0,  // IEEE binary32
  kI32 = 1,  // two's complement
  kI8 = 2,   // two's complement
  kU8 = 3,
  kBf16 = 4,  // storage only: widened exactly on load, rounded to nearest even on store
  kF16 = 5,   // storage only
};

std::size_t type_size(Type type);
const char* type_name(Type type);  // "f32", "i32", ...
constexpr bool is_integer(Type type) { return type == Type::kI32 || type == Type::kI8 || type == Type::kU8; }

inline constexpr int kMaxRank = 8;
inline constexpr std::int64_t kMaxElements = std::int64_t{1} << 40;

// The sizes of a tensor, outermost first; the last axis is contiguous. A scalar has rank 0. Every size is at least 1.
class Shape {
 public:
  Shape() = default;
  Shape(std::initializer_list<std::int64_t> sizes);
  explicit Shape(std::span<const std::int64_t> sizes);

  int rank() const { return rank_; }
  std::int64_t operator[](int axis) const { return sizes_[static_cast<std::size_t>(axis)]; }
  std::int64_t back() const { return rank_ == 0 ? 1 : sizes_[static_cast<std::size_t>(rank_ - 1)]; }
  // Precondition: is_possible().
  std::int64_t elements() const;
  // Whether every size is at least 1 and there are at most kMaxElements elements.
  bool is_possible() const;
  std::span<const std::int64_t> sizes() const { return {sizes_.data(), static_cast<std::size_t>(rank_)}; }
  void set(int axis, std::int64_t size) { sizes_[static_cast<std::size_t>(axis)] = size; }
  void append(std::int64_t size);
  bool operator==(const Shape& other) const;
  std::string text() const;  // "[2, 80, 192]"

 private:
  std::array<std::int64_t, kMaxRank> sizes_{};
  int rank_ = 0;
};

}  // namespace starling::exact
