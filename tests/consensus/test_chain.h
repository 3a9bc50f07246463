#pragma once

#include <set>
#include <vector>

#include "consensus/embedded.h"
#include "store/state_view.h"
#include "test_accounts.h"

namespace starling::consensus {

// Few threads, little memory, short waits.
EmbeddedOptions quick_options();

// Follows a chain block by block with a state of its own, made from the genesis, and holds everything that the chain
// says to it.
class Auditor {
 public:
  Auditor();
  // Executes the blocks that are new, and checks roots, places, the state and its invariants. Failures are those of the
  // running test.
  void audit(const Embedded& chain);
  Height height() const { return height_; }
  const std::set<base::Hash>& transactions() const { return transactions_; }

 private:
  void follow(const Embedded& chain, const Block& block);
  store::MemoryState state_;
  Height height_ = 0;
  base::Hash previous_;
  std::set<base::Hash> transactions_;
};

}  // namespace starling::consensus
