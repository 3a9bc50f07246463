#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/signature.h"
#include "node/key_file.h"

namespace starling::node {

struct StoredKey {
  base::Address address;
  std::filesystem::path file;
};

struct KeyList {
  std::vector<StoredKey> keys;          // by file name, which begins with the time of its making
  std::vector<base::Error> unreadable;  // files that look like keys but cannot be read
};

using WallClock = std::function<std::chrono::system_clock::time_point()>;

// A directory of key files, laid out as geth's: UTC--TIME--ADDRESS, readable by their owner only. Files that other
// wallets put there are found too. The directory is made when the first key is.
class KeyStore {
 public:
  explicit KeyStore(std::filesystem::path directory, WallClock clock = std::chrono::system_clock::now);

  base::Result<StoredKey> create(std::string_view password, KeyCost cost = KeyCost::kStandard) const;
  // Stores a key that exists already, from 64 hexadecimal digits. An error if the store has it.
  base::Result<StoredKey> import_hex(std::string_view secret, std::string_view password,
                                     KeyCost cost = KeyCost::kStandard) const;
  base::Result<StoredKey> add(const base::SecretKey& key, std::string_view password, KeyCost cost) const;
  base::Result<KeyList> list() const;
  base::Result<StoredKey> find(const base::Address& address) const;
  base::Result<base::SecretKey> unlock(const base::Address& address, std::string_view password) const;
  // The secret itself as 64 hexadecimal digits: whoever sees it owns the account.
  base::Result<std::string> export_hex(const base::Address& address, std::string_view password) const;

 private:
  std::filesystem::path directory_;
  WallClock clock_;
};

// Where a person's keys are, and how they are opened without asking.
struct KeyHome {
  std::filesystem::path directory;      // of everything that Starling keeps for a person
  std::optional<std::string> password;  // nothing: the one in password_file(), which is made when missing

  // From STARLING_HOME, else HOME/.starling; and STARLING_PASSWORD.
  static base::Result<KeyHome> from_environment();

  // Makes the directory if it is missing, for its owner alone.
  base::Status make() const;
  std::filesystem::path keystore() const { return directory / "keystore"; }
  std::filesystem::path password_file() const { return directory / "password"; }
  std::filesystem::path default_file() const { return directory / "default-address"; }
};

// The key that signs what this person's programs make. The first call makes one (cost kAutomatic with a made password,
// kLight with a given one), and a password file when no password is given; processes that race get the same key.
base::Result<base::SecretKey> default_key(const KeyHome& home);
// Its address, without making or opening it; nothing before the first use.
base::Result<std::optional<base::Address>> default_address(const KeyHome& home);
// Makes a key of the store the default one.
base::Status set_default_address(const KeyHome& home, const base::Address& address);
// The password the home gives; an error if it gives none. make: write a random one if there is none.
base::Result<std::string> home_password(const KeyHome& home, bool make);

}  // namespace starling::node
