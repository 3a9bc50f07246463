#include "node/key_file.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/json.h"

namespace starling::node {
namespace {

constexpr std::string_view kSecret = "7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d";

// The two test vectors of the Web3 Secret Storage definition.
constexpr std::string_view kPbkdf2File = R"({
  "crypto": {
    "cipher": "aes-128-ctr",
    "cipherparams": {"iv": "6087dab2f9fdbbfaddc31a909735c1e6"},
    "ciphertext": "5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46",
    "kdf": "pbkdf2",
    "kdfparams": {"c": 262144, "dklen": 32, "prf": "hmac-sha256",
                  "salt": "ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd"},
    "mac": "517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2"
  },
  "id": "3198bc9c-6672-5ab3-d995-4942343ae5b6",
  "version": 3
})";
constexpr std::string_view kScryptFile = R"({
  "crypto": {
    "cipher": "aes-128-ctr",
    "cipherparams": {"iv": "83dbcc02d8ccb40e466191a123791e0e"},
    "ciphertext": "d172bf743a674da9cdad04534d56926ef8358534d458fffccd4e6ad2fbde479c",
    "kdf": "scrypt",
    "kdfparams": {"dklen": 32, "n": 262144, "p": 8, "r": 1,
                  "salt": "ab0c7876052600dd703518d6fc3fe8984592145b591fc8fb5c6d43190334ba19"},
    "mac": "2103ac29920d71da29f15d75b4a16dbe95cfd7ff8faea1056c33131d846e3097"
  },
  "id": "3198bc9c-6672-5ab3-d995-4942343ae5b6",
  "version": 3
})";

TEST(KeyFile, PublishedVectors) {
  for (const std::string_view file : {kPbkdf2File, kScryptFile}) {
    const base::Result<base::SecretKey> key = decrypt_key(file, "testpassword");
    ASSERT_TRUE(key.ok()) << key.error().message;
    EXPECT_EQ(base::to_hex(key->bytes()), kSecret);
  }
  EXPECT_EQ(decrypt_key(kPbkdf2File, "Testpassword").error().code, base::ErrorCode::kInvalidArgument);
}

base::SecretKey secret() { return *base::SecretKey::from_bytes(*base::from_hex(kSecret)); }

TEST(KeyFile, OpensWhatItCloses) {
  for (const KeyCost cost : {KeyCost::kAutomatic, KeyCost::kLight, KeyCost::kStandard}) {
    const base::Result<std::string> file = encrypt_key(secret(), "p\xc3\xa4ss", cost);
    ASSERT_TRUE(file.ok()) << file.error().message;
    const base::Result<base::SecretKey> key = decrypt_key(*file, "p\xc3\xa4ss");
    ASSERT_TRUE(key.ok()) << key.error().message;
    EXPECT_EQ(base::to_hex(key->bytes()), kSecret);
    if (cost != KeyCost::kStandard) {
      EXPECT_FALSE(decrypt_key(*file, "pass").ok());
    }
    EXPECT_EQ(*claimed_address(*file), secret().address());
    EXPECT_EQ(file->find(kSecret), std::string::npos);
  }
}

TEST(KeyFile, HasTheFieldsOfTheDefinition) {
  const base::Json file = *base::Json::parse(*encrypt_key(secret(), "x", KeyCost::kLight), "file");
  EXPECT_EQ(*file.integer("version"), 3);
  EXPECT_EQ(file.text("id")->size(), 36U);
  EXPECT_EQ(file.text("id")->at(14), '4');
  EXPECT_EQ(*file.text("address"), "008aeeda4d805471df9b2a5b0f38a0c3bcba786b");
  const base::Json* crypto = *file.object("crypto");
  EXPECT_EQ(*crypto->text("cipher"), "aes-128-ctr");
  EXPECT_EQ(*crypto->text("kdf"), "scrypt");
  const base::Json* parameters = *crypto->object("kdfparams");
  EXPECT_EQ(*parameters->integer("n"), 4096);
  EXPECT_EQ(*parameters->integer("r"), 8);
  EXPECT_EQ(*parameters->integer("p"), 6);
  EXPECT_EQ(*parameters->integer("dklen"), 32);
}

TEST(KeyFile, SaltsDiffer) {
  EXPECT_NE(*encrypt_key(secret(), "x", KeyCost::kAutomatic), *encrypt_key(secret(), "x", KeyCost::kAutomatic));
}

