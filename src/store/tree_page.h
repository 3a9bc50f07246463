#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "store/tree.h"

namespace starling::store {

constexpr std::size_t kPageNodes = 16;
constexpr std::size_t kPageLevels = 4;
constexpr std::size_t kMaxPageDepth = kPathBits / kPageLevels;

// The 4 bits of a path below a page at this depth, which is counted in pages.
inline std::size_t path_nibble(const base::Hash& path, std::size_t depth) {
  const std::uint8_t byte = path.bytes[depth / 2];
  return depth % 2 == 0 ? byte >> 4U : byte & 15U;
}

// Where a page lies: below the first 4 * depth bits of a path.
struct PageName {
  base::Hash path;  // the bits beyond are zero
  std::size_t depth = 0;

  PageName child(std::size_t nibble) const;
  // The depth (u8) and the bytes that hold the bits.
  base::Bytes encode() const;
};

// Four levels of the tree, as they are stored: what lies 4 bits further down each of the 16 ways. The forks between are
// computed, and what was computed is remembered until it changes. Not thread safe.
class Page {
 public:
  Node operator[](std::size_t nibble) const;
  void set(std::size_t nibble, const Node& node);
  // How many are not empty.
  std::size_t nodes() const { return static_cast<std::size_t>(std::popcount(present_)); }
  // The node that [first, first + count) amount to; count is a power of two that divides first.
  Node fold(std::size_t first = 0, std::size_t count = kPageNodes) const;

  // u16 mask of nodes that are not empty, u16 mask of leaves, then for each: path and value hash of a leaf, hash of a
  // fork.
  base::Bytes encode() const;
  static base::Result<Page> decode(base::ByteView bytes);

 private:
  // Of what fold() would give.
  const base::Hash& hash(std::size_t first, std::size_t count) const;
  // A single leaf among those of [first, first + count), if that is all there is.
  std::optional<std::size_t> lone_leaf(std::size_t first, std::size_t count) const;

  std::uint16_t present_ = 0;                    // bit i: node i is not empty
  std::uint16_t leaves_ = 0;                     // bit i: it is a leaf
  std::array<base::Hash, kPageNodes> paths_{};   // of leaves
  std::array<base::Hash, kPageNodes> values_{};  // value hash of a leaf, hash of a fork
  // Hashes of nodes and of what they amount to, as a heap: 1 is all of them, 16 + i is node i.
  mutable std::array<base::Hash, 2 * kPageNodes> hashes_{};
  mutable std::uint32_t known_ = 0;  // bit i: hashes_[i] is right
};

// Where pages come from. Thread safe.
class PageReader {
 public:
  virtual ~PageReader() = default;
  // An error also when there is no such page: the tree never asks for one in vain.
  virtual base::Result<Page> read(const PageName& name) const = 0;
  // What an update made of a page, or nothing when it goes: for whoever remembers pages.
  virtual void updated(const PageName& /*name*/, const Page* /*page*/) const {}
};

}  // namespace starling::store
