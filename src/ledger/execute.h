#pragma once

#include <span>
#include <vector>

#include "base/json.h"
#include "base/thread_pool.h"
#include "ledger/context.h"
#include "ledger/transaction.h"
#include "store/state_view.h"

namespace starling::ledger {

// A transaction as it travels: what it says, and of which bytes.
struct ReadTransaction {
  Transaction transaction;
  base::Hash id;
  std::size_t bytes = 0;
  // Whether the signature is known to hold; execution checks those where it is not. Set by verify(), or by whoever
  // reads a block again that was executed before.
  bool verified = false;
};

// decode_transaction() and its name.
base::Result<ReadTransaction> read_transaction(base::ByteView bytes);
// Checks the signature, if that was not done: without any state, hence on any thread.
bool verify(ReadTransaction& transaction);
void verify_all(std::span<ReadTransaction> transactions, base::ThreadPool& pool);

struct Outcome {
  base::Hash id;
  std::optional<Fault> fault;  // none: all was done
  Motes fee = 0;               // paid
  std::vector<Event> events;   // none with a fault
};

struct BlockResult {
  std::vector<Outcome> outcomes;     // by transaction
  std::vector<Event> events;         // of deadlines, which come before the transactions
  std::vector<store::Write> writes;  // in the order of the keys, each key once
};

// The last block's header and the bounds say which block may follow: height one more, time not before it and below
// 2^53. Anything else, and a state that cannot be read, is an error, and the block did not happen. The same arguments
// give the same result, byte for byte, on every machine. In debug builds invariants are checked, and a broken one
// halts.
base::Result<BlockResult> execute_block(const store::StateView& state, const Header& header,
                                        std::span<const ReadTransaction> transactions);

// Whether a transaction could be in the next block, as its sender's transaction of this nonce: what an orderer asks
// before it takes one. Precondition: `nonce` is the account's, plus those waiting already.
base::Result<std::optional<Fault>> admit(const store::StateView& state, const ReadTransaction& transaction,
                                         std::uint64_t nonce);

// One hash over all outcomes, events included, for comparing machines.
base::Hash outcomes_root(const BlockResult& result);
base::Json outcome_json(const Outcome& outcome);

// At most so many deadlines fall due in a block; the rest do in the next, for which next_deadline() asks at once.
inline constexpr std::size_t kMaxDueInBlock = 1'000;

}  // namespace starling::ledger
