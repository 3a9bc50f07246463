#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "exact/kernels.h"
#include "exact/shape.h"

namespace starling::exact {

// A run of equally spaced elements; several, the last varying fastest, make up one axis of a view.
struct Factor {
  std::int64_t size;
  std::ptrdiff_t stride;  // in elements
  bool operator==(const Factor&) const = default;
};

// Where the elements of a tensor lie within the memory of another: an offset, and for each axis its factors (none for
// an axis of size 1). Most movement operators only change the view. Those that cannot give nothing: the elements must
// be copied.
class View {
 public:
  View() = default;
  static View contiguous(const Shape& shape);
  // Every element is the first.
  static View repeated(const Shape& shape);
  // The same sizes, every element the first.
  View repeating() const;

  std::ptrdiff_t offset() const { return offset_; }
  int rank() const { return static_cast<int>(axes_.size()); }

  std::optional<View> reshape(const Shape& shape) const;
  View permute(std::span<const std::int64_t> axes) const;
  std::optional<View> slice(int axis, std::int64_t start, std::int64_t count, std::int64_t step) const;
  // Axes of size 1 repeated; a view of rank 0 repeats over any shape.
  View expand(const Shape& shape) const;
  std::optional<View> patches(std::span<const std::int64_t> kernel, std::span<const std::int64_t> stride) const;

  // The factors of axes [first, last), neighbours that continue each other joined.
  std::vector<Factor> factors(int first, int last) const;
  std::vector<Factor> factors() const { return factors(0, rank()); }
  // One run of stride 1, row-major, whatever the offset.
  bool is_contiguous() const;

 private:
  std::ptrdiff_t offset_ = 0;
  std::vector<std::vector<Factor>> axes_;
};

// The factors as an axis of a product's operand.
Axis to_axis(std::span<const Factor> factors);

}  // namespace starling::exact
