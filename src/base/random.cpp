#include "base/random.h"

#include <openssl/crypto.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/result.h"

namespace starling::base {

void fill_random(std::span<std::uint8_t> bytes) {
  constexpr std::size_t kMostPerCall = 256;  // the limit of getentropy
  while (!bytes.empty()) {
    const std::size_t size = std::min(bytes.size(), kMostPerCall);
    if (::getentropy(bytes.data(), size) != 0) halt("the operating system gives no entropy");
    bytes = bytes.subspan(size);
  }
}

std::uint64_t random_u64() {
  std::array<std::uint8_t, sizeof(std::uint64_t)> bytes{};
  fill_random(bytes);
  std::uint64_t value = 0;
  std::memcpy(&value, bytes.data(), sizeof(value));
  return value;
}

void wipe(std::span<std::uint8_t> secret) { OPENSSL_cleanse(secret.data(), secret.size()); }

}  // namespace starling::base
