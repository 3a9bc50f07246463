#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/hash.h"
#include "base/signature.h"
#include "ledger/amount.h"
#include "ledger/fault.h"
#include "ledger/overlay.h"

namespace starling::ledger {

// What the orderer says of a block. The only time there is for the ledger.
struct Header {
  std::uint64_t height = 0;  // the genesis is 0
  std::uint64_t time = 0;    // milliseconds since 1970; never less than the block before
  base::Hash previous;       // hash of the block before; draws are made from it

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit(1, "height", self.height);
    visit(2, "time", self.time);
    visit(3, "previous", self.previous);
  }
};

// What happened, for histories and those who watch; not part of the state.
struct Event {
  struct Attribute {
    std::string name;
    std::string value;
  };
  std::string name;  // module and verb, such as "market.awarded"
  std::vector<Attribute> attributes;
};

// What a handler works with.
struct Context {
  Overlay& state;
  const Header& header;
  std::vector<Event>& events;
  base::Address sender;  // zeros when a deadline fell due

  void emit(std::string name, std::vector<Event::Attribute> attributes) {
    events.push_back({std::move(name), std::move(attributes)});
  }
};

}  // namespace starling::ledger
