#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "base/bytes.h"

struct evp_md_ctx_st;

namespace starling::base {

// A SHA-256 digest: the name of everything in Starling.
struct Hash {
  std::array<std::uint8_t, 32> bytes{};

  auto operator<=>(const Hash&) const = default;  // NOLINT(modernize-use-nullptr): clang-tidy 14 mistakes the 0 in it
  std::string hex() const { return to_hex(bytes); }
  static Result<Hash> from_hex(std::string_view text);
};

// SHA-256 over pieces (FIPS 180-4). Not thread safe.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void update(ByteView bytes);
  // The digest of everything since construction or the last finish().
  Hash finish();

 private:
  evp_md_ctx_st* context_;
};

Hash sha256(ByteView bytes);

// Keccak-256 as Ethereum uses it (the original padding, not FIPS 202).
Hash keccak256(ByteView bytes);

}  // namespace starling::base
