#include "exact/tensor_root.h"

#include <algorithm>
#include <vector>

#include "base/encoding.h"
#include "base/merkle.h"

namespace starling::exact {

base::Hash tensor_root(const Tensor& tensor, base::ThreadPool* pool) {
  const base::ByteView bytes = tensor.bytes();
  std::vector<base::Hash> leaves((bytes.size() + kLeafBytes - 1) / kLeafBytes);
  const auto hash_leaves = [&](std::size_t begin, std::size_t end, int) {
    for (std::size_t i = begin; i < end; ++i) {
      const std::size_t at = i * kLeafBytes;
      leaves[i] = base::merkle_leaf(bytes.subspan(at, std::min(kLeafBytes, bytes.size() - at)));
    }
  };
  constexpr std::size_t kGrain = 8;
  if (pool != nullptr) {
    pool->run(leaves.size(), kGrain, hash_leaves);
  } else {
    hash_leaves(0, leaves.size(), 0);
  }
  base::Encoder encoder;
  encoder.text("starling tensor");
  encoder.u8(static_cast<std::uint8_t>(tensor.type()));
  encoder.u32(static_cast<std::uint32_t>(tensor.shape().rank()));
  for (const std::int64_t size : tensor.shape().sizes()) encoder.i64(size);
  encoder.hash(base::merkle_root(leaves));
  return base::sha256(encoder.data());
}

}  // namespace starling::exact
