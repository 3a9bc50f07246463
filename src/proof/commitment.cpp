#include "proof/commitment.h"

#include <vector>

#include "base/merkle.h"

namespace starling::proof {

base::Hash list_root(std::span<const base::Hash> hashes) {
  std::vector<base::Hash> leaves;
  leaves.reserve(hashes.size());
  for (const base::Hash& hash : hashes) leaves.push_back(base::merkle_leaf(hash.bytes));
  return base::merkle_root(leaves);
}

}  // namespace starling::proof
