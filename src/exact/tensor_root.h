#pragma once

#include "base/hash.h"
#include "base/thread_pool.h"
#include "exact/tensor.h"

namespace starling::exact {

// Bytes in a leaf of a tensor's tree; the last leaf may be shorter.
inline constexpr std::size_t kLeafBytes = 4096;

// The name of a tensor: SHA-256 over "starling tensor" (u32 length first), type (u8), rank (u32), sizes (i64 each) and
// the Merkle root over its little-endian bytes in leaves of kLeafBytes.
// With a pool the leaves are hashed by its threads.
base::Hash tensor_root(const Tensor& tensor, base::ThreadPool* pool = nullptr);

}  // namespace starling::exact
