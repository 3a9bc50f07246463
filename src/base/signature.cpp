#include "base/signature.h"

#include <secp256k1.h>
#include <secp256k1_recovery.h>

#include <algorithm>

#include "base/random.h"

namespace starling::base {
namespace {

// Blinded against side channels at first use, and constant from then on; so threads may share it.
const secp256k1_context* curve() {
  static const secp256k1_context* const context = [] {
    secp256k1_context* made = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
    std::array<std::uint8_t, 32> seed{};
    fill_random(seed);
    if (secp256k1_context_randomize(made, seed.data()) != 1) halt("libsecp256k1 could not blind its tables");
    wipe(seed);
    return made;
  }();
  return context;
}

PublicKey from_library(const secp256k1_pubkey& point) {
  std::array<std::uint8_t, 65> encoded{};
  std::size_t size = encoded.size();
  secp256k1_ec_pubkey_serialize(curve(), encoded.data(), &size, &point, SECP256K1_EC_UNCOMPRESSED);
  PublicKey key;
  std::copy(encoded.begin() + 1, encoded.end(), key.bytes.begin());  // without the 04 of the encoding
  return key;
}

constexpr std::uint8_t kFirstRecovery = 27;

}  // namespace

std::string Address::text() const {
  std::string digits = to_hex(bytes);
  const Hash checksum = keccak256(as_bytes(digits));
  for (std::size_t i = 0; i < digits.size(); ++i) {
    const unsigned nibble = (checksum.bytes[i / 2] >> (i % 2 == 0 ? 4 : 0)) & 15U;
    if (digits[i] >= 'a' && nibble >= 8) digits[i] = static_cast<char>(digits[i] - 'a' + 'A');
  }
  return "0x" + digits;
}

Result<Address> Address::from_text(std::string_view text) {
  if (text.starts_with("0x") || text.starts_with("0X")) text.remove_prefix(2);
  const Result<Bytes> decoded = from_hex(text);
  Address address;
  if (!decoded.ok() || decoded->size() != address.bytes.size()) {
    return invalid("an address is 0x and 40 hexadecimal digits");
  }
  std::copy(decoded->begin(), decoded->end(), address.bytes.begin());
  const bool lower = std::any_of(text.begin(), text.end(), [](char c) { return c >= 'a' && c <= 'f'; });
  const bool upper = std::any_of(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'F'; });
  if (lower && upper && address.text().substr(2) != text) {
    return invalid("the address 0x" + std::string(text) + " is mistyped: its capitals do not match its checksum");
  }
  return address;
}

Address PublicKey::address() const {
  const Hash hash = keccak256(bytes);
  Address address;
  std::copy(hash.bytes.begin() + 12, hash.bytes.end(), address.bytes.begin());
  return address;
}

Result<Signature> Signature::from_hex(std::string_view text) {
  STARLING_ASSIGN(const Bytes decoded, base::from_hex(text));
  Signature signature;
  if (decoded.size() != signature.bytes.size()) {
    return invalid("a signature has 65 bytes, this one has " + std::to_string(decoded.size()));
  }
  std::copy(decoded.begin(), decoded.end(), signature.bytes.begin());
  return signature;
}

SecretKey SecretKey::generate() {
  SecretKey key;
  // All but 2^-128 of the draws are in range.
  do {
    fill_random(key.bytes_);
  } while (secp256k1_ec_seckey_verify(curve(), key.bytes_.data()) != 1);
  return key;
}

Result<SecretKey> SecretKey::from_bytes(ByteView bytes) {
  SecretKey key;
  if (bytes.size() != key.bytes_.size()) {
    return invalid("a secret key has 32 bytes, this one has " + std::to_string(bytes.size()));
  }
  std::copy(bytes.begin(), bytes.end(), key.bytes_.begin());
  if (secp256k1_ec_seckey_verify(curve(), key.bytes_.data()) != 1) {
    return invalid("the secret key is zero or not below the order of secp256k1; no such key exists");
  }
  return key;
}

SecretKey::SecretKey(SecretKey&& other) noexcept : bytes_(other.bytes_) { wipe(other.bytes_); }

SecretKey& SecretKey::operator=(SecretKey&& other) noexcept {
  if (this != &other) {
    bytes_ = other.bytes_;
    wipe(other.bytes_);
  }
  return *this;
}

SecretKey::~SecretKey() { wipe(bytes_); }

PublicKey SecretKey::public_key() const {
  secp256k1_pubkey point;
  if (secp256k1_ec_pubkey_create(curve(), &point, bytes_.data()) != 1)
    halt("a secret key was used after it moved away");
  return from_library(point);
}

Signature SecretKey::sign(const Hash& digest) const {
  secp256k1_ecdsa_recoverable_signature made;
  if (secp256k1_ecdsa_sign_recoverable(curve(), &made, digest.bytes.data(), bytes_.data(), nullptr, nullptr) != 1) {
    halt("a secret key was used after it moved away");
  }
  Signature signature;
  int recovery = 0;
  secp256k1_ecdsa_recoverable_signature_serialize_compact(curve(), signature.bytes.data(), &recovery, &made);
  signature.bytes[64] = static_cast<std::uint8_t>(kFirstRecovery + recovery);
  return signature;
}

Hash personal_digest(ByteView message) {
  const std::string head =
      "\x19"
      "Ethereum Signed Message:\n" +
      std::to_string(message.size());
  Bytes bytes(head.begin(), head.end());
  bytes.insert(bytes.end(), message.begin(), message.end());
  return keccak256(bytes);
}

Result<PublicKey> recover(const Hash& digest, const Signature& signature) {
  const int recovery = signature.bytes[64] - kFirstRecovery;
  if (recovery != 0 && recovery != 1) {
    return corrupt("the signature's last byte is " + std::to_string(signature.bytes[64]) + ", not 27 or 28");
  }
  secp256k1_ecdsa_recoverable_signature parsed;
  if (secp256k1_ecdsa_recoverable_signature_parse_compact(curve(), &parsed, signature.bytes.data(), recovery) != 1) {
    return corrupt("the signature's numbers are not below the order of secp256k1");
  }
  secp256k1_ecdsa_signature plain;
  secp256k1_ecdsa_recoverable_signature_convert(curve(), &plain, &parsed);
  if (secp256k1_ecdsa_signature_normalize(curve(), nullptr, &plain) == 1) {
    return corrupt("the signature's s is in the upper half, where a copy of another signature could be");
  }
  secp256k1_pubkey point;
  if (secp256k1_ecdsa_recover(curve(), &point, &parsed, digest.bytes.data()) != 1) {
    return corrupt("the signature belongs to no key");
  }
  return from_library(point);
}

bool verify(const Hash& digest, const Signature& signature, const Address& address) {
  const Result<PublicKey> key = recover(digest, signature);
  return key.ok() && key->address() == address;
}

}  // namespace starling::base
