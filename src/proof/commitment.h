#pragma once

#include <span>

#include "base/hash.h"
#include "exact/tensor_root.h"

namespace starling::proof {

using exact::tensor_root;

// The Merkle root over hashes, each a leaf of 32 bytes. Lists of outputs, calls and frames are committed so.
base::Hash list_root(std::span<const base::Hash> hashes);

}  // namespace starling::proof
