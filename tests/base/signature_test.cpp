#include "base/signature.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>

namespace starling::base {
namespace {

SecretKey key_of(std::string_view hex) {
  Result<SecretKey> key = SecretKey::from_bytes(*from_hex(hex));
  EXPECT_TRUE(key.ok());
  return *std::move(key);
}

// The address checksums of EIP-55's own list.
TEST(Address, Eip55) {
  for (const std::string text :
       {"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
        "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB", "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
        "0x52908400098527886E0F7030069857D2E4169EE7", "0xde709f2102306220921060314715629080e2fb77"}) {
    const Result<Address> address = Address::from_text(text);
    ASSERT_TRUE(address.ok()) << text;
    EXPECT_EQ(address->text(), text);
    std::string lower = text;
    std::transform(lower.begin() + 2, lower.end(), lower.begin() + 2,
                   [](char c) { return c >= 'A' && c <= 'F' ? static_cast<char>(c + 32) : c; });
    EXPECT_EQ(*Address::from_text(lower), *address);
    EXPECT_EQ(*Address::from_text(lower.substr(2)), *address);
  }
  EXPECT_FALSE(Address::from_text("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD").ok());
  EXPECT_FALSE(Address::from_text("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeA").ok());
  EXPECT_FALSE(Address::from_text("").ok());
}

// The address of secret key 1 (the curve's generator), and of the key in the Web3 Secret Storage definition.
TEST(SecretKey, KnownAddresses) {
  EXPECT_EQ(key_of("0000000000000000000000000000000000000000000000000000000000000001").address().text(),
            "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf");
  EXPECT_EQ(to_hex(key_of("7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d").address().bytes),
            "008aeeda4d805471df9b2a5b0f38a0c3bcba786b");
}

TEST(SecretKey, OnlyValidScalars) {
  EXPECT_FALSE(SecretKey::from_bytes(Bytes(32, 0)).ok());
  EXPECT_FALSE(SecretKey::from_bytes(Bytes(32, 0xff)).ok());
  EXPECT_FALSE(SecretKey::from_bytes(Bytes(31, 1)).ok());
  // The order of the curve (SEC 2, section 2.4.1) and one less.
  EXPECT_FALSE(
      SecretKey::from_bytes(*from_hex("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141")).ok());
  EXPECT_TRUE(
      SecretKey::from_bytes(*from_hex("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140")).ok());
}

// RFC 6979 signatures of secp256k1 that libraries agree on: key 1, SHA-256 of "Satoshi Nakamoto".
TEST(SecretKey, SignsDeterministically) {
  const SecretKey key = key_of("0000000000000000000000000000000000000000000000000000000000000001");
  const Signature signature = key.sign(sha256(as_bytes("Satoshi Nakamoto")));
  EXPECT_EQ(signature.hex().substr(0, 128),
            "934b1ea10a4b3c1757e2b0c017d0b6143ce3c9a7e6a4a49860d7a6ab210ee3d8"
            "2442ce9d2b916064108014783e923ec36b49743e2ffa1c4496f01a512aafd9e5");
}

TEST(Signature, RecoversItsSigner) {
  for (int i = 0; i < 20; ++i) {
    const SecretKey key = SecretKey::generate();
    const Hash digest = sha256(as_bytes("message " + std::to_string(i)));
    const Signature signature = key.sign(digest);
    ASSERT_TRUE(recover(digest, signature).ok());
    EXPECT_EQ(*recover(digest, signature), key.public_key());
    EXPECT_TRUE(verify(digest, signature, key.address()));
    EXPECT_FALSE(verify(sha256(as_bytes("other")), signature, key.address()));
    EXPECT_FALSE(verify(digest, signature, Address{}));
    EXPECT_EQ(*Signature::from_hex(signature.hex()), signature);
  }
}

TEST(Signature, EveryChangedByteFails) {
  const SecretKey key = key_of("0000000000000000000000000000000000000000000000000000000000000002");
  const Hash digest = sha256({});
  const Signature signature = key.sign(digest);
  for (std::size_t i = 0; i < signature.bytes.size(); ++i) {
    Signature changed = signature;
    changed.bytes[i] ^= 1;
    EXPECT_FALSE(verify(digest, changed, key.address())) << i;
  }
  EXPECT_FALSE(recover(digest, Signature{}).ok());
  Signature zero;
  zero.bytes[64] = 27;
  EXPECT_FALSE(recover(digest, zero).ok());
  EXPECT_FALSE(Signature::from_hex("00").ok());
}

// (r, n - s) with the other recovery bit names the same signer, and must not be taken.
TEST(Signature, HighSIsRefused) {
  const SecretKey key = key_of("0000000000000000000000000000000000000000000000000000000000000003");
  const Hash digest = sha256({});
  Signature high = key.sign(digest);
  const Bytes order = *from_hex("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141");
  int borrow = 0;
  for (std::size_t i = 32; i-- > 0;) {
    const int difference = order[i] - high.bytes[32 + i] - borrow;
    borrow = difference < 0 ? 1 : 0;
    high.bytes[32 + i] = static_cast<std::uint8_t>(difference + 256 * borrow);
  }
  high.bytes[64] = high.bytes[64] == 27 ? 28 : 27;
  EXPECT_EQ(recover(digest, high).error().code, ErrorCode::kCorrupt);
  EXPECT_NE(recover(digest, high).error().message.find("upper half"), std::string::npos);
}

TEST(SecretKey, MovingWipes) {
  SecretKey key = SecretKey::generate();
  const Address address = key.address();
  const SecretKey moved = std::move(key);
  EXPECT_EQ(moved.address(), address);
  EXPECT_EQ(to_hex(key.bytes()), std::string(64, '0'));  // NOLINT(bugprone-use-after-move): that is what is tested
}

}  // namespace
}  // namespace starling::base
