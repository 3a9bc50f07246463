#include "node/key_store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <ctime>
#include <utility>

#include "base/bytes.h"
#include "base/file.h"
#include "base/random.h"

namespace starling::node {
namespace {

using base::Address;
using base::Result;
using base::SecretKey;
using base::Status;

constexpr std::size_t kMaxFiles = 10'000;

std::span<std::uint8_t> bytes_of(std::string& text) {
  return {reinterpret_cast<std::uint8_t*>(text.data()), text.size()};
}

// geth's name: UTC--2026-11-22T03-36-00.000000000Z--ADDRESS.
std::string file_name(std::chrono::system_clock::time_point now, const Address& address) {
  const std::int64_t total = std::chrono::duration_cast<std::chrono::nanoseconds>(now.time_since_epoch()).count();
  const auto seconds = static_cast<std::time_t>(total / 1'000'000'000);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  const std::size_t size = std::strftime(text.data(), text.size(), "UTC--%Y-%m-%dT%H-%M-%S.", &parts);
  const std::string fraction = std::to_string(1'000'000'000 + total % 1'000'000'000).substr(1);
  return std::string(text.data(), size) + fraction + "Z--" + base::to_hex(address.bytes);
}

bool looks_like_key(const std::filesystem::path& file) {
  const std::string name = file.filename().string();
  return name.starts_with("UTC--") || (name.ends_with(".json") && !name.starts_with("."));
}

base::Error in_file(const std::filesystem::path& file, const base::Error& error) {
  return {error.code, file.string() + ": " + error.message};
}

Result<StoredKey> read_entry(const std::filesystem::path& file) {
  STARLING_ASSIGN(const std::string text, base::read_text_file(file, kMaxKeyFileBytes));
  const Result<std::optional<Address>> claimed = claimed_address(text);
  if (!claimed.ok()) return in_file(file, claimed.error());
  if (claimed->has_value()) return StoredKey{**claimed, file};
  // Without an address inside, the name has one, or nobody can say whose key it is before it is opened.
  const std::string name = file.stem().string();
  const std::size_t digits = 40;
  const Result<Address> named = Address::from_text(name.size() > digits ? name.substr(name.size() - digits) : name);
  if (!named.ok())
    return base::corrupt(
        file.string() +
        ": neither the key file nor its name has an address: end the name in the key's 40 hexadecimal digits");
  return StoredKey{*named, file};
}

// Holds others of this program off a directory.
class DirectoryLock {
 public:
  static Result<DirectoryLock> take(const std::filesystem::path& directory) {
    const int descriptor = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return base::system_error("open", directory, errno);
    DirectoryLock lock(descriptor);
    while (::flock(descriptor, LOCK_EX) != 0) {
      if (errno != EINTR) return base::system_error("lock", directory, errno);
    }
    return lock;
  }
  DirectoryLock(DirectoryLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  DirectoryLock& operator=(DirectoryLock&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  DirectoryLock(const DirectoryLock&) = delete;
  DirectoryLock& operator=(const DirectoryLock&) = delete;
  ~DirectoryLock() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

 private:
  explicit DirectoryLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

}  // namespace

KeyStore::KeyStore(std::filesystem::path directory, WallClock clock)
    : directory_(std::move(directory)), clock_(std::move(clock)) {}

Result<StoredKey> KeyStore::add(const SecretKey& key, std::string_view password, KeyCost cost) const {
  const Address address = key.address();
  STARLING_TRY(base::make_directories(directory_, base::FileMode::kPrivate));
  const Result<StoredKey> existing = find(address);
  if (existing.ok()) {
    return base::invalid("the key " + address.text() + " is in the key store already: use it, or first remove " +
                         existing->file.string());
  }
  if (existing.error().code != base::ErrorCode::kNotFound) return existing.error();
  STARLING_ASSIGN(const std::string text, encrypt_key(key, password, cost));
  std::filesystem::path file = directory_ / file_name(clock_(), address);
  STARLING_TRY(base::write_new_file(file, base::as_bytes(text), base::FileMode::kPrivate));
  return StoredKey{address, std::move(file)};
}

Result<StoredKey> KeyStore::create(std::string_view password, KeyCost cost) const {
  return add(SecretKey::generate(), password, cost);
}

Result<StoredKey> KeyStore::import_hex(std::string_view secret, std::string_view password, KeyCost cost) const {
  Result<base::Bytes> bytes = base::from_hex(secret);
  if (!bytes.ok() || bytes->size() != 32) {
    return base::invalid("what was given is not a secret key: give all of its 64 hexadecimal digits and nothing else");
  }
  const Result<SecretKey> key = SecretKey::from_bytes(*bytes);
  base::wipe(*bytes);
  if (!key.ok()) return base::invalid(key.error().message + ": copy the digits again");
  return add(*key, password, cost);
}

Result<KeyList> KeyStore::list() const {
  KeyList list;
  std::error_code error;
  if (!std::filesystem::exists(directory_, error)) {
    if (error) return base::system_error("list", directory_, error.value());
    return list;
  }
  std::vector<std::filesystem::path> files;
  std::filesystem::directory_iterator entries(directory_, error);
  for (; !error && entries != std::filesystem::directory_iterator(); entries.increment(error)) {
    if (looks_like_key(entries->path())) files.push_back(entries->path());
    if (files.size() > kMaxFiles)
      return base::limit_error(directory_.string() + " has more than " + std::to_string(kMaxFiles) +
                               " key files: move some elsewhere");
  }
  if (error) return base::system_error("list", directory_, error.value());
  std::sort(files.begin(), files.end());
  for (const std::filesystem::path& file : files) {
    Result<StoredKey> entry = read_entry(file);
    if (entry.ok()) {
      list.keys.push_back(*std::move(entry));
    } else {
      list.unreadable.push_back(entry.error());
    }
  }
  return list;
}

Result<StoredKey> KeyStore::find(const Address& address) const {
  STARLING_ASSIGN(const KeyList all, list());
  for (const StoredKey& key : all.keys) {
    if (key.address == address) return key;
  }
  std::string message = "the key store " + directory_.string() + " has no key " + address.text() +
                        ": import it, or choose one that is there";
  if (!all.unreadable.empty()) message += "; one file could not be read: " + all.unreadable.front().message;
  return base::not_found(std::move(message));
}

Result<SecretKey> KeyStore::unlock(const Address& address, std::string_view password) const {
  STARLING_ASSIGN(const StoredKey stored, find(address));
  STARLING_ASSIGN(const std::string text, base::read_text_file(stored.file, kMaxKeyFileBytes));
  Result<SecretKey> key = decrypt_key(text, password);
  if (!key.ok()) return in_file(stored.file, key.error());
  if (key->address() != address) {
    return base::corrupt(stored.file.string() + ": the file holds the key " + key->address().text() + ", not " +
                         address.text() + ": restore it from a backup, or import the key again");
  }
  return key;
}

Result<std::string> KeyStore::export_hex(const Address& address, std::string_view password) const {
  STARLING_ASSIGN(const SecretKey key, unlock(address, password));
  return base::to_hex(key.bytes());
}

Result<KeyHome> KeyHome::from_environment() {
  KeyHome home;
  const char* const directory = std::getenv("STARLING_HOME");
  const char* const person = std::getenv("HOME");
  if (directory != nullptr && *directory != '\0') {
    home.directory = directory;
  } else if (person != nullptr && *person != '\0') {
    home.directory = std::filesystem::path(person) / ".starling";
  } else {
    return base::invalid("neither STARLING_HOME nor HOME is set; set one to say where keys are kept");
  }
  if (const char* const password = std::getenv("STARLING_PASSWORD"); password != nullptr) {
    if (*password == '\0') return base::invalid("STARLING_PASSWORD is set but empty; unset it or give it a password");
    home.password = password;
  }
  return home;
}

Status KeyHome::make() const {
  const Status made = base::make_directories(directory, base::FileMode::kPrivate);
  if (made.ok()) return {};
  return base::Error{made.error().code, made.error().message + " (STARLING_HOME says where keys are kept)"};
}

Result<std::string> home_password(const KeyHome& home, bool make) {
  if (home.password.has_value()) return *home.password;
  constexpr std::size_t kMaxPasswordFile = 4096;
  Result<std::string> password = base::read_text_file(home.password_file(), kMaxPasswordFile);
  if (password.ok()) {
    while (password->ends_with('\n') || password->ends_with('\r')) password->pop_back();
    return password;
  }
  if (password.error().code != base::ErrorCode::kNotFound) return password.error();
  if (!make) {
    return base::not_found("no password is known: set STARLING_PASSWORD, or put the password into " +
                           home.password_file().string());
  }
  std::array<std::uint8_t, 16> random{};
  base::fill_random(random);
  std::string made = base::to_hex(random);
  const std::string line = made + "\n";
  STARLING_TRY(base::write_new_file(home.password_file(), base::as_bytes(line), base::FileMode::kPrivate));
  return made;
}

Result<std::optional<Address>> default_address(const KeyHome& home) {
  const Result<std::string> text = base::read_text_file(home.default_file(), 64);
  if (!text.ok()) {
    if (text.error().code == base::ErrorCode::kNotFound) return std::optional<Address>();
    return text.error();
  }
  const Result<Address> address = Address::from_text(std::string_view(*text).substr(0, text->find('\n')));
  if (!address.ok()) {
    return in_file(home.default_file(),
                   base::corrupt(address.error().message + ": write the address of a key there, or remove the file"));
  }
  return std::optional(*address);
}

Status set_default_address(const KeyHome& home, const Address& address) {
  STARLING_TRY(KeyStore(home.keystore()).find(address));
  const std::string line = address.text() + "\n";
  return base::write_file(home.default_file(), base::as_bytes(line), base::FileMode::kPrivate);
}

Result<SecretKey> default_key(const KeyHome& home) {
  STARLING_TRY(home.make());
  STARLING_ASSIGN(const DirectoryLock lock, DirectoryLock::take(home.directory));
  const KeyStore store(home.keystore());
  STARLING_ASSIGN(const std::optional<Address> address, default_address(home));
  if (!address.has_value()) {
    STARLING_ASSIGN(std::string password, home_password(home, true));
    SecretKey key = SecretKey::generate();
    const KeyCost cost = home.password.has_value() ? KeyCost::kLight : KeyCost::kAutomatic;
    const Result<StoredKey> stored = store.add(key, password, cost);
    base::wipe(bytes_of(password));
    if (!stored.ok()) return stored.error();
    STARLING_TRY(set_default_address(home, stored->address));
    return key;
  }
  Result<std::string> password = home_password(home, false);
  if (!password.ok()) {
    if (password.error().code != base::ErrorCode::kNotFound) return password.error();
    return base::not_found("the key " + address->text() + " is locked; " + password.error().message);
  }
  Result<SecretKey> key = store.unlock(*address, *password);
  base::wipe(bytes_of(*password));
  if (!key.ok() && key.error().code == base::ErrorCode::kInvalidArgument && home.password.has_value()) {
    return base::invalid(key.error().message +
                         "; the password is that of STARLING_PASSWORD, which must be unset for a key made without it");
  }
  return key;
}

}  // namespace starling::node
