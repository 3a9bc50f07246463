#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/hash.h"

// The tree over a state's entries, whose root names the set of entries and nothing else (docs/store.md). An entry lies
// at the path SHA-256(key), read from the highest bit of the first byte: a 0 goes left. A subtree without an entry is
// empty, one with a single entry is that entry's leaf at whatever depth, and any other is a fork.
namespace starling::store {

constexpr std::size_t kPathBits = 256;

struct Leaf {
  base::Hash path;
  base::Hash value_hash;  // SHA-256 of the value

  auto operator<=>(const Leaf&) const = default;  // NOLINT(modernize-use-nullptr): clang-tidy 14 mistakes the 0 in it
};

base::Hash path_of(base::ByteView key);
inline bool path_bit(const base::Hash& path, std::size_t depth) {
  return ((path.bytes[depth / 8] >> (7 - depth % 8)) & 1U) != 0;
}

// 32 zero bytes stand for an empty subtree.
inline constexpr base::Hash kEmptyHash{};
// SHA-256(0x10 ‖ path ‖ value_hash).
base::Hash leaf_hash(const Leaf& leaf);
// SHA-256(0x11 ‖ left ‖ right).
base::Hash fork_hash(const base::Hash& left, const base::Hash& right);

// A subtree as its parent sees it.
struct Node {
  enum class Kind : std::uint8_t { kEmpty, kLeaf, kFork };
  Kind kind = Kind::kEmpty;
  Leaf leaf;        // of a leaf
  base::Hash fork;  // the hash of a fork

  bool operator==(const Node&) const = default;
  base::Hash hash() const;
  static Node of(const Leaf& leaf) { return {Kind::kLeaf, leaf, {}}; }
};

// The node above two others. A single leaf moves up past empty neighbours; forks stay where they are.
Node join(const Node& left, const Node& right);

// The root over leaves in the order of their paths, all different: the definition that the stored tree is held to.
base::Hash tree_root(std::span<const Leaf> leaves);

}  // namespace starling::store
