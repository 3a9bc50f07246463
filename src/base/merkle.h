#pragma once

#include <span>

#include "base/hash.h"

namespace starling::base {

// Merkle trees as in RFC 6962 §2.1: a leaf is SHA-256(0x00 ‖ data), a node SHA-256(0x01 ‖ left ‖ right), the left
// subtree is the largest power of two of leaves that leaves at least one for the right; no leaves: SHA-256 of nothing.
Hash merkle_leaf(ByteView data);
Hash merkle_node(const Hash& left, const Hash& right);
Hash merkle_root(std::span<const Hash> leaves);

}  // namespace starling::base
