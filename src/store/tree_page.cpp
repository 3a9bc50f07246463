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

Node Page::fold(std::size_t first, std::size_t count) const {
  if (count == 1) return nodes_[first];
  const std::size_t half = count / 2;
  return join(fold(first, half), fold(first + half, half));
}

base::Bytes Page::encode() const {
  std::uint16_t present = 0;
  std::uint16_t leaves = 0;
  for (std::size_t i = 0; i < kPageNodes; ++i) {
    const auto bit = static_cast<std::uint16_t>(1U << i);
    if (nodes_[i].kind != Node::Kind::kEmpty) present |= bit;
    if (nodes_[i].kind == Node::Kind::kLeaf) leaves |= bit;
  }
  base::Encoder encoder;
  encoder.u16(present);
  encoder.u16(leaves);
  for (const Node& node : nodes_) {
    if (node.kind == Node::Kind::kLeaf) {
      encoder.hash(node.leaf.path);
      encoder.hash(node.leaf.value_hash);
    } else if (node.kind == Node::Kind::kFork) {
      encoder.hash(node.fork);
    }
  }
  return encoder.data();
}

base::Result<Page> Page::decode(base::ByteView bytes) {
  base::Decoder decoder(bytes);
  const std::uint16_t present = decoder.u16();
  const std::uint16_t leaves = decoder.u16();
  Page page;
  for (std::size_t i = 0; i < kPageNodes; ++i) {
    if (((present >> i) & 1U) == 0) continue;
    if (((leaves >> i) & 1U) != 0) {
      page[i].kind = Node::Kind::kLeaf;
      page[i].leaf.path = decoder.hash();
      page[i].leaf.value_hash = decoder.hash();
    } else {
      page[i].kind = Node::Kind::kFork;
      page[i].fork = decoder.hash();
    }
  }
  if ((leaves & ~present) != 0 || !decoder.finish().ok()) {
    return base::corrupt("a page of the state's tree does not follow its format");
  }
  return page;
}

}  // namespace starling::store
