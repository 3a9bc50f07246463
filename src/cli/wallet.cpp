// starling wallet new | list | import | export
#include <filesystem>
#include <iostream>

#include "base/file.h"
#include "base/random.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "node/key_store.h"

namespace starling::cli {
namespace {

using node::KeyCost;
using node::KeyHome;
using node::KeyStore;
using node::StoredKey;

struct WalletArguments {
  std::string source;
  std::string address;
  bool make_default = false;
  bool json = false;
};

struct OpenWallet {
  KeyHome home;
  KeyStore store;
  std::string password;
  KeyCost cost;
};

base::Result<OpenWallet> open_wallet(bool make_password) {
  STARLING_ASSIGN(KeyHome home, KeyHome::from_environment());
  if (make_password) STARLING_TRY(home.make());
  STARLING_ASSIGN(std::string password, node::home_password(home, make_password));
  KeyStore store(home.keystore());
  // A made password is random and needs no slow function; one that a person chose does.
  const KeyCost cost = home.password ? KeyCost::kStandard : KeyCost::kAutomatic;
  return OpenWallet{std::move(home), std::move(store), std::move(password), cost};
}

base::Result<int> added(const OpenWallet& wallet, const StoredKey& key, const WalletArguments& arguments) {
  STARLING_ASSIGN(const auto present, node::default_address(wallet.home));
  const bool becomes_default = arguments.make_default || !present;
  if (becomes_default) STARLING_TRY(node::set_default_address(wallet.home, key.address));
  if (arguments.json) {
    base::Json json = base::Json::empty_object();
    json.set("address", key.address.text());
    json.set("file", key.file.string());
    json.set("default", becomes_default);
    print_json(json);
  } else {
    print(key.address.text() + "  " + key.file.string());
    if (becomes_default) print("It signs receipts from now on.");
    if (!wallet.home.password) {
      print("Its password is in " + wallet.home.password_file().string() +
            "; to choose one that is not kept, set STARLING_PASSWORD.");
    }
  }
  return kFine;
}

base::Result<int> make(const WalletArguments& arguments) {
  STARLING_ASSIGN(const OpenWallet wallet, open_wallet(true));
  STARLING_ASSIGN(const StoredKey key, wallet.store.create(wallet.password, wallet.cost));
  return added(wallet, key, arguments);
}

base::Result<std::string> read_secret(const std::string& source) {
  std::string secret;
  if (source == "-") {
    std::getline(std::cin, secret);
  } else {
    constexpr std::size_t kMaxSecretFile = 4096;
    STARLING_ASSIGN(secret, base::read_text_file(source, kMaxSecretFile));
  }
  const std::size_t end = secret.find_last_not_of(" \t\r\n");
  secret.resize(end == std::string::npos ? 0 : end + 1);
  return secret;
}

base::Result<int> import(const WalletArguments& arguments) {
  STARLING_ASSIGN(std::string secret, read_secret(arguments.source));
  STARLING_ASSIGN(const OpenWallet wallet, open_wallet(true));
  const base::Result<StoredKey> key = wallet.store.import_hex(secret, wallet.password, wallet.cost);
  base::wipe({reinterpret_cast<std::uint8_t*>(secret.data()), secret.size()});
  if (!key.ok()) return key.error();
  return added(wallet, *key, arguments);
}

base::Result<int> list(const WalletArguments& arguments) {
  STARLING_ASSIGN(const KeyHome home, KeyHome::from_environment());
  STARLING_ASSIGN(const node::KeyList keys, KeyStore(home.keystore()).list());
  STARLING_ASSIGN(const auto chosen, node::default_address(home));
  base::Json unreadable = base::Json::empty_array();
  for (const base::Error& error : keys.unreadable) {
    note("note: " + error.message);
    unreadable.push(error.message);
  }
  base::Json entries = base::Json::empty_array();
  for (const StoredKey& key : keys.keys) {
    const bool is_default = chosen && *chosen == key.address;
    if (arguments.json) {
      base::Json entry = base::Json::empty_object();
      entry.set("address", key.address.text());
      entry.set("file", key.file.string());
      entry.set("default", is_default);
      entries.push(std::move(entry));
    } else {
      print(key.address.text() + (is_default ? "  (signs receipts)" : ""));
    }
  }
  if (arguments.json) {
    base::Json json = base::Json::empty_object();
    json.set("keys", std::move(entries));
    json.set("unreadable", std::move(unreadable));
    print_json(json);
  } else if (keys.keys.empty()) {
    print("no keys in " + home.keystore().string() + "; the first video makes one, and so does starling wallet new");
  }
  return kFine;
}

base::Result<int> export_key(const WalletArguments& arguments) {
  STARLING_ASSIGN(const base::Address address, base::Address::from_text(arguments.address));
  STARLING_ASSIGN(const OpenWallet wallet, open_wallet(false));
  STARLING_ASSIGN(const std::string secret, wallet.store.export_hex(address, wallet.password));
  note("note: whoever sees these digits owns the account");
  if (arguments.json) {
    base::Json json = base::Json::empty_object();
    json.set("address", address.text());
    json.set("secret", secret);
    print_json(json);
  } else {
    print(secret);
  }
  return kFine;
}

}  // namespace

Action declare_wallet_new(Options& options) {
  auto a = std::make_shared<WalletArguments>();
  options.flag("--default", a->make_default, "Sign receipts with it from now on");
  options.json(a->json);
  return [a] { return make(*a); };
}

Action declare_wallet_list(Options& options) {
  auto a = std::make_shared<WalletArguments>();
  options.json(a->json);
  return [a] { return list(*a); };
}

Action declare_wallet_import(Options& options) {
  auto a = std::make_shared<WalletArguments>();
  options.text("SECRET", a->source, "File with the key's 64 hexadecimal digits, or - for standard input",
               Options::Presence::kRequired);
  options.flag("--default", a->make_default, "Sign receipts with it from now on");
  options.json(a->json);
  return [a] { return import(*a); };
}

Action declare_wallet_export(Options& options) {
  auto a = std::make_shared<WalletArguments>();
  options.text("ADDRESS", a->address, "Which key, as wallet list shows it", Options::Presence::kRequired);
  options.json(a->json);
  return [a] { return export_key(*a); };
}

}  // namespace starling::cli
