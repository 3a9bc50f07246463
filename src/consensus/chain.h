#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "consensus/block.h"
#include "store/state_store.h"

// The chain of blocks as everything above it sees it, whoever agrees on the order.
namespace starling::consensus {

// What became of a transaction. Height 0: it is in no block, and outcome.fault says why (a fault below 200).
struct Submitted {
  Height height = 0;
  std::uint32_t index = 0;
  ledger::Outcome outcome;
};

// Of a call that orders transactions.
struct OrderOptions {
  std::string peer;            // tells those apart who send; empty: this process itself
  bool wait_for_nonce = true;  // false: what is ahead of its account's nonce is refused at once
};
using OrderResult = base::Result<std::vector<Submitted>>;
using Ordered = std::function<void(OrderResult)>;

// The state after one block, whatever is ordered later. Thread safe. Holds back the space of what is overwritten, so
// let it go soon; must not outlive its chain.
class ChainView : public store::StateView {
 public:
  virtual const SignedHeader& header() const = 0;
  // A proof against the header's state root.
  virtual base::Result<store::ProvenValue> prove(base::ByteView key) const = 0;
};

// Thread safe.
class Chain {
 public:
  virtual ~Chain() = default;

  // Orders transactions. done is told, once and from any thread, when each is in a block that lasts or was refused, in
  // the order given; it must not wait, and may be called before this returns. Nobody waits here but for signatures that
  // are checked. Calls at the same time share blocks. A transaction that is in a block already is not done again: its
  // place and outcome are given. One that is ahead of its account's nonce waits a moment for those before it, within
  // bounds (WaitingRoom).
  // An error is of the whole call: kLimit when too much waits already (nothing was taken), kCancelled when the chain
  // stopped, kIo when the disk is full or failed, or another node that is needed does not answer. Then
  // what was sent may or may not be in the chain: sending the same bytes again tells.
  virtual void order(std::vector<ledger::ReadTransaction> transactions, const OrderOptions& options, Ordered done) = 0;
  // The same, waiting for the outcome.
  OrderResult submit(std::vector<ledger::ReadTransaction> transactions, const OrderOptions& options = {});

  // The state after the last block. Cheap.
  virtual base::Result<std::shared_ptr<const ChainView>> view() const = 0;

  virtual Height height() const = 0;
  // Nothing when there is no such block here: not yet, or not any more.
  virtual base::Result<std::optional<SignedHeader>> header(Height height) const = 0;
  virtual base::Result<std::optional<Block>> block(Height height) const = 0;
  // By transaction_id().
  virtual base::Result<std::optional<Place>> find_transaction(const base::Hash& id) const = 0;

  // Waits until there is a block after this height, for at most so long, or until the chain stops; the height then.
  virtual Height wait(Height after, std::chrono::milliseconds timeout) const = 0;
  // Ends what waits, orders nothing more. Reading goes on.
  virtual void stop() = 0;
};

}  // namespace starling::consensus
