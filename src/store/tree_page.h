#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "base/encoding.h"
#include "base/result.h"
#include "store/tree.h"

namespace starling::store {

constexpr std::size_t kPageNodes = 16;
constexpr std::size_t kPageLevels = 4;

// The 4 bits of a path below a page at this depth, which is counted in pages.
inline std::size_t path_nibble(const base::Hash& path, std::size_t depth) {
  const std::uint8_t byte = path.bytes[depth / 2];
  return depth % 2 == 0 ? byte >> 4U : byte & 15U;
}

// Where a page lies: below the first 4 * depth bits of a path.
struct PageName {
  base::Hash path;  // the bits beyond are zero
  std::size_t depth = 0;

  // The page at this depth on the way of a path.
  static PageName on(const base::Hash& path, std::size_t depth);
  PageName child(std::size_t nibble) const;
  // The depth (u8) and the bytes that hold the bits.
  base::Bytes encode() const;
};

// Four levels of the tree, as they are stored: what lies 4 bits further down each of the 16 ways. The forks between are
// computed.
using Page = std::array<Node, kPageNodes>;

// u16 mask of nodes that are not empty, u16 mask of leaves, then for each: path and value hash of a leaf, hash of a
// fork.
base::Bytes encode_page(const Page& page);
base::Result<Page> decode_page(base::ByteView bytes);
// The node that a page amounts to.
Node fold(const Page& page);

// u8 kind, then path and value hash of a leaf, or 32 bytes: the hash of a fork, or zeros.
void encode_node(const Node& node, base::Encoder& encoder);
base::Result<Node> decode_node(base::Decoder& decoder);

// Where pages come from. Thread safe.
class PageReader {
 public:
  virtual ~PageReader() = default;
  // An error also when there is no such page: the tree never asks for one in vain.
  virtual base::Result<Page> read(const PageName& name) const = 0;
};

}  // namespace starling::store
