#include "node/key_file.h"

#include <openssl/evp.h>

extern "C" {
#include <libscrypt.h>
}

#include <array>
#include <memory>
#include <utility>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/random.h"

namespace starling::node {
namespace {

using base::Bytes;
using base::ByteView;
using base::Json;
using base::Result;

constexpr std::size_t kDerivedBytes = 32;
constexpr std::size_t kCipherKeyBytes = 16;  // of the derived bytes; the rest authenticates
constexpr std::size_t kVectorBytes = 16;
constexpr std::size_t kMaxSaltBytes = 256;
constexpr std::uint64_t kMaxScryptMemory = std::uint64_t{1} << 30;
constexpr std::uint64_t kMaxScryptWork = std::uint64_t{1} << 25;  // n * r * p; 16 times the standard cost
constexpr std::int64_t kMaxIterations = 20'000'000;

struct ScryptCost {
  std::uint64_t n, r, p;
};

ScryptCost scrypt_cost(KeyCost cost) {
  switch (cost) {
    case KeyCost::kStandard:
      return {262144, 8, 1};
    case KeyCost::kLight:
      return {4096, 8, 6};
    case KeyCost::kAutomatic:
      return {4096, 8, 1};
  }
  base::halt("a key cost that does not exist");
}

// The bytes a password gives, wiped when no longer needed.
struct Derived {
  std::array<std::uint8_t, kDerivedBytes> bytes{};

  Derived() = default;
  Derived(const Derived&) = default;
  Derived& operator=(const Derived&) = default;
  ~Derived() { base::wipe(bytes); }
  ByteView cipher_key() const { return ByteView(bytes).first(kCipherKeyBytes); }
  ByteView mac_key() const { return ByteView(bytes).subspan(kCipherKeyBytes); }
};

base::Status check_cost(const ScryptCost& cost) {
  // Bounded one by one first, so that no product overflows.
  constexpr std::uint64_t kMost = std::uint64_t{1} << 24;
  if (cost.n < 2 || cost.n > kMost || (cost.n & (cost.n - 1)) != 0 || cost.r < 1 || cost.r > kMost || cost.p < 1 ||
      cost.p > kMost) {
    return base::corrupt("the scrypt parameters n, r and p must be from 1 to 2^24, and n a power of two");
  }
  if (cost.n * cost.r > kMaxScryptMemory / 128 || cost.n * cost.r > kMaxScryptWork / cost.p) {
    return base::Error{base::ErrorCode::kLimit,
                       "the key file's scrypt parameters ask for more memory or time than a key is given: let the "
                       "wallet that made it write it again with n = 262144, r = 8, p = 1"};
  }
  return {};
}

// Precondition: check_cost().
Result<Derived> derive_scrypt(std::string_view password, ByteView salt, const ScryptCost& cost) {
  Derived derived;
  // Not OpenSSL's, which refuses parameters that the definition's own test vector has (n = 2^18 with r = 1).
  if (libscrypt_scrypt(base::as_bytes(password).data(), password.size(), salt.data(), salt.size(), cost.n,
                       static_cast<std::uint32_t>(cost.r), static_cast<std::uint32_t>(cost.p), derived.bytes.data(),
                       derived.bytes.size()) != 0) {
    return base::Error{base::ErrorCode::kLimit,
                       "there is not enough memory to derive the key file's password with scrypt: end other "
                       "programs and try again"};
  }
  return derived;
}

Result<Derived> derive_pbkdf2(std::string_view password, ByteView salt, int iterations) {
  Derived derived;
  if (PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()), salt.data(), static_cast<int>(salt.size()),
                        iterations, EVP_sha256(), static_cast<int>(derived.bytes.size()), derived.bytes.data()) != 1) {
    return base::internal_error("OpenSSL could not compute PBKDF2: repair its installation");
  }
  return derived;
}

// AES-128-CTR; encrypting and decrypting are the same.
Result<Bytes> apply_cipher(ByteView key, ByteView vector, ByteView input) {
  const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> context(EVP_CIPHER_CTX_new(),
                                                                                &EVP_CIPHER_CTX_free);
  Bytes output(input.size());
  int size = 0;
  if (context == nullptr ||
      EVP_EncryptInit_ex2(context.get(), EVP_aes_128_ctr(), key.data(), vector.data(), nullptr) != 1 ||
      EVP_EncryptUpdate(context.get(), output.data(), &size, input.data(), static_cast<int>(input.size())) != 1) {
    return base::internal_error("OpenSSL could not compute AES-128-CTR: repair its installation");
  }
  return output;
}

