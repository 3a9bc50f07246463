#include "base/hash.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace starling::base {
namespace {

struct Vector {
  std::string message;
  const char* digest;
};

// FIPS 180-4 examples and the million-a message of NIST's test suite.
TEST(Sha256, PublishedVectors) {
  const std::vector<Vector> vectors = {
      {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
      {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
      {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
       "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
      {std::string(1'000'000, 'a'), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
  };
  for (const Vector& vector : vectors) {
    EXPECT_EQ(sha256(as_bytes(vector.message)).hex(), vector.digest);
    Sha256 pieces;
    for (std::size_t at = 0; at < vector.message.size(); at += 977) {
      pieces.update(as_bytes(std::string_view(vector.message).substr(at, 977)));
    }
    EXPECT_EQ(pieces.finish().hex(), vector.digest);
  }
}

TEST(Sha256, FinishStartsANewMessage) {
  Sha256 hasher;
  hasher.update(as_bytes("one"));
  EXPECT_EQ(hasher.finish(), sha256(as_bytes("one")));
  hasher.update(as_bytes("two"));
  EXPECT_EQ(hasher.finish(), sha256(as_bytes("two")));
}

TEST(Sha256, ThreadsDoNotShareState) {
  std::vector<std::thread> threads;
  std::vector<Hash> hashes(4);
  for (std::size_t i = 0; i < hashes.size(); ++i) {
    threads.emplace_back([&hashes, i] {
      for (int round = 0; round < 500; ++round) hashes[i] = sha256(as_bytes("message " + std::to_string(i)));
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (std::size_t i = 0; i < hashes.size(); ++i) {
    EXPECT_EQ(hashes[i], sha256(as_bytes("message " + std::to_string(i))));
  }
}

// Values that Ethereum fixes: the hash of nothing, of "abc", and the selector of transfer(address,uint256).
TEST(Keccak256, PublishedVectors) {
  EXPECT_EQ(keccak256({}).hex(), "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470");
  EXPECT_EQ(keccak256(as_bytes("abc")).hex(), "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45");
  EXPECT_EQ(keccak256(as_bytes("transfer(address,uint256)")).hex().substr(0, 8), "a9059cbb");
}

// Lengths around the 136-byte block; digests from a plain Python Keccak that gives hashlib's SHA3-256 with the other
// padding.
TEST(Keccak256, BlockBoundaries) {
  EXPECT_EQ(keccak256(as_bytes(std::string(135, 'a'))).hex(),
            "34367dc248bbd832f4e3e69dfaac2f92638bd0bbd18f2912ba4ef454919cf446");
  EXPECT_EQ(keccak256(as_bytes(std::string(136, 'a'))).hex(),
            "a6c4d403279fe3e0af03729caada8374b5ca54d8065329a3ebcaeb4b60aa386e");
  EXPECT_EQ(keccak256(as_bytes(std::string(137, 'a'))).hex(),
            "d869f639c7046b4929fc92a4d988a8b22c55fbadb802c0c66ebcd484f1915f39");
}

TEST(Hash, TextForm) {
  const Hash hash = sha256({});
  ASSERT_TRUE(Hash::from_hex(hash.hex()).ok());
  EXPECT_EQ(*Hash::from_hex(hash.hex()), hash);
  EXPECT_FALSE(Hash::from_hex("abcd").ok());
  EXPECT_FALSE(Hash::from_hex(hash.hex() + "00").ok());
}

}  // namespace
}  // namespace starling::base
