#include "store/tree_page.h"

#include <bit>

#include "base/encoding.h"

namespace starling::store {

PageName PageName::child(std::size_t nibble) const {
  PageName name = *this;
  name.path.bytes[depth / 2] |= static_cast<std::uint8_t>(depth % 2 == 0 ? nibble << 4U : nibble);
  ++name.depth;
  return name;
}

base::Bytes PageName::encode() const {
  base::Bytes bytes(1 + (depth + 1) / 2);
  bytes[0] = static_cast<std::uint8_t>(depth);
  for (std::size_t i = 1; i < bytes.size(); ++i) bytes[i] = path.bytes[i - 1];
  return bytes;
}

Node Page::operator[](std::size_t nibble) const {
  if (((present_ >> nibble) & 1U) == 0) return {};
  if (((leaves_ >> nibble) & 1U) != 0) return Node::of({paths_[nibble], values_[nibble]});
  return {Node::Kind::kFork, {}, values_[nibble]};
}

void Page::set(std::size_t nibble, const Node& node) {
  const auto bit = static_cast<std::uint16_t>(1U << nibble);
  const bool leaf = node.kind == Node::Kind::kLeaf;
  present_ = node.kind == Node::Kind::kEmpty ? present_ & ~bit : present_ | bit;
  leaves_ = leaf ? leaves_ | bit : leaves_ & ~bit;
  paths_[nibble] = leaf ? node.leaf.path : base::Hash();
  values_[nibble] = leaf ? node.leaf.value_hash : node.fork;
  for (std::size_t i = kPageNodes + nibble; i > 0; i /= 2) known_ &= ~(1U << i);
}

std::optional<std::size_t> Page::lone_leaf(std::size_t first, std::size_t count) const {
  const auto here = static_cast<std::uint16_t>(((1U << count) - 1U) << first);
  const auto present = static_cast<std::uint16_t>(present_ & here);
  if (std::popcount(present) != 1 || (leaves_ & present) == 0) return std::nullopt;
  return static_cast<std::size_t>(std::countr_zero(present));
}

Node Page::fold(std::size_t first, std::size_t count) const {
  if (count == 1) return (*this)[first];
  const auto here = static_cast<std::uint16_t>(((1U << count) - 1U) << first);
  if ((present_ & here) == 0) return {};
  if (const std::optional<std::size_t> leaf = lone_leaf(first, count)) return (*this)[*leaf];
  return {Node::Kind::kFork, {}, hash(first, count)};
}

const base::Hash& Page::hash(std::size_t first, std::size_t count) const {
  const auto here = static_cast<std::uint16_t>(((1U << count) - 1U) << first);
  if ((present_ & here) == 0) return kEmptyHash;
  if (count > 1) {
    if (const std::optional<std::size_t> leaf = lone_leaf(first, count)) return hash(*leaf, 1);
  }
  const std::size_t at = (kPageNodes + first) / count;
  if (((known_ >> at) & 1U) == 0) {
    hashes_[at] =
        count == 1 ? (*this)[first].hash() : fork_hash(hash(first, count / 2), hash(first + count / 2, count / 2));
    known_ |= 1U << at;
  }
  return hashes_[at];
}

base::Bytes Page::encode() const {
  base::Encoder encoder;
  encoder.u16(present_);
  encoder.u16(leaves_);
  for (std::size_t i = 0; i < kPageNodes; ++i) {
    if (((leaves_ >> i) & 1U) != 0) encoder.hash(paths_[i]);
    if (((present_ >> i) & 1U) != 0) encoder.hash(values_[i]);
  }
  return encoder.data();
}

base::Result<Page> Page::decode(base::ByteView bytes) {
  base::Decoder decoder(bytes);
  const std::uint16_t present = decoder.u16();
  const std::uint16_t leaves = decoder.u16();
  Page page;
  page.present_ = present;
  page.leaves_ = leaves;
  for (std::size_t i = 0; i < kPageNodes; ++i) {
    if (((present >> i) & 1U) == 0) continue;
    if (((leaves >> i) & 1U) != 0) page.paths_[i] = decoder.hash();
    page.values_[i] = decoder.hash();
  }
  if ((leaves & ~present) != 0 || !decoder.finish().ok()) {
    return base::corrupt("a page of the state's tree does not follow its format");
  }
  return page;
}

}  // namespace starling::store