base::Hash message_code(const Derived& derived, ByteView ciphertext) {
  Bytes message(derived.mac_key().begin(), derived.mac_key().end());
  message.insert(message.end(), ciphertext.begin(), ciphertext.end());
  const base::Hash code = base::keccak256(message);
  base::wipe(message);
  return code;
}

// Equal without saying by its duration where the first difference is.
bool equal_secretly(ByteView a, ByteView b) {
  if (a.size() != b.size()) return false;
  unsigned difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) difference |= static_cast<unsigned>(a[i] ^ b[i]);
  return difference == 0;
}

// A version 4 UUID (RFC 9562).
std::string random_id() {
  std::array<std::uint8_t, 16> bytes{};
  base::fill_random(bytes);
  bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0f) | 0x40);
  bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3f) | 0x80);
  std::string text = base::to_hex(bytes);
  for (const std::size_t at : {20, 16, 12, 8}) text.insert(at, 1, '-');
  return text;
}

constexpr const char* kRestore = ": restore it from a backup, or let the wallet that made it write it again";

// What is wrong with a field, as an error of the file. Others than kCorrupt say all of it themselves.
base::Error in_key_file(const base::Error& error) {
  if (error.code == base::ErrorCode::kUnsupported || error.code == base::ErrorCode::kLimit) return error;
  return base::corrupt("the key file is malformed (" + error.message + ")" + kRestore);
}

base::Error unsupported(const std::string& problem) {
  return base::unsupported("the key file " + problem +
                           ": let the wallet that made it write version 3 with aes-128-ctr and scrypt");
}

Result<Json> read_key_file(std::string_view text) {
  Result<Json> file = Json::parse(text, "its text", {.bytes = kMaxKeyFileBytes, .depth = 8, .values = 256});
  if (!file.ok()) return in_key_file(base::corrupt(file.error().message));
  const Result<std::int64_t> version = file->integer("version");
  if (!version.ok()) return in_key_file(version.error());
  if (*version != 3) return unsupported("has version " + std::to_string(*version));
  return file;
}

Result<Bytes> hex_field(const Json& object, std::string_view key, std::size_t low, std::size_t high) {
  STARLING_ASSIGN(const std::string text, object.text(key));
  Result<Bytes> bytes = base::from_hex(text);
  if (!bytes.ok() || bytes->size() < low || bytes->size() > high) {
    return base::corrupt("the field \"" + std::string(key) + "\" should be hexadecimal, of " + std::to_string(low) +
                         (low == high ? "" : " to " + std::to_string(high)) + " bytes");
  }
  return bytes;
}

// What the file's "crypto" object says.
struct Envelope {
  std::string kdf;
  ScryptCost scrypt{};
  int iterations = 0;
  Bytes salt;
  Bytes vector;
  Bytes ciphertext;
  Bytes code;
};

Result<Envelope> read_envelope(const Json& file) {
  constexpr std::int64_t kMost = std::int64_t{1} << 40;
  Envelope envelope;
  STARLING_ASSIGN(const Json* crypto, file.object("crypto"));
  STARLING_ASSIGN(const std::string cipher, crypto->text("cipher"));
  if (cipher != "aes-128-ctr") return unsupported("has a cipher that is not aes-128-ctr");
  STARLING_ASSIGN(const Json* cipher_parameters, crypto->object("cipherparams"));
  STARLING_ASSIGN(envelope.vector, hex_field(*cipher_parameters, "iv", kVectorBytes, kVectorBytes));
  STARLING_ASSIGN(envelope.ciphertext, hex_field(*crypto, "ciphertext", 32, 32));
  STARLING_ASSIGN(envelope.code, hex_field(*crypto, "mac", 32, 32));
  STARLING_ASSIGN(envelope.kdf, crypto->text("kdf"));
  STARLING_ASSIGN(const Json* parameters, crypto->object("kdfparams"));
  STARLING_TRY(parameters->integer("dklen", kDerivedBytes, kDerivedBytes));
  STARLING_ASSIGN(envelope.salt, hex_field(*parameters, "salt", 0, kMaxSaltBytes));
  if (envelope.kdf == "scrypt") {
    STARLING_ASSIGN(const std::int64_t n, parameters->integer("n", 2, kMost));
    STARLING_ASSIGN(const std::int64_t r, parameters->integer("r", 1, kMost));
    STARLING_ASSIGN(const std::int64_t p, parameters->integer("p", 1, kMost));
    envelope.scrypt = {static_cast<std::uint64_t>(n), static_cast<std::uint64_t>(r), static_cast<std::uint64_t>(p)};
    STARLING_TRY(check_cost(envelope.scrypt));
    return envelope;
  }
  if (envelope.kdf != "pbkdf2") return unsupported("has a derivation that is neither scrypt nor pbkdf2");
  STARLING_ASSIGN(const std::string function, parameters->text("prf"));
  if (function != "hmac-sha256") return unsupported("has pbkdf2 with a function that is not hmac-sha256");
  STARLING_ASSIGN(const std::int64_t iterations, parameters->integer("c", 1, kMaxIterations));
  envelope.iterations = static_cast<int>(iterations);
  return envelope;
}

