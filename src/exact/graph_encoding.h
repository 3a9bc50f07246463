#pragma once

#include <string>
#include <vector>

#include "base/encoding.h"
#include "base/merkle.h"
#include "exact/graph.h"

namespace starling::exact {

// Parts of the canonical encoding (docs/exact.md) that graphs and programs share.

inline constexpr std::size_t kMaxNameBytes = 256;
inline constexpr std::uint32_t kMaxListItems = 1U << 20;

void encode_shape(base::Encoder& out, const Shape& shape);
void encode_input(base::Encoder& out, const GraphInput& input);

// Whatever the bytes say; a rank above 8 gives an impossible shape.
Shape decode_shape(base::Decoder& in);
// kCorrupt if the type is unknown. Names and shapes are the builders' to judge.
base::Result<GraphInput> decode_input(base::Decoder& in);

// The Merkle root over the items' encodings, one to a leaf.
template <typename T>
base::Hash root_of(const std::vector<T>& items, void (*encode)(base::Encoder&, const T&)) {
  std::vector<base::Hash> leaves;
  leaves.reserve(items.size());
  for (const T& item : items) {
    base::Encoder encoder;
    encode(encoder, item);
    leaves.push_back(base::merkle_leaf(encoder.data()));
  }
  return base::merkle_root(leaves);
}

}  // namespace starling::exact
