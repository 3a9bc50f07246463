// starling ledger query | block | tx | export | import: a chain, looked at from outside and moved in one file.
#include <filesystem>
#include <optional>

#include "base/file.h"
#include "base/interrupt.h"
#include "cli/commands.h"
#include "cli/network.h"
#include "cli/output.h"
#include "consensus/embedded.h"
#include "node/key_store.h"

namespace starling::cli {

namespace fs = std::filesystem;

namespace {

struct LedgerArguments {
  std::string network;
  std::string what;
  std::string home;
  std::string header;
  bool proof = false;
  bool header_only = false;
  bool json = false;
};

constexpr std::size_t kMaxHeaderBytes = std::size_t{1} << 20;

base::Result<int> show(const LedgerArguments& arguments, const std::string& path) {
  base::catch_interrupts();
  STARLING_ASSIGN(const auto network, open_network(arguments.network));
  STARLING_ASSIGN(const base::Json json, network->ledger.query(path));
  if (arguments.json) {
    print_json(json);
  } else {
    print(json.to_text(2));
  }
  return kFine;
}

// What may stand in a path; the gateway says what it knows.
base::Status check_path(const std::string& path) {
  for (const char c : path) {
    if (c <= ' ' || c > '~' || c == '#') {
      return base::invalid("\"" + path +
                           "\" is no query: give a path of docs/api.md after /v1/, such as providers or " + "tasks/7");
    }
  }
  return {};
}

base::Result<int> query(const LedgerArguments& arguments) {
  std::string path = arguments.what;
  if (path.starts_with("/")) path.erase(0, 1);
  if (path.starts_with("v1/")) path.erase(0, 3);
  STARLING_TRY(check_path(path));
  if (arguments.proof) path += path.find('?') == std::string::npos ? "?proof=1" : "&proof=1";
  return show(arguments, path);
}

base::Result<int> block(const LedgerArguments& arguments) {
  STARLING_TRY(check_path(arguments.what));
  return show(arguments, "blocks/" + arguments.what + (arguments.header_only ? "/header" : ""));
}

base::Result<int> export_state(const LedgerArguments& arguments) {
  const fs::path home = fs::absolute(arguments.home);
  std::error_code error;
  if (!fs::exists(home / "chain", error)) {
    return base::not_found("there is no chain in " + home.string() + ": name the folder of a validator, as its --home");
  }
  STARLING_ASSIGN(base::SecretKey key, node::default_key({home, std::nullopt}));
  STARLING_ASSIGN(const auto chain, consensus::Embedded::open(home / "chain", std::nullopt, std::move(key)));
  chain->stop();  // so that no block comes between the state and its header
  STARLING_TRY(chain->export_snapshot(arguments.what));
  STARLING_ASSIGN(const std::optional<consensus::SignedHeader> header, chain->header(chain->height()));
  if (!header.has_value()) return base::internal_error("the last block has no header");
  const base::Json json = consensus::header_json(*header);
  if (arguments.json) {
    print_json(json);
  } else {
    print(arguments.what + " has the state after block " + std::to_string(header->header.height) +
          "; its header, which whoever imports it must trust, is");
    print(json.to_text());
  }
  return kFine;
}

base::Result<int> import_state(const LedgerArguments& arguments) {
  std::optional<consensus::SignedHeader> header;
  if (!arguments.header.empty()) {
    STARLING_ASSIGN(const std::string text, base::read_text_file(arguments.header, kMaxHeaderBytes));
    STARLING_ASSIGN(const base::Json json, base::Json::parse(text, arguments.header));
    STARLING_ASSIGN(header, consensus::read_header_json(json));
  } else {
    note("note: without --header it is only checked that somebody signed the block of " + arguments.what);
  }
  const fs::path home = fs::absolute(arguments.home);
  STARLING_TRY(base::make_directories(home, base::FileMode::kPrivate));
  STARLING_TRY(consensus::Embedded::import_snapshot(arguments.what, home / "chain", header));
  if (arguments.json) {
    base::Json json = base::Json::empty_object();
    json.set("home", home.string());
    print_json(json);
  } else {
    print("the chain is in " + home.string() + "; go on with: starling node --home " + home.string());
  }
  return kFine;
}

}  // namespace

Action declare_ledger_query(Options& options) {
  auto a = std::make_shared<LedgerArguments>();
  options.text("PATH", a->what, "What to ask for: a path of docs/api.md after /v1/", Options::Presence::kRequired);
  options.flag("--proof", a->proof, "With a proof against the header of the last block");
  options.text("--network", a->network, kNetworkHelp);
  options.flag("--json", a->json, "On one line");
  return [a] { return query(*a); };
}

Action declare_ledger_block(Options& options) {
  auto a = std::make_shared<LedgerArguments>();
  options.text("HEIGHT", a->what, "Which block; \"latest\" for the last one", Options::Presence::kRequired);
  options.flag("--header", a->header_only, "The signed header alone, as starling verify --header takes it");
  options.text("--network", a->network, kNetworkHelp);
  options.flag("--json", a->json, "On one line");
  return [a] { return block(*a); };
}

Action declare_ledger_tx(Options& options) {
  auto a = std::make_shared<LedgerArguments>();
  options.text("ID", a->what, "Which transaction: its hash", Options::Presence::kRequired);
  options.text("--network", a->network, kNetworkHelp);
  options.flag("--json", a->json, "On one line");
  return [a]() -> base::Result<int> {
    STARLING_TRY(check_path(a->what));
    return show(*a, "transactions/" + a->what);
  };
}

Action declare_ledger_export(Options& options) {
  auto a = std::make_shared<LedgerArguments>();
  options.text("FILE", a->what, "Where the state goes", Options::Presence::kRequired);
  options.text("--home", a->home, "Folder of a validator that is not running", Options::Presence::kRequired);
  options.json(a->json);
  return [a] { return export_state(*a); };
}

Action declare_ledger_import(Options& options) {
  auto a = std::make_shared<LedgerArguments>();
  options.text("FILE", a->what, "A state that starling ledger export wrote", Options::Presence::kRequired);
  options.text("--home", a->home, "Folder of the validator that begins with it", Options::Presence::kRequired);
  options.text("--header", a->header, "The header of its block, from somebody you trust");
  options.json(a->json);
  return [a] { return import_state(*a); };
}

}  // namespace starling::cli