base::Status check_password(std::string_view password) {
  constexpr std::size_t kMaxPassword = 4096;
  if (password.size() <= kMaxPassword) return {};
  return base::invalid("the password is longer than " + std::to_string(kMaxPassword) + " bytes: choose a shorter one");
}

Result<std::optional<base::Address>> address_field(const Json& file) {
  if (!file.has("address")) return std::optional<base::Address>();
  STARLING_ASSIGN(const std::string text, file.text("address"));
  STARLING_ASSIGN(const base::Address address, base::Address::from_text(text));
  return std::optional(address);
}

}  // namespace

Result<std::string> encrypt_key(const base::SecretKey& key, std::string_view password, KeyCost cost) {
  STARLING_TRY(check_password(password));
  Bytes salt(32);
  Bytes vector(kVectorBytes);
  base::fill_random(salt);
  base::fill_random(vector);
  const ScryptCost scrypt = scrypt_cost(cost);
  STARLING_ASSIGN(const Derived derived, derive_scrypt(password, salt, scrypt));
  STARLING_ASSIGN(const Bytes ciphertext, apply_cipher(derived.cipher_key(), vector, key.bytes()));

  Json parameters = Json::empty_object();
  parameters.set("dklen", kDerivedBytes).set("n", scrypt.n).set("r", scrypt.r).set("p", scrypt.p);
  parameters.set("salt", base::to_hex(salt));
  Json crypto = Json::empty_object();
  crypto.set("cipher", "aes-128-ctr");
  crypto.set("cipherparams", Json::empty_object().set("iv", base::to_hex(vector)));
  crypto.set("ciphertext", base::to_hex(ciphertext));
  crypto.set("kdf", "scrypt").set("kdfparams", std::move(parameters));
  crypto.set("mac", message_code(derived, ciphertext).hex());
  Json file = Json::empty_object();
  file.set("address", base::to_hex(key.address().bytes)).set("crypto", std::move(crypto));
  file.set("id", random_id()).set("version", 3);
  return file.to_text();
}

Result<base::SecretKey> decrypt_key(std::string_view text, std::string_view password) {
  STARLING_TRY(check_password(password));
  STARLING_ASSIGN(const Json file, read_key_file(text));
  const Result<Envelope> envelope = read_envelope(file);
  if (!envelope.ok()) return in_key_file(envelope.error());
  const Result<std::optional<base::Address>> claimed = address_field(file);
  if (!claimed.ok()) return in_key_file(claimed.error());

  STARLING_ASSIGN(const Derived derived, envelope->kdf == "scrypt"
                                             ? derive_scrypt(password, envelope->salt, envelope->scrypt)
                                             : derive_pbkdf2(password, envelope->salt, envelope->iterations));
  if (!equal_secretly(message_code(derived, envelope->ciphertext).bytes, envelope->code)) {
    return base::invalid(
        "the password does not open the key file (or the file was changed): give the one it was made with, or "
        "restore the file from a backup");
  }
  STARLING_ASSIGN(Bytes secret, apply_cipher(derived.cipher_key(), envelope->vector, envelope->ciphertext));
  Result<base::SecretKey> key = base::SecretKey::from_bytes(secret);
  base::wipe(secret);
  if (!key.ok()) return in_key_file(key.error());
  if (claimed->has_value() && key->address() != **claimed) {
    return base::corrupt("the key file says that it holds " + (*claimed)->text() + " but it holds " +
                         key->address().text() + kRestore);
  }
  return key;
}

Result<std::optional<base::Address>> claimed_address(std::string_view text) {
  STARLING_ASSIGN(const Json file, read_key_file(text));
  Result<std::optional<base::Address>> claimed = address_field(file);
  if (!claimed.ok()) return in_key_file(claimed.error());
  const Result<Envelope> envelope = read_envelope(file);
  if (!envelope.ok()) return in_key_file(envelope.error());
  return claimed;
}

}  // namespace starling::node
