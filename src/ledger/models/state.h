#pragma once

#include "ledger/models/messages.h"
#include "ledger/record.h"

namespace starling::ledger::models {

struct Model {
  base::Address owner;
  std::string name;
  std::uint32_t royalty = 0;  // basis points
  std::vector<std::string> locations;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit(1, "owner", self.owner);
    visit(2, "name", self.name, kMaxNameBytes);
    visit(3, "royalty", self.royalty);
    visit(4, "locations", self.locations, kMaxLocations, kMaxLocationBytes);
  }
};

inline constexpr char kModule = 'm';
inline constexpr char kModels = 'm';
Key model_key(const base::Hash& root);

}  // namespace starling::ledger::models
