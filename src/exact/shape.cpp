#include "exact/shape.h"

#include <algorithm>

namespace starling::exact {

std::size_t type_size(Type type) {
  switch (type) {
    case Type::kF32:
    case Type::kI32:
      return 4;
    case Type::kBf16:
    case Type::kF16:
      return 2;
    case Type::kI8:
    case Type::kU8:
      return 1;
  }
  return 0;
}

const char* type_name(Type type) {
  switch (type) {
    case Type::kF32:
      return "f32";
    case Type::kI32:
      return "i32";
    case Type::kI8:
      return "i8";
    case Type::kU8:
      return "u8";
    case Type::kBf16:
      return "bf16";
    case Type::kF16:
      return "f16";
  }
  return "unknown";
}

Shape::Shape(std::initializer_list<std::int64_t> sizes)
    : Shape(std::span<const std::int64_t>(sizes.begin(), sizes.size())) {}

Shape::Shape(std::span<const std::int64_t> sizes) {
  for (const std::int64_t size : sizes) append(size);
}

void Shape::append(std::int64_t size) {
  if (rank_ == kMaxRank) {
    // Kept as an impossible size, which every rule refuses.
    sizes_[kMaxRank - 1] = 0;
    return;
  }
  sizes_[static_cast<std::size_t>(rank_++)] = size;
}

bool Shape::is_possible() const {
  std::int64_t product = 1;
  for (const std::int64_t size : sizes()) {
    if (size < 1 || size > kMaxElements / product) return false;
    product *= size;
  }
  return true;
}

std::int64_t Shape::elements() const {
  std::int64_t product = 1;
  for (int i = 0; i < rank_; ++i) product *= (*this)[i];
  return product;
}

bool Shape::operator==(const Shape& other) const { return std::ranges::equal(sizes(), other.sizes()); }

std::string Shape::text() const {
  std::string out = "[";
  for (int i = 0; i < rank_; ++i) out += (i == 0 ? "" : ", ") + std::to_string((*this)[i]);
  return out + "]";
}

}  // namespace starling::exact
