#include "store/tree.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace starling::store {
namespace {

base::Hash tagged(std::uint8_t tag, const base::Hash& first, const base::Hash& second) {
  std::array<std::uint8_t, 65> message;
  message[0] = tag;
  std::memcpy(message.data() + 1, first.bytes.data(), 32);
  std::memcpy(message.data() + 33, second.bytes.data(), 32);
  return base::sha256(message);
}

Node subtree(std::span<const Leaf> leaves, std::size_t depth) {
  if (leaves.empty()) return {};
  if (leaves.size() == 1) return Node::of(leaves.front());
  if (depth == kPathBits) base::halt("two leaves of a tree have the same path");
  const auto right =
      std::ranges::partition_point(leaves, [&](const Leaf& leaf) { return !path_bit(leaf.path, depth); });
  const auto count = static_cast<std::size_t>(right - leaves.begin());
  return join(subtree(leaves.first(count), depth + 1), subtree(leaves.subspan(count), depth + 1));
}

}  // namespace

base::Hash path_of(base::ByteView key) { return base::sha256(key); }
base::Hash leaf_hash(const Leaf& leaf) { return tagged(0x10, leaf.path, leaf.value_hash); }
base::Hash fork_hash(const base::Hash& left, const base::Hash& right) { return tagged(0x11, left, right); }

base::Hash Node::hash() const {
  if (kind == Kind::kEmpty) return kEmptyHash;
  return kind == Kind::kLeaf ? leaf_hash(leaf) : fork;
}

Node join(const Node& left, const Node& right) {
  if (left.kind == Node::Kind::kEmpty && right.kind != Node::Kind::kFork) return right;
  if (right.kind == Node::Kind::kEmpty && left.kind != Node::Kind::kFork) return left;
  return {Node::Kind::kFork, {}, fork_hash(left.hash(), right.hash())};
}

base::Hash tree_root(std::span<const Leaf> leaves) { return subtree(leaves, 0).hash(); }

}  // namespace starling::store
