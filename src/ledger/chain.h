#pragma once

#include "base/json.h"
#include "ledger/context.h"
#include "ledger/record.h"

namespace starling::ledger {

// Set once, by the genesis.
struct ChainParameters {
  std::uint64_t chain_id = 0;
  base::Address fee_account;
  Motes fee_per_byte = 0;
  Motes fee_per_work = 0;  // for a unit of message_work()
  std::uint64_t max_block_bytes = 0;
  std::uint64_t max_block_work = 0;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit(1, "chain_id", self.chain_id);
    visit(2, "fee_account", self.fee_account);
    visit(3, "fee_per_byte", self.fee_per_byte);
    visit(4, "fee_per_work", self.fee_per_work);
    visit(5, "max_block_bytes", self.max_block_bytes);
    visit(6, "max_block_work", self.max_block_work);
  }
};

// Both are errors on a state that had no genesis.
base::Result<ChainParameters> chain_parameters(const store::StateView& state);
// The header of the last block.
base::Result<Header> last_header(const store::StateView& state);

void save_last_header(Overlay& state, const Header& header);

// {"chain": {...}, "bank": {...}, "models": [...], "market": {...}}: the state before the first block, as writes to an
// empty one. chain has every member of ChainParameters, and "time", the genesis block's, in milliseconds since 1970.
base::Result<std::vector<store::Write>> read_genesis(const base::Json& genesis);

// The least fee of a transaction; nothing when that is more than there can be.
std::optional<Motes> least_fee(const ChainParameters& chain, std::size_t bytes, std::uint64_t work);

}  // namespace starling::ledger
