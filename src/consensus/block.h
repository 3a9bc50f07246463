#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "consensus/header.h"
#include "ledger/execute.h"

namespace starling::consensus {

// A transaction's place in the history.
struct Place {
  Height height = 0;
  std::uint32_t index = 0;

  bool operator==(const Place&) const = default;
};

// An executed block. No outcome in it has a fault below 200: what was not admitted is in no block.
struct Block {
  SignedHeader header;
  std::vector<base::Bytes> transactions;  // their bytes
  std::vector<ledger::Outcome> outcomes;  // by transaction
  std::vector<ledger::Event> due;         // events of deadlines, which come before the transactions
};

// Merkle root (base/merkle.h) whose leaves are the transactions' ids.
base::Hash transactions_root(std::span<const base::Hash> ids);

// The canonical encoding (docs/consensus.md), and the block that exactly these bytes are of. Says nothing of whether
// the roots are right.
base::Bytes encode_block(const Block& block);
base::Result<Block> decode_block(base::ByteView bytes);

// Bytes that a block may have.
inline constexpr std::size_t kMaxBlockBytes = std::size_t{1} << 30;

}  // namespace starling::consensus
