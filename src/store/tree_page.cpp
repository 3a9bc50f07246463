#include "store/tree_page.h"

#include <algorithm>
#include <span>
namespace starling::store {
namespace {

Node fold_part(std::span<const Node> nodes) {
  if (nodes.size() == 1) return nodes.front();
  const std::size_t half = nodes.size() / 2;
  return join(fold_part(nodes.first(half)), fold_part(nodes.subspan(half)));
}

}  // namespace

PageName PageName::on(const base::Hash& path, std::size_t depth) {
  PageName name;
  name.depth = depth;
  std::copy_n(path.bytes.begin(), (depth + 1) / 2, name.path.bytes.begin());
  if (depth % 2 != 0) name.path.bytes[depth / 2] &= 0xf0;
  return name;
}

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

base::Bytes encode_page(const Page& page) {
  std::uint16_t present = 0;
  std::uint16_t leaves = 0;
  for (std::size_t i = 0; i < kPageNodes; ++i) {
    const auto bit = static_cast<std::uint16_t>(1U << i);
    if (page[i].kind != Node::Kind::kEmpty) present |= bit;
    if (page[i].kind == Node::Kind::kLeaf) leaves |= bit;
  }
  base::Encoder encoder;
  encoder.u16(present);
  encoder.u16(leaves);
  for (const Node& node : page) {
    if (node.kind == Node::Kind::kLeaf) {
      encoder.hash(node.leaf.path);
      encoder.hash(node.leaf.value_hash);
    } else if (node.kind == Node::Kind::kFork) {
      encoder.hash(node.fork);
    }
  }
  return encoder.data();
}

base::Result<Page> decode_page(base::ByteView bytes) {
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

void encode_node(const Node& node, base::Encoder& encoder) {
  encoder.u8(static_cast<std::uint8_t>(node.kind));
  if (node.kind == Node::Kind::kLeaf) {
    encoder.hash(node.leaf.path);
    encoder.hash(node.leaf.value_hash);
  } else {
    encoder.hash(node.fork);
  }
}

base::Result<Node> decode_node(base::Decoder& decoder) {
  const std::uint8_t kind = decoder.u8();
  if (kind > static_cast<std::uint8_t>(Node::Kind::kFork)) {
    return base::corrupt("a node of the state's tree does not follow its format");
  }
  Node node;
  node.kind = static_cast<Node::Kind>(kind);
  if (node.kind == Node::Kind::kLeaf) {
    node.leaf.path = decoder.hash();
    node.leaf.value_hash = decoder.hash();
  } else {
    node.fork = decoder.hash();
  }
  return node;
}

Node fold(const Page& page) { return fold_part(page); }

}  // namespace starling::store
