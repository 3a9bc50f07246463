#include "cli/network.h"

#include <cstdlib>
#include <system_error>

#include "base/interrupt.h"
#include "node/key_store.h"

namespace starling::cli {

base::Result<std::string> find_network(const std::string& given, const std::string& option) {
  std::string url = given;
  if (url.empty()) {
    const char* const named = std::getenv("STARLING_NETWORK");
    url = named == nullptr ? "" : named;
  }
  if (url.empty()) {
    return base::invalid("no network is named: give " + option +
                         " URL or set STARLING_NETWORK; starling devnet starts one on this machine");
  }
  while (url.ends_with('/')) url.pop_back();
  STARLING_TRY(node::check_base_url(url));
  return url;
}

Network::Network(const std::string& url) : ledger(http, url, base::interrupted) {}

base::Result<std::unique_ptr<Network>> open_network(const std::string& given) {
  STARLING_ASSIGN(const std::string url, find_network(given));
  return std::make_unique<Network>(url);
}

base::Result<base::SecretKey> open_account_key() {
  STARLING_ASSIGN(const node::KeyHome home, node::KeyHome::from_environment());
  return node::default_key(home);
}

bool has_account_key() {
  const auto home = node::KeyHome::from_environment();
  std::error_code error;
  return home.ok() && std::filesystem::exists(home->default_file(), error);
}

base::Result<std::filesystem::path> sending_lock(const base::Address& address) {
  STARLING_ASSIGN(const node::KeyHome home, node::KeyHome::from_environment());
  return home.directory / ("sending-" + address.text() + ".lock");
}

base::Result<std::filesystem::path> orders_folder() {
  STARLING_ASSIGN(const node::KeyHome home, node::KeyHome::from_environment());
  return home.directory / "orders";
}

base::Result<base::Address> address_or_own(const std::string& given) {
  if (!given.empty()) return base::Address::from_text(given);
  STARLING_ASSIGN(const node::KeyHome home, node::KeyHome::from_environment());
  STARLING_ASSIGN(const std::optional<base::Address> own, node::default_address(home));
  if (!own.has_value()) {
    return base::not_found("there is no key yet: starling wallet new makes one, or name an address");
  }
  return *own;
}

}  // namespace starling::cli
