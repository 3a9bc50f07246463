#pragma once

#include <span>

#include "base/hash.h"
#include "base/thread_pool.h"
#include "exact/tensor.h"

namespace starling::proof {

// Bytes in a leaf of a tensor's tree; the last leaf may be shorter.
inline constexpr std::size_t kLeafBytes = 4096;

// The name of a tensor: SHA-256 over "starling tensor" (u32 length first), type (u8), rank (u32), sizes (i64 each) and
// the Merkle root over its little-endian bytes in leaves of kLeafBytes.
// With a pool the leaves are hashed by its threads.
base::Hash tensor_root(const exact::Tensor& tensor, base::ThreadPool* pool = nullptr);

// The Merkle root over hashes, each a leaf of 32 bytes. Lists of outputs, calls and frames are committed so.
base::Hash list_root(std::span<const base::Hash> hashes);

}  // namespace starling::proof
