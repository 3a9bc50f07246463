#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/result.h"

namespace starling::base {

// Signatures as Ethereum makes them: ECDSA over secp256k1 (SEC 2) with recovery, over 32-byte digests.

// The account of a key: the last 20 bytes of Keccak-256 of its public key.
struct Address {
  std::array<std::uint8_t, 20> bytes{};

  auto operator<=>(const Address&) const = default;  // NOLINT(modernize-use-nullptr): as of Hash
  // 0x and 40 digits whose capitals are a checksum (EIP-55).
  std::string text() const;
  // With or without 0x. Digits in both cases must have the right checksum.
  static Result<Address> from_text(std::string_view text);
};

// A point of the curve: x and y, 32 bytes each, big-endian.
struct PublicKey {
  std::array<std::uint8_t, 64> bytes{};

  auto operator<=>(const PublicKey&) const = default;
  Address address() const;
};

// r, s (32 bytes each, big-endian) and v, 27 or 28. Only s up to half the curve's order is accepted, so that nobody can
// make a second signature from one.
struct Signature {
  std::array<std::uint8_t, 65> bytes{};

  auto operator<=>(const Signature&) const = default;
  std::string hex() const { return to_hex(bytes); }
  // An error unless there are 65 bytes; whether they are a signature is found when it is used.
  static Result<Signature> from_hex(std::string_view text);
};

// Wiped when destroyed or moved from. Using one that was moved from halts.
class SecretKey {
 public:
  static SecretKey generate();  // from the operating system's entropy
  // 32 bytes, big-endian, from 1 to the curve's order less 1.
  static Result<SecretKey> from_bytes(ByteView bytes);
  SecretKey(SecretKey&& other) noexcept;
  SecretKey& operator=(SecretKey&& other) noexcept;
  ~SecretKey();

  // The secret itself, for key files. Valid while this object lives.
  ByteView bytes() const { return bytes_; }
  PublicKey public_key() const;
  Address address() const { return public_key().address(); }
  // Deterministic (RFC 6979): the same digest always gets the same signature.
  Signature sign(const Hash& digest) const;

 private:
  SecretKey() = default;
  std::array<std::uint8_t, 32> bytes_{};
};

// What a wallet's personal_sign hashes (EIP-191, version 0x45).
Hash personal_digest(ByteView message);

// The key whose holder signed the digest, or an error when the signature is malformed.
Result<PublicKey> recover(const Hash& digest, const Signature& signature);
// Whether the holder of the address's key signed the digest.
bool verify(const Hash& digest, const Signature& signature, const Address& address);

}  // namespace starling::base
