#include "store/state_proof.h"

#include <algorithm>
#include <utility>

#include "base/encoding.h"

namespace starling::store {
namespace {

// The length of the path that both begin with, in bits.
std::size_t common_bits(const base::Hash& left, const base::Hash& right) {
  std::size_t depth = 0;
  while (depth < kPathBits && path_bit(left, depth) == path_bit(right, depth)) ++depth;
  return depth;
}

}  // namespace

base::Bytes encode_proof(const StateProof& proof) {
  base::Encoder encoder;
  encoder.u8(static_cast<std::uint8_t>(proof.end));
  if (proof.end == StateProof::End::kOtherLeaf) {
    encoder.hash(proof.other.path);
    encoder.hash(proof.other.value_hash);
  }
  encoder.u16(static_cast<std::uint16_t>(proof.siblings.size()));
  for (std::size_t at = 0; at < proof.siblings.size(); at += 8) {
    unsigned present = 0;
    for (std::size_t i = at; i < std::min(at + 8, proof.siblings.size()); ++i) {
      if (proof.siblings[i] != kEmptyHash) present |= 1U << (i - at);
    }
    encoder.u8(static_cast<std::uint8_t>(present));
  }
  for (const base::Hash& sibling : proof.siblings) {
    if (sibling != kEmptyHash) encoder.hash(sibling);
  }
  return encoder.data();
}

base::Result<StateProof> decode_proof(base::ByteView bytes) {
  const base::Error malformed = base::corrupt("the proof of a state's entry does not follow its format");
  base::Decoder decoder(bytes);
  const std::uint8_t end = decoder.u8();
  if (end > static_cast<std::uint8_t>(StateProof::End::kOtherLeaf)) return malformed;
  StateProof proof;
  proof.end = static_cast<StateProof::End>(end);
  if (proof.end == StateProof::End::kOtherLeaf) {
    proof.other.path = decoder.hash();
    proof.other.value_hash = decoder.hash();
  }
  const std::size_t depth = decoder.u16();
  if (depth > kPathBits) return malformed;
  std::vector<bool> present(depth);
  for (std::size_t at = 0; at < depth; at += 8) {
    const unsigned bits = decoder.u8();
    for (std::size_t i = 0; i < 8; ++i) {
      const bool set = ((bits >> i) & 1U) != 0;
      if (at + i < depth) {
        present[at + i] = set;
      } else if (set) {
        return malformed;
      }
    }
  }
  proof.siblings.resize(depth);
  for (std::size_t i = 0; i < depth; ++i) {
    if (!present[i]) continue;
    proof.siblings[i] = decoder.hash();
    if (proof.siblings[i] == kEmptyHash) return malformed;
  }
  if (!decoder.finish().ok()) return malformed;
  return proof;
}

bool verify_proof(const base::Hash& root, base::ByteView key, std::optional<base::ByteView> value,
                  const StateProof& proof) {
  const std::size_t depth = proof.siblings.size();
  if (depth > kPathBits || value.has_value() != (proof.end == StateProof::End::kEntry)) return false;
  const base::Hash path = path_of(key);
  base::Hash hash = kEmptyHash;
  if (value) {
    hash = leaf_hash({path, base::sha256(*value)});
  } else if (proof.end == StateProof::End::kOtherLeaf) {
    // Another path that leads to the same place.
    if (proof.other.path == path || common_bits(proof.other.path, path) < depth) return false;
    hash = leaf_hash(proof.other);
  }
  for (std::size_t i = depth; i-- > 0;) {
    hash = path_bit(path, i) ? fork_hash(proof.siblings[i], hash) : fork_hash(hash, proof.siblings[i]);
  }
  return hash == root;
}

base::Result<StateProof> make_proof(const Tree& tree, const base::Hash& path, const PageReader& reader) {
  STARLING_ASSIGN(TreeWay way, follow_path(tree, path, reader));
  StateProof proof;
  proof.siblings = std::move(way.siblings);
  if (way.end.kind == Node::Kind::kLeaf) {
    proof.end = way.end.leaf.path == path ? StateProof::End::kEntry : StateProof::End::kOtherLeaf;
    if (proof.end == StateProof::End::kOtherLeaf) proof.other = way.end.leaf;
  }
  return proof;
}

}  // namespace starling::store