// The text with one part of it replaced, which must be there.
std::string with(std::string_view text, std::string_view from, std::string_view to) {
  std::string changed(text);
  const std::size_t at = changed.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return changed.replace(at, from.size(), to);
}

TEST(KeyFile, HostileParametersAreRefusedAtOnce) {
  const std::vector<std::pair<const char*, const char*>> changes = {
      {"\"n\": 262144", "\"n\": 1099511627776"},
      {"\"n\": 262144", "\"n\": 262143"},
      {"\"n\": 262144", "\"n\": 0"},
      {"\"n\": 262144", "\"n\": 1"},
      {"\"n\": 262144", "\"n\": -2"},
      {"\"n\": 262144", "\"n\": 18446744073709551615"},
      {"\"n\": 262144", "\"n\": 1.5"},
      {"\"n\": 262144", "\"n\": 16777216"},
      {"\"r\": 1", "\"r\": 0"},
      {"\"r\": 1", "\"r\": 1073741824"},
      {"\"p\": 8", "\"p\": 0"},
      {"\"p\": 8", "\"p\": 1000000"},
      {"\"dklen\": 32", "\"dklen\": 16"},
      {"\"dklen\": 32", "\"dklen\": 1000000000"},
      {"\"version\": 3", "\"version\": 1"},
      {"\"version\": 3", "\"version\": \"3\""},
      {"aes-128-ctr", "aes-128-cbc"},
      {"\"scrypt\"", "\"bcrypt\""},
      {"83dbcc02d8ccb40e466191a123791e0e", "83dbcc02d8ccb40e466191a123791e"},
      {"83dbcc02d8ccb40e466191a123791e0e", "zzdbcc02d8ccb40e466191a123791e0e"},
      {"d172bf743a67", "d172bf743a"},
      {"\"mac\"", "\"mac2\""},
  };
  for (const auto& [from, to] : changes) {
    const base::Result<base::SecretKey> key = decrypt_key(with(kScryptFile, from, to), "testpassword");
    ASSERT_FALSE(key.ok()) << from << " to " << to;
    EXPECT_EQ(key.error().message.find("does not open"), std::string::npos) << "derived before refusing " << to;
    // Who only lists keys is told too.
    const auto claimed = claimed_address(with(kScryptFile, from, to));
    ASSERT_FALSE(claimed.ok()) << from << " to " << to;
    EXPECT_EQ(claimed.error().message, key.error().message);
    EXPECT_NE(key.error().message.find("wallet that made it"), std::string::npos) << key.error().message;
  }
  EXPECT_FALSE(decrypt_key(with(kPbkdf2File, "\"c\": 262144", "\"c\": 4000000000"), "testpassword").ok());
  EXPECT_FALSE(decrypt_key(with(kPbkdf2File, "\"c\": 262144", "\"c\": 0"), "testpassword").ok());
  EXPECT_FALSE(decrypt_key(with(kPbkdf2File, "hmac-sha256", "hmac-md5"), "testpassword").ok());
}

TEST(KeyFile, ChangedFilesDoNotOpen) {
  const std::string file = *encrypt_key(secret(), "x", KeyCost::kAutomatic);
  const base::Json* crypto = nullptr;
  const base::Json parsed = *base::Json::parse(file, "file");
  crypto = *parsed.object("crypto");
  for (const char* field : {"ciphertext", "mac"}) {
    std::string value = *crypto->text(field);
    std::string changed = value;
    changed[0] = changed[0] == '0' ? '1' : '0';
    EXPECT_FALSE(decrypt_key(with(file, value, changed), "x").ok()) << field;
  }
  // The address is outside what the code protects.
  EXPECT_EQ(decrypt_key(with(file, "008aeeda", "108aeeda"), "x").error().code, base::ErrorCode::kCorrupt);
  for (std::size_t size = 0; size < file.size(); size += 7) {
    EXPECT_NE(decrypt_key(file.substr(0, size), "x").error().message.find("backup"), std::string::npos) << size;
  }
  EXPECT_NE(decrypt_key(file, "y").error().message.find("give the one"), std::string::npos);
  EXPECT_FALSE(decrypt_key(std::string(100'000, ' '), "x").ok());
  EXPECT_FALSE(decrypt_key(file, std::string(5000, 'x')).ok());
}

}  // namespace
}  // namespace starling::node
