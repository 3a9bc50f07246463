// SHA-256 in plain C++ (FIPS 180-4), for builds without OpenSSL.
#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "base/hash.h"

using Words = std::array<std::uint32_t, 8>;
constexpr std::size_t kBlock = 64;

// What base/hash.h calls the state, after OpenSSL's.
struct evp_md_ctx_st {
  Words hash;
  std::array<std::uint8_t, kBlock> block;  // what does not fill one yet
  std::uint64_t bytes = 0;                 // so far
};

namespace starling::base {
namespace {

// The first 32 bits of the fractional parts of the square roots of the first 8 primes (section 5.3.3), and of the cube
// roots of the first 64 (section 4.2.2).
constexpr Words kStart = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                          0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
constexpr std::array<std::uint32_t, 64> kRounds = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

// Section 6.2.2.
void absorb_block(Words& hash, const std::uint8_t* block) {
  std::array<std::uint32_t, 64> w;
  for (std::size_t t = 0; t < 16; ++t) {
    const std::uint8_t* const at = block + 4 * t;
    w[t] = static_cast<std::uint32_t>(at[0]) << 24 | static_cast<std::uint32_t>(at[1]) << 16 |
           static_cast<std::uint32_t>(at[2]) << 8 | at[3];
  }
  for (std::size_t t = 16; t < 64; ++t) {
    const std::uint32_t s0 = std::rotr(w[t - 15], 7) ^ std::rotr(w[t - 15], 18) ^ (w[t - 15] >> 3);
    const std::uint32_t s1 = std::rotr(w[t - 2], 17) ^ std::rotr(w[t - 2], 19) ^ (w[t - 2] >> 10);
    w[t] = w[t - 16] + s0 + w[t - 7] + s1;
  }
  auto [a, b, c, d, e, f, g, h] = hash;
  for (std::size_t t = 0; t < 64; ++t) {
    const std::uint32_t s1 = std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25);
    const std::uint32_t first = h + s1 + ((e & f) ^ (~e & g)) + kRounds[t] + w[t];
    const std::uint32_t s0 = std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22);
    const std::uint32_t second = s0 + ((a & b) ^ (a & c) ^ (b & c));
    h = g;
    g = f;
    f = e;
    e = d + first;
    d = c;
    c = b;
    b = a;
    a = first + second;
  }
  const Words sums = {a, b, c, d, e, f, g, h};
  for (std::size_t i = 0; i < hash.size(); ++i) hash[i] += sums[i];
}

}  // namespace

Sha256::Sha256() : context_(new evp_md_ctx_st{kStart, {}}) {}
Sha256::~Sha256() { delete context_; }

void Sha256::update(ByteView bytes) {
  evp_md_ctx_st& state = *context_;
  const std::size_t begun = state.bytes % kBlock;
  state.bytes += bytes.size();
  if (begun > 0) {
    const std::size_t taken = std::min(kBlock - begun, bytes.size());
    std::copy_n(bytes.begin(), taken, state.block.begin() + begun);
    if (begun + taken < kBlock) return;
    absorb_block(state.hash, state.block.data());
    bytes = bytes.subspan(taken);
  }
  for (; bytes.size() >= kBlock; bytes = bytes.subspan(kBlock)) absorb_block(state.hash, bytes.data());
  std::copy(bytes.begin(), bytes.end(), state.block.begin());
}

Hash Sha256::finish() {
  const std::uint64_t bits = context_->bytes * 8;
  std::array<std::uint8_t, kBlock + 8> padding{0x80};
  const std::size_t begun = context_->bytes % kBlock;
  const std::size_t zeros = (begun < kBlock - 8 ? kBlock - 8 : 2 * kBlock - 8) - begun;  // with the bit before them
  for (std::size_t i = 0; i < 8; ++i) padding[zeros + i] = static_cast<std::uint8_t>(bits >> (8 * (7 - i)));
  update({padding.data(), zeros + 8});
  Hash hash;
  for (std::size_t i = 0; i < hash.bytes.size(); ++i) {
    hash.bytes[i] = static_cast<std::uint8_t>(context_->hash[i / 4] >> (8 * (3 - i % 4)));
  }
  *context_ = {kStart, {}};
  return hash;
}

Hash sha256(ByteView bytes) {
  Sha256 sha;
  sha.update(bytes);
  return sha.finish();
}

}  // namespace starling::base
