#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/signature.h"

namespace starling::node {

// A secret key under a password: the text of a Web3 Secret Storage file, version 3, as geth and other Ethereum wallets
// read and write it.

// What guessing one password costs: scrypt with r = 8 and these n and p.
enum class KeyCost : std::uint8_t {
  kStandard,   // n = 262144, p = 1: 256 MiB and about a second; for passwords that people choose
  kLight,      // n = 4096, p = 6: 4 MiB and some hundredths of a second
  kAutomatic,  // n = 4096, p = 1: for random passwords, which no guessing finds
};

inline constexpr std::size_t kMaxKeyFileBytes = std::size_t{64} << 10;

// The file's text, with fresh salt, initial vector and id.
base::Result<std::string> encrypt_key(const base::SecretKey& key, std::string_view password, KeyCost cost);

// Opens a file with scrypt or PBKDF2 (HMAC-SHA256). A wrong password is kInvalidArgument; a file that is malformed,
// whose address is not that of its key, or whose parameters would take more than about 1 GiB or some tens of seconds,
// is kCorrupt, kUnsupported or kLimit.
base::Result<base::SecretKey> decrypt_key(std::string_view text, std::string_view password);

// The address a file claims, without opening it; nothing if it claims none, which version 3 allows. An error if
// decrypt_key() would refuse the file whatever the password, but for its address and its code.
base::Result<std::optional<base::Address>> claimed_address(std::string_view text);

}  // namespace starling::node
