#pragma once

#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "store/tree.h"
#include "store/tree_nodes.h"

namespace starling::store {

// Shows, against a root, that a state has an entry, or has none with a key: the siblings of every fork on the key's
// path, and what lies at its end.
struct StateProof {
  enum class End : std::uint8_t {
    kEntry = 0,      // the key's own leaf
    kEmpty = 1,      // nothing
    kOtherLeaf = 2,  // the leaf of another entry, alone in the subtree where the key would be
  };
  std::vector<base::Hash> siblings;  // from the root down, at most kPathBits
  End end = End::kEmpty;
  Leaf other;  // with kOtherLeaf

  bool operator==(const StateProof&) const = default;
};

// The canonical encoding (docs/store.md), of at most kMaxProofBytes.
constexpr std::size_t kMaxProofBytes = 1 + 2 + kPathBits / 8 + kPathBits * 32 + 64;
base::Bytes encode_proof(const StateProof& proof);
base::Result<StateProof> decode_proof(base::ByteView bytes);

// Whether the proof shows that the state of this root has the entry (key, value), or, without a value, none with the
// key. Needs no store and trusts nothing in the proof.
bool verify_proof(const base::Hash& root, base::ByteView key, std::optional<base::ByteView> value,
                  const StateProof& proof);

base::Result<StateProof> make_proof(const Tree& tree, const base::Hash& path, const PageReader& reader);

}  // namespace starling::store
