#pragma once

#include <cstdint>
#include <optional>

#include "base/hash.h"
#include "base/json.h"
#include "base/result.h"
#include "base/signature.h"
#include "store/state_proof.h"

namespace starling::consensus {

using Height = std::uint64_t;

// What a block comes down to, once it is executed. Whoever trusts a header can check everything else against it.
struct BlockHeader {
  std::uint64_t chain_id = 0;
  Height height = 0;             // the genesis is 0
  std::uint64_t time = 0;        // milliseconds since 1970; never less than the block before
  base::Hash previous;           // header_hash() of the block before; zeros in the genesis
  base::Hash transactions_root;  // Merkle root (base/merkle.h) over the transactions' ids
  base::Hash outcomes_root;      // ledger::outcomes_root()
  base::Hash state_root;         // of the state after the block

  bool operator==(const BlockHeader&) const = default;
  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit(1, "chain_id", self.chain_id);
    visit(2, "height", self.height);
    visit(3, "time", self.time);
    visit(4, "previous", self.previous);
    visit(5, "transactions_root", self.transactions_root);
    visit(6, "outcomes_root", self.outcomes_root);
    visit(7, "state_root", self.state_root);
  }
};

// SHA-256 of text "starling header" and the fields in the canonical encoding (base/encoding.h): a block's name.
base::Hash header_hash(const BlockHeader& header);

// A header with the word of the account that ordered the block: Ethereum's personal_sign (EIP-191) over the 32 bytes of
// its hash.
struct SignedHeader {
  BlockHeader header;
  base::Signature signature;

  bool operator==(const SignedHeader&) const = default;
};

SignedHeader sign_header(const BlockHeader& header, const base::SecretKey& orderer);
// The account that signed it, or an error when the signature is none.
base::Result<base::Address> orderer_of(const SignedHeader& header);

// {"header": {...}, "signature": "0x..."}; 64-bit integers are decimal texts, hashes 0x and 64 digits.
base::Json header_json(const SignedHeader& header);
// Only what header_json() writes: no member more or less. Says nothing of the signature.
base::Result<SignedHeader> read_header_json(const base::Json& json);

// The canonical encoding: the fields, then the 65 bytes of the signature.
base::Bytes encode_header(const SignedHeader& header);
base::Result<SignedHeader> decode_header(base::ByteView bytes);

// Shows, with a header alone, that the state after its block had the entry (key, value), or no entry with the key. An
// error says what does not hold: the signature (that of `orderer`, if one is named, else of anybody), or the proof.
base::Status verify_state_proof(const SignedHeader& header, const std::optional<base::Address>& orderer,
                                base::ByteView key, const std::optional<base::ByteView>& value,
                                const store::StateProof& proof);

}  // namespace starling::consensus
