#include "base/hash.h"

#include <algorithm>
#include <bit>

namespace starling::base {
namespace {

// Keccak-f[1600], FIPS 202 section 3. Lane (x, y) is state[x + 5 y].
using KeccakState = std::array<std::uint64_t, 25>;

constexpr std::array<std::uint64_t, 24> kRoundConstants = {
    0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000, 0x000000000000808b,
    0x0000000080000001, 0x8000000080008081, 0x8000000000008009, 0x000000000000008a, 0x0000000000000088,
    0x0000000080008009, 0x000000008000000a, 0x000000008000808b, 0x800000000000008b, 0x8000000000008089,
    0x8000000000008003, 0x8000000000008002, 0x8000000000000080, 0x000000000000800a, 0x800000008000000a,
    0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008};

// Offsets of rho along the walk that pi makes from lane (1, 0), and the lanes the walk visits.
constexpr std::array<int, 24> kRotations = {1,  3,  6,  10, 15, 21, 28, 36, 45, 55, 2,  14,
                                            27, 41, 56, 8,  25, 43, 62, 18, 39, 61, 20, 44};
constexpr std::array<std::size_t, 24> kLanes = {10, 7,  11, 17, 18, 3, 5,  16, 8,  21, 24, 4,
                                                15, 23, 19, 13, 12, 2, 20, 14, 22, 9,  6,  1};

void permute(KeccakState& state) {
  for (const std::uint64_t constant : kRoundConstants) {
    std::array<std::uint64_t, 5> parity{};
    for (std::size_t x = 0; x < 5; ++x) {
      for (std::size_t y = 0; y < 25; y += 5) parity[x] ^= state[x + y];
    }
    for (std::size_t x = 0; x < 5; ++x) {
      const std::uint64_t theta = parity[(x + 4) % 5] ^ std::rotl(parity[(x + 1) % 5], 1);
      for (std::size_t y = 0; y < 25; y += 5) state[x + y] ^= theta;
    }
    std::uint64_t carried = state[1];
    for (std::size_t i = 0; i < 24; ++i) {
      const std::uint64_t next = state[kLanes[i]];
      state[kLanes[i]] = std::rotl(carried, kRotations[i]);
      carried = next;
    }
    for (std::size_t y = 0; y < 25; y += 5) {
      std::array<std::uint64_t, 5> row{};
      std::copy_n(state.begin() + static_cast<std::ptrdiff_t>(y), 5, row.begin());
      for (std::size_t x = 0; x < 5; ++x) state[x + y] = row[x] ^ (~row[(x + 1) % 5] & row[(x + 2) % 5]);
    }
    state[0] ^= constant;
  }
}

void absorb_byte(KeccakState& state, std::size_t at, std::uint8_t byte) {
  state[at / 8] ^= static_cast<std::uint64_t>(byte) << (8 * (at % 8));
}

}  // namespace

Result<Hash> Hash::from_hex(std::string_view text) {
  STARLING_ASSIGN(const Bytes bytes, base::from_hex(text));
  Hash hash;
  if (bytes.size() != hash.bytes.size()) {
    return invalid("a hash has 64 hexadecimal digits, this text has " + std::to_string(bytes.size() * 2));
  }
  std::copy(bytes.begin(), bytes.end(), hash.bytes.begin());
  return hash;
}

Hash keccak256(ByteView bytes) {
  constexpr std::size_t kRate = 136;  // 1600 - 2 * 256 bits
  KeccakState state{};
  std::size_t at = 0;
  for (const std::uint8_t byte : bytes) {
    absorb_byte(state, at, byte);
    if (++at == kRate) {
      permute(state);
      at = 0;
    }
  }
  absorb_byte(state, at, 0x01);
  absorb_byte(state, kRate - 1, 0x80);
  permute(state);
  Hash hash;
  for (std::size_t i = 0; i < hash.bytes.size(); ++i) {
    hash.bytes[i] = static_cast<std::uint8_t>(state[i / 8] >> (8 * (i % 8)));
  }
  return hash;
}

}  // namespace starling::base
