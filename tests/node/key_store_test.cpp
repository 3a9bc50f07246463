#include "node/key_store.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/file.h"
#include "temporary_folder.h"

namespace starling::node {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kOne = "0000000000000000000000000000000000000000000000000000000000000001";
constexpr std::string_view kTwo = "0000000000000000000000000000000000000000000000000000000000000002";

class KeyStoreTest : public FolderTest {
 protected:
  // A clock that ticks a second at every reading.
  KeyStore store() {
    return KeyStore(folder_ / "keystore", [this] {
      return std::chrono::system_clock::time_point(std::chrono::seconds(1'795'319'760 + ticks_++));
    });
  }
  KeyHome home(std::optional<std::string> password = std::nullopt) const {
    return KeyHome{folder_ / "home", std::move(password)};
  }

  int ticks_ = 0;
};

TEST_F(KeyStoreTest, CreatesListsAndUnlocks) {
  const KeyStore keys = store();
  ASSERT_TRUE(keys.list().ok());
  EXPECT_TRUE(keys.list()->keys.empty());
  const StoredKey first = *keys.create("one", KeyCost::kAutomatic);
  const StoredKey second = *keys.create("two", KeyCost::kAutomatic);
  const KeyList list = *keys.list();
  ASSERT_EQ(list.keys.size(), 2U);
  EXPECT_EQ(list.keys[0].address, first.address);
  EXPECT_EQ(list.keys[1].address, second.address);
  EXPECT_EQ(fs::status(first.file).permissions(), fs::perms(0600));
  EXPECT_EQ(fs::status(folder_ / "keystore").permissions(), fs::perms(0700));
  EXPECT_EQ(first.file.filename(), "UTC--2026-11-22T03-56-00.000000000Z--" + base::to_hex(first.address.bytes));
  EXPECT_EQ(keys.unlock(second.address, "two")->address(), second.address);
  EXPECT_EQ(keys.unlock(second.address, "one").error().code, base::ErrorCode::kInvalidArgument);
  EXPECT_EQ(keys.unlock(base::Address{}, "one").error().code, base::ErrorCode::kNotFound);
}

TEST_F(KeyStoreTest, ImportsAndExports) {
  const KeyStore keys = store();
  const StoredKey stored = *keys.import_hex("0x" + std::string(kOne), "pw", KeyCost::kAutomatic);
  EXPECT_EQ(stored.address.text(), "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf");
  EXPECT_EQ(*keys.export_hex(stored.address, "pw"), kOne);
  EXPECT_FALSE(keys.export_hex(stored.address, "other").ok());
  EXPECT_EQ(keys.import_hex(kOne, "again", KeyCost::kAutomatic).error().code, base::ErrorCode::kInvalidArgument);
  for (const std::string_view bad : {"", "00", "zz", "not a key"}) {
    EXPECT_NE(keys.import_hex(bad, "pw").error().message.find("64 hexadecimal digits"), std::string::npos) << bad;
  }
  EXPECT_FALSE(keys.import_hex(std::string(64, '0'), "pw").ok());
  EXPECT_EQ(keys.list()->keys.size(), 1U);
}

TEST_F(KeyStoreTest, DamagedFilesAreReportedBesideGoodOnes) {
  const KeyStore keys = store();
  const StoredKey good = *keys.create("pw", KeyCost::kAutomatic);
  ASSERT_TRUE(base::write_file(folder_ / "keystore" / "UTC--broken", base::as_bytes("{")).ok());
  ASSERT_TRUE(base::write_file(folder_ / "keystore" / "notes.txt", base::as_bytes("mine")).ok());
  std::string costly = *base::read_text_file(good.file, kMaxKeyFileBytes);
  costly.replace(costly.find("4096"), 4, "1099511627776");
  ASSERT_TRUE(base::write_file(folder_ / "keystore" / "UTC--costly", base::as_bytes(costly)).ok());
  const KeyList list = *keys.list();
  ASSERT_EQ(list.keys.size(), 1U);
  EXPECT_EQ(list.keys[0].address, good.address);
  ASSERT_EQ(list.unreadable.size(), 2U);
  EXPECT_NE(list.unreadable[0].message.find("UTC--broken"), std::string::npos);
  EXPECT_NE(list.unreadable[1].message.find("UTC--costly"), std::string::npos);
  EXPECT_NE(list.unreadable[1].message.find("scrypt"), std::string::npos);
  // A file renamed to claim another address does not pass for it.
  EXPECT_FALSE(KeyStore("/dev/null").list().ok());
}

TEST_F(KeyStoreTest, DefaultKeyIsMadeOnce) {
  EXPECT_EQ(*default_address(home()), std::nullopt);
  const base::Result<base::SecretKey> first = default_key(home());
  ASSERT_TRUE(first.ok()) << first.error().message;
  EXPECT_EQ(*default_address(home()), first->address());
  EXPECT_EQ(default_key(home())->address(), first->address());
  EXPECT_EQ(KeyStore(home().keystore()).list()->keys.size(), 1U);
  EXPECT_EQ(fs::status(home().password_file()).permissions(), fs::perms(0600));
  EXPECT_EQ(fs::status(home().directory).permissions(), fs::perms(0700));
  EXPECT_EQ(home_password(home(), false)->size(), 32U);
}

TEST_F(KeyStoreTest, DefaultKeyUnderAGivenPassword) {
  const base::Result<base::SecretKey> first = default_key(home("pw"));
  ASSERT_TRUE(first.ok()) << first.error().message;
  EXPECT_FALSE(fs::exists(home().password_file()));
  EXPECT_EQ(default_key(home("pw"))->address(), first->address());
  EXPECT_FALSE(default_key(home("wrong")).ok());
  const base::Result<base::SecretKey> locked = default_key(home());
  ASSERT_FALSE(locked.ok());
  EXPECT_NE(locked.error().message.find("STARLING_PASSWORD"), std::string::npos);
}

TEST_F(KeyStoreTest, DefaultKeyCanBeChosen) {
  ASSERT_TRUE(default_key(home("pw")).ok());
  const StoredKey other = *KeyStore(home().keystore()).import_hex(kTwo, "pw", KeyCost::kAutomatic);
  EXPECT_FALSE(set_default_address(home(), base::Address{}).ok());
  ASSERT_TRUE(set_default_address(home(), other.address).ok());
  EXPECT_EQ(default_key(home("pw"))->address(), other.address);
  ASSERT_TRUE(base::write_file(home().default_file(), base::as_bytes("nonsense")).ok());
  EXPECT_NE(default_key(home("pw")).error().message.find("remove the file"), std::string::npos);
}

TEST_F(KeyStoreTest, AnUnknownPasswordIsAskedFor) {
  const base::Result<std::string> password = home_password(home(), false);
  ASSERT_EQ(password.error().code, base::ErrorCode::kNotFound);
  EXPECT_NE(password.error().message.find("STARLING_PASSWORD"), std::string::npos);
}

TEST_F(KeyStoreTest, RacingFirstUsesGetOneKey) {
  std::vector<base::Address> addresses(6);
  std::vector<std::thread> threads;
  for (base::Address& address : addresses) {
    threads.emplace_back([this, &address] {
      const base::Result<base::SecretKey> key = default_key(home());
      if (key.ok()) address = key->address();
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(addresses, std::vector<base::Address>(6, **default_address(home())));
  EXPECT_EQ(KeyStore(home().keystore()).list()->keys.size(), 1U);
}

TEST_F(KeyStoreTest, HomeComesFromTheEnvironment) {
  ::setenv("STARLING_HOME", "/a", 1);
  ::setenv("STARLING_PASSWORD", "pw", 1);
  EXPECT_EQ(KeyHome::from_environment()->directory, "/a");
  EXPECT_EQ(KeyHome::from_environment()->password, "pw");
  ::unsetenv("STARLING_HOME");
  ::unsetenv("STARLING_PASSWORD");
  ::setenv("HOME", "/b", 1);
  EXPECT_EQ(KeyHome::from_environment()->directory, "/b/.starling");
  EXPECT_EQ(KeyHome::from_environment()->password, std::nullopt);
  ::unsetenv("HOME");
  EXPECT_FALSE(KeyHome::from_environment().ok());
}

}  // namespace
}  // namespace starling::node
