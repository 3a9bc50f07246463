#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/signature.h"
#include "node/account.h"
#include "node/http_client.h"
#include "node/ledger_client.h"

namespace starling::cli {

// What several commands need before they can speak with a network.

// The gateway to use: `given`, the value of `option`, if it is not empty, else STARLING_NETWORK; an error that says how
// to name one.
base::Result<std::string> find_network(const std::string& given, const std::string& option = "--network");

// A gateway that was found. Requests end when the command is interrupted.
struct Network {
  explicit Network(const std::string& url);
  node::HttpClient http;
  node::LedgerClient ledger;
};
base::Result<std::unique_ptr<Network>> open_network(const std::string& given);

// The key that pays and signs: the default one of this person's wallet, made on first use.
base::Result<base::SecretKey> open_account_key();
// Whether it was made already, as far as can be seen without opening it.
bool has_account_key();
// The file that this person's programs lock while they send for an address; its folder is there once there is a key.
base::Result<std::filesystem::path> sending_lock(const base::Address& address);
// Where the inputs of this person's orders are kept.
base::Result<std::filesystem::path> orders_folder();
// How long a command waits for a gateway that does not answer.
inline constexpr std::chrono::seconds kSendingPatience{30};
// The address that was given, or that of the default key.
base::Result<base::Address> address_or_own(const std::string& given);

inline constexpr const char* kNetworkHelp = "URL of a gateway; without it, that of STARLING_NETWORK";

}  // namespace starling::cli
