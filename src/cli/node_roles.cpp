#include "cli/node_roles.h"

#include <sstream>

namespace starling::cli {

std::vector<std::string> Roles::names() const {
  std::vector<std::string> names;
  if (validator) names.emplace_back("validator");
  if (gateway) names.emplace_back("gateway");
  if (provider) names.emplace_back("provider");
  return names;
}

std::vector<std::string> split_list(const std::string& text) {
  std::vector<std::string> words;
  std::istringstream stream(text);
  for (std::string word; std::getline(stream, word, ',');) {
    if (!word.empty()) words.push_back(word);
  }
  return words;
}

base::Result<Roles> read_roles(const std::string& text) {
  Roles roles;
  for (const std::string& word : split_list(text)) {
    if (word == "validator") {
      roles.validator = true;
    } else if (word == "gateway") {
      roles.gateway = true;
    } else if (word == "provider") {
      roles.provider = true;
    } else {
      return base::invalid("\"" + word + "\" is no role: a node is a validator, a gateway, a provider, or several of " +
                           "them, as in --role validator,gateway");
    }
  }
  if (roles.names().empty()) {
    return base::invalid("a node needs a role: give --role validator, gateway, provider, or several of them");
  }
  return roles;
}

base::Status check_role_options(const Roles& roles, const RoleOptions& given) {
  if (roles.validator && given.ledger) {
    return base::invalid(
        "a validator orders its own chain, and --ledger names another node's: leave --ledger out, or the role "
        "validator");
  }
  if (!roles.keeps_chain() && given.genesis) {
    return base::invalid("--genesis is for a validator or a gateway, which keep the chain: leave it out");
  }
  if (!roles.follows() && given.orderer) {
    return base::invalid("--orderer is for a gateway that follows another node's chain: leave it out");
  }
  return {};
}

}  // namespace starling::cli
