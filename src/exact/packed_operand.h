#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/thread_pool.h"
#include "exact/kernels.h"
#include "exact/shape.h"

namespace starling::exact {

class Tensor;

// A weight [columns, depth] as products read it whose second operand it is: packed once, for one kind of kernels, and
// kept beside the tensor (Tensor::with_packed). Which of the two is read does not show in the bits.
struct PackedOperand {
  base::Hash layout;  // Packer::layout() of the kernels that read it
  Type type = Type::kF32;
  std::int64_t columns = 0;
  std::int64_t depth = 0;
  base::ByteView panels;  // aligned to 64; whoever made the object keeps them
  // Whether the panels are what was packed. Asked before they are read; the answer is remembered by who gives it.
  std::function<bool(base::ThreadPool& pool)> intact;
};

// Packs weights for one kind of kernels.
class Packer {
 public:
  explicit Packer(const Kernels& kernels);

  // Names how panels lie in memory: kernels of equal layouts read each other's. It covers the bytes that the kernels
  // make of a few numbers, so other code has another layout.
  const base::Hash& layout() const { return layout_; }
  // The kernels, as "avx512.avx512-vnni".
  const std::string& name() const { return name_; }

  // Whether products can read such a weight packed: a matrix of f32, bf16, f16 or i8 that is not narrow.
  static bool packs(Type type, const Shape& shape);
  std::int64_t panel_columns(Type type) const;
  // Bytes of so many columns, whole panels.
  std::size_t bytes(Type type, std::int64_t columns, std::int64_t depth) const;
  // Columns [first, first + count) of the weight to `out`, which has bytes(count) and is aligned to 64. first begins a
  // panel. Precondition: packs().
  void pack(const Tensor& weight, std::int64_t first, std::int64_t count, std::span<std::uint8_t> out) const;

 private:
  const Kernels* kernels_;
  std::string name_;
  base::Hash layout_;
};

}  // namespace starling::exact
