// starling wallet balance | send | history: what an account has on a network, and what it did there.
#include "base/interrupt.h"
#include "cli/commands.h"
#include "cli/credits.h"
#include "cli/network.h"
#include "cli/output.h"

namespace starling::cli {
namespace {

struct Arguments {
  std::string network;
  std::string address;
  std::string credits;
  std::int64_t limit = 20;
  std::optional<std::int64_t> before;
  bool json = false;
};

base::Result<int> balance(const Arguments& arguments) {
  base::catch_interrupts();
  STARLING_ASSIGN(const base::Address address, address_or_own(arguments.address));
  STARLING_ASSIGN(const auto network, open_network(arguments.network));
  STARLING_ASSIGN(const ledger::bank::Account account, network->ledger.account(address));
  if (arguments.json) {
    base::Json json = base::Json::empty_object();
    json.set("address", address.text());
    json.set("motes", std::to_string(account.motes));
    json.set("nonce", std::to_string(account.nonce));
    print_json(json);
  } else {
    print(address.text() + "  " + show_credits(account.motes) + " credits");
  }
  return kFine;
}

base::Result<int> send(const Arguments& arguments) {
  base::catch_interrupts();
  STARLING_ASSIGN(const base::Address to, base::Address::from_text(arguments.address));
  STARLING_ASSIGN(const ledger::Motes motes, read_credits(arguments.credits));
  STARLING_ASSIGN(const auto network, open_network(arguments.network));
  STARLING_ASSIGN(const base::SecretKey key, open_account_key());
  node::Account account(network->ledger, key);
  STARLING_ASSIGN(const node::Receipted sent, account.carry_out(ledger::bank::Transfer{to, motes}));
  if (arguments.json) {
    base::Json json = base::Json::empty_object();
    json.set("id", sent.id.hex());
    json.set("from", account.address().text());
    json.set("to", to.text());
    json.set("motes", std::to_string(motes));
    json.set("fee", std::to_string(sent.fee));
    json.set("height", std::to_string(sent.height));
    print_json(json);
  } else {
    print("sent " + show_credits(motes) + " credits to " + to.text() + " in block " + std::to_string(sent.height) +
          ", for a fee of " + show_credits(sent.fee));
  }
  return kFine;
}

}  // namespace

Action declare_wallet_balance(Options& options) {
  auto a = std::make_shared<Arguments>();
  options.text("ADDRESS", a->address, "Whose; the default key's if not given");
  options.text("--network", a->network, kNetworkHelp);
  options.flag("--json", a->json, kJsonHelp);
  return [a] { return balance(*a); };
}

Action declare_wallet_send(Options& options) {
  auto a = std::make_shared<Arguments>();
  options.text("ADDRESS", a->address, "Who gets them", Options::Presence::kRequired);
  options.text("CREDITS", a->credits, "How many, such as 12 or 0.25", Options::Presence::kRequired);
  options.text("--network", a->network, kNetworkHelp);
  options.flag("--json", a->json, kJsonHelp);
  return [a] { return send(*a); };
}

}  // namespace starling::cli
