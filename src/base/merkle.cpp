#include "base/merkle.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <vector>

namespace starling::base {

Hash merkle_leaf(ByteView data) {
  Sha256 sha;
  const std::uint8_t prefix = 0;
  sha.update({&prefix, 1});
  sha.update(data);
  return sha.finish();
}

Hash merkle_node(const Hash& left, const Hash& right) {
  std::array<std::uint8_t, 65> message;
  message[0] = 1;
  std::memcpy(message.data() + 1, left.bytes.data(), 32);
  std::memcpy(message.data() + 33, right.bytes.data(), 32);
  return sha256(message);
}

Hash merkle_root(std::span<const Hash> leaves) {
  if (leaves.empty()) return sha256({});
  // Pairing neighbours and promoting an odd last one gives RFC 6962's tree.
  std::vector<Hash> level(leaves.begin(), leaves.end());
  while (level.size() > 1) {
    const std::size_t pairs = level.size() / 2;
    for (std::size_t i = 0; i < pairs; ++i) level[i] = merkle_node(level[2 * i], level[2 * i + 1]);
    if (level.size() % 2 == 1) level[pairs] = level.back();
    level.resize(pairs + level.size() % 2);
  }
  return level.front();
}

}  // namespace starling::base
