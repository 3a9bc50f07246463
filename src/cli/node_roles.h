#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace starling::cli {

// What a node is: each alone, or any of them together.
struct Roles {
  bool validator = false;  // orders a chain
  bool gateway = false;    // takes uploads; keeps a copy of another node's chain, unless it is the validator too
  bool provider = false;   // makes videos

  bool keeps_chain() const { return validator || gateway; }
  bool follows() const { return gateway && !validator; }
  std::vector<std::string> names() const;
};

// What is between the commas.
std::vector<std::string> split_list(const std::string& text);
// "validator,gateway": names with commas between them.
base::Result<Roles> read_roles(const std::string& text);

// Of the options that only some roles have a use for: which are given.
struct RoleOptions {
  bool ledger = false;
  bool genesis = false;
  bool orderer = false;
};
// kInvalidArgument, naming the option, when one is given that these roles have no use for.
base::Status check_role_options(const Roles& roles, const RoleOptions& given);

}  // namespace starling::cli
