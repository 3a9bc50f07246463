#pragma once

#include <string>
#include <vector>

#include "base/hash.h"
#include "base/signature.h"
#include "ledger/amount.h"

namespace starling::ledger::models {

inline constexpr std::size_t kMaxNameBytes = 64;
inline constexpr std::size_t kMaxLocations = 8;
inline constexpr std::size_t kMaxLocationBytes = 256;
inline constexpr std::uint32_t kMaxRoyalty = 5'000;  // basis points

// Makes the sender the owner of a model that nobody has registered.
struct RegisterModel {
  base::Hash model;  // its root
  std::string name;
  std::uint32_t royalty = 0;           // of what a task pays, in basis points
  std::vector<std::string> locations;  // addresses where its blobs are served

  static constexpr std::uint32_t kNumber = 24;
  static constexpr const char* kName = "RegisterModel";
  std::uint64_t work() const { return 4 + locations.size(); }
  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit(1, "model", self.model);
    visit(2, "name", self.name, kMaxNameBytes);
    visit(3, "royalty", self.royalty);
    visit(4, "locations", self.locations, kMaxLocations, kMaxLocationBytes);
  }
};

// Replaces what the sender, its owner, said of a model. Tasks that were submitted keep the royalty of their time.
struct UpdateModel {
  base::Hash model;
  base::Address owner;  // from now on
  std::string name;
  std::uint32_t royalty = 0;
  std::vector<std::string> locations;

  static constexpr std::uint32_t kNumber = 25;
  static constexpr const char* kName = "UpdateModel";
  std::uint64_t work() const { return 4 + locations.size(); }
  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit(1, "model", self.model);
    visit(2, "owner", self.owner);
    visit(3, "name", self.name, kMaxNameBytes);
    visit(4, "royalty", self.royalty);
    visit(5, "locations", self.locations, kMaxLocations, kMaxLocationBytes);
  }
};

}  // namespace starling::ledger::models
