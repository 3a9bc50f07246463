#pragma once

#include "base/signature.h"
#include "ledger/amount.h"

namespace starling::ledger::bank {

// Moves motes from the sender to another account, which need not exist yet.
struct Transfer {
  base::Address to;
  Motes motes = 0;

  static constexpr std::uint32_t kNumber = 16;
  static constexpr const char* kName = "Transfer";
  std::uint64_t work() const { return 1; }
  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit(1, "to", self.to);
    visit(2, "motes", self.motes);
  }
};

}  // namespace starling::ledger::bank
