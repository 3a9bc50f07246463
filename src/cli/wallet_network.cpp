// starling wallet balance | send | history: what an account has on a network, and what it did there.
#include "base/interrupt.h"
#include "cli/commands.h"
#include "cli/credits.h"
#include "cli/events.h"
#include "cli/network.h"
#include "cli/output.h"

namespace starling::cli {
namespace {

struct WalletNetworkArguments {
  std::string network;
  std::string address;
  std::string credits;
  std::int64_t limit = 20;
  std::optional<std::int64_t> before;
  bool json = false;
};

base::Result<int> balance(const WalletNetworkArguments& arguments) {
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

// What would be refused for sure costs no fee; the ledger has the last word on the rest.
base::Status check_means(const node::LedgerClient& ledger, const node::Account& account,
                         const ledger::bank::Transfer& transfer) {
  STARLING_ASSIGN(const ledger::bank::Account state, ledger.account(account.address()));
  STARLING_ASSIGN(const ledger::Motes fee, account.fee_of(transfer, state.nonce));
  if (fee <= state.motes && transfer.motes <= state.motes - fee) return {};
  return base::invalid(account.address().text() + " has " + show_credits(state.motes) +
                       " credits: not enough to send " + show_credits(transfer.motes) + " for a fee of " +
                       show_credits(fee));
}

base::Result<int> send(const WalletNetworkArguments& arguments) {
  base::catch_interrupts();
  STARLING_ASSIGN(const base::Address to, base::Address::from_text(arguments.address));
  STARLING_ASSIGN(const ledger::Motes motes, read_credits(arguments.credits));
  if (motes == 0) return base::invalid("0 credits are nothing to send: give how many, such as 12 or 0.25");
  STARLING_ASSIGN(const auto network, open_network(arguments.network));
  STARLING_ASSIGN(const base::SecretKey key, open_account_key());
  STARLING_ASSIGN(const std::filesystem::path lock, sending_lock(key.address()));
  node::Account account(network->ledger, key, kSendingPatience, lock);
  const ledger::bank::Transfer transfer{to, motes};
  STARLING_TRY(check_means(network->ledger, account, transfer));
  STARLING_ASSIGN(const node::Receipted sent, account.carry_out(transfer));
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

base::Result<int> history(const WalletNetworkArguments& arguments) {
  base::catch_interrupts();
  STARLING_ASSIGN(const base::Address address, address_or_own(arguments.address));
  STARLING_ASSIGN(const auto network, open_network(arguments.network));
  std::string before = arguments.before ? std::to_string(*arguments.before) : std::string();
  base::Json entries = base::Json::empty_array();
  const auto limit = static_cast<std::size_t>(arguments.limit);
  // The gateway looks through a bounded number of blocks at a time.
  bool more = true;
  while (more && entries.elements().size() < limit) {
    STARLING_TRY(base::check_interrupt());
    STARLING_ASSIGN(const base::Json page, network->ledger.query("events?account=" + address.text() + "&limit=" +
                                                                 std::to_string(limit - entries.elements().size()) +
                                                                 (before.empty() ? "" : "&before=" + before)));
    STARLING_ASSIGN(const base::Json* const found, page.array("entries"));
    for (const base::Json& entry : found->elements()) {
      if (!arguments.json) print(event_lines(entry));
      entries.push(entry);
    }
    more = page.has("before");
    if (more) {
      STARLING_ASSIGN(before, page.text("before"));
    }
  }
  if (arguments.json) {
    base::Json json = base::Json::empty_object();
    json.set("address", address.text());
    json.set("entries", std::move(entries));
    json.set("before", more ? base::Json(before) : base::Json());
    print_json(json);
  } else if (more) {
    print("older ones: starling wallet history " + address.text() + " --before " + before);
  }
  return kFine;
}

}  // namespace

Action declare_wallet_history(Options& options) {
  auto a = std::make_shared<WalletNetworkArguments>();
  options.text("ADDRESS", a->address, "Whose; the default key's if not given");
  options.integer("--limit", a->limit, 1, 10'000, "Entries, the latest first (20)");
  options.integer("--before", a->before, 1, std::int64_t{1} << 53, "Only what is in blocks before this height");
  options.text("--network", a->network, kNetworkHelp);
  options.json(a->json);
  return [a] { return history(*a); };
}

Action declare_wallet_balance(Options& options) {
  auto a = std::make_shared<WalletNetworkArguments>();
  options.text("ADDRESS", a->address, "Whose; the default key's if not given");
  options.text("--network", a->network, kNetworkHelp);
  options.json(a->json);
  return [a] { return balance(*a); };
}

Action declare_wallet_send(Options& options) {
  auto a = std::make_shared<WalletNetworkArguments>();
  options.text("ADDRESS", a->address, "Who gets them", Options::Presence::kRequired);
  options.text("CREDITS", a->credits, "How many, such as 12 or 0.25", Options::Presence::kRequired);
  options.text("--network", a->network, kNetworkHelp);
  options.json(a->json);
  return [a] { return send(*a); };
}

}  // namespace starling::cli
