#include "jobs/api_keys.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "base/file.h"

namespace starling::jobs {
namespace {

namespace fs = std::filesystem;

class Keys : public testing::Test {
 protected:
  Keys() : home_(fs::temp_directory_path() / ("starling-keys-" + std::to_string(::getpid()))) {
    fs::remove_all(home_);
    fs::create_directories(home_);
    database_ = *Database::open(home_ / "jobs.sqlite");
    keys_ = *ApiKeys::open(*database_);
  }
  ~Keys() override {
    keys_.reset();
    database_.reset();
    fs::remove_all(home_);
  }
  const fs::path home_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<ApiKeys> keys_;
};

TEST_F(Keys, AreFoundByTheirSecretsUntilTheyAreRevoked) {
  EXPECT_FALSE(keys_->required());
  const auto created = keys_->create({"mine", {true, false}, 5, 10, ""}, 100);
  ASSERT_TRUE(created.ok());
  EXPECT_TRUE(keys_->required());
  const auto found = keys_->find(created->secret);
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->id, created->key.id);
  EXPECT_EQ(found->name, "mine");
  EXPECT_FALSE(found->scopes.write);
  EXPECT_EQ(keys_->find(created->secret + "0"), nullptr);
  EXPECT_EQ(keys_->find(""), nullptr);
  ASSERT_TRUE(keys_->revoke(created->key.id, 200).ok());
  EXPECT_EQ(keys_->find(created->secret), nullptr);
  EXPECT_TRUE(keys_->required()) << "the last key that is revoked opens nothing";
  EXPECT_EQ(keys_->revoke("key_none", 1).error().code, base::ErrorCode::kNotFound);
  EXPECT_EQ(*(*keys_->list())[0].revoked_at, 200);
}

TEST_F(Keys, TheSecretIsNotInTheDatabase) {
  const auto created = keys_->create({}, 1);
  ASSERT_TRUE(created.ok());
  for (const auto& file : fs::directory_iterator(home_)) {
    const auto bytes = base::read_text_file(file.path(), 1 << 24);
    ASSERT_TRUE(bytes.ok());
    EXPECT_EQ(bytes->find(created->secret.substr(12)), std::string::npos) << file.path();
    EXPECT_EQ(fs::status(file.path()).permissions() & fs::perms::others_all, fs::perms::none) << file.path();
  }
}

TEST_F(Keys, WhatAnotherProcessDoesIsSeen) {
  const auto other_database = *Database::open(home_ / "jobs.sqlite");
  const auto other = *ApiKeys::open(*other_database);
  ASSERT_TRUE(keys_->refresh().ok());
  const auto created = other->create({}, 1);
  ASSERT_TRUE(created.ok());
  ASSERT_TRUE(keys_->refresh().ok());
  EXPECT_NE(keys_->find(created->secret), nullptr);
  ASSERT_TRUE(other->revoke(created->key.id, 2).ok());
  ASSERT_TRUE(keys_->refresh().ok());
  EXPECT_EQ(keys_->find(created->secret), nullptr);
}

TEST_F(Keys, BudgetsAndRatesCanBeChanged) {
  const auto made = *keys_->create({"phone", {}, 5, 30, ""}, 1);
  EXPECT_EQ(*keys_->left(made.key.id), std::uint64_t{5});
  KeyChange change;
  change.budget.emplace(7);
  const auto raised = keys_->change(made.key.id, change, 1);
  ASSERT_TRUE(raised.ok()) << raised.error().message;
  EXPECT_EQ(raised->budget, std::uint64_t{7});
  EXPECT_EQ(raised->per_minute, 30U);
  EXPECT_EQ(*keys_->left(made.key.id), std::uint64_t{7});
  change.budget.emplace();
  change.per_minute = 1;
  ASSERT_TRUE(keys_->change(made.key.id, change, 1).ok());
  EXPECT_FALSE(keys_->left(made.key.id)->has_value());
  const auto found = keys_->find(made.secret);
  ASSERT_NE(found, nullptr);
  EXPECT_FALSE(found->budget.has_value());
  EXPECT_EQ(found->per_minute, 1U);
  EXPECT_EQ(found->name, "phone");
  EXPECT_EQ(keys_->change("key_none", change, 1).error().code, base::ErrorCode::kNotFound);
  ASSERT_TRUE(keys_->revoke(made.key.id, 2).ok());
  EXPECT_EQ(keys_->change(made.key.id, change, 1).error().code, base::ErrorCode::kInvalidArgument);
}

TEST_F(Keys, ExpireWhenTheyAreToldTo) {
  EXPECT_FALSE(keys_->create({"late", {}, {}, 0, "", 100}, 100).ok());
  EXPECT_FALSE(keys_->create({"late", {}, {}, 0, "", 253'402'300'800}, 100).ok());
  const auto made = *keys_->create({"guest", {}, {}, 0, "", 101}, 100);
  EXPECT_EQ(keys_->find(made.secret)->expires_at, std::int64_t{101});
  EXPECT_EQ(*(*keys_->list())[0].expires_at, 101);
  KeyChange change;
  change.expires_at.emplace(150);
  EXPECT_FALSE(keys_->change(made.key.id, change, 150).ok());
  ASSERT_TRUE(keys_->change(made.key.id, change, 149).ok());
  EXPECT_EQ(keys_->find(made.secret)->expires_at, std::int64_t{150});
  change.expires_at.emplace();
  ASSERT_TRUE(keys_->change(made.key.id, change, 200).ok());
  EXPECT_FALSE(keys_->find(made.secret)->expires_at.has_value());
}

TEST_F(Keys, RatesHold) {
  using Kind = ApiKeys::Kind;
  ApiKey key;
  key.id = "key_a";
  key.per_minute = 2;
  EXPECT_EQ(keys_->take(key, Kind::kSubmission, 1000), 0U);
  EXPECT_EQ(keys_->take(key, Kind::kSubmission, 1000), 0U);
  EXPECT_GE(keys_->take(key, Kind::kSubmission, 1000), 29'000U);
  EXPECT_EQ(keys_->take(key, Kind::kSubmission, 31'100), 0U);
  EXPECT_GT(keys_->take(key, Kind::kSubmission, 31'100), 0U);
  // Quotes count apart, and more of them go.
  for (int i = 0; i < 20; ++i) EXPECT_EQ(keys_->take(key, Kind::kQuote, 31'100), 0U) << i;
  EXPECT_GE(keys_->take(key, Kind::kQuote, 31'100), 2'900U);
  EXPECT_EQ(keys_->take(key, Kind::kQuote, 34'200), 0U);
  EXPECT_GT(keys_->take(key, Kind::kSubmission, 34'200), 0U);
  key.per_minute = 0;
  for (int i = 0; i < 100; ++i) EXPECT_EQ(keys_->take(key, Kind::kSubmission, 0), 0U);
}

TEST_F(Keys, NamesScopesAndHooksAreChecked) {
  EXPECT_FALSE(keys_->create({std::string(101, 'x'), {}, {}, 0, ""}, 1).ok());
  EXPECT_FALSE(keys_->create({"\xFF", {}, {}, 0, ""}, 1).ok());
  EXPECT_FALSE(keys_->create({"", {}, {}, 0, "ftp://example.org"}, 1).ok());
  const auto hooked = keys_->create({"", {}, {}, 0, "http://127.0.0.1:9/hook"}, 1);
  ASSERT_TRUE(hooked.ok());
  EXPECT_EQ(hooked->key.webhook_secret.size(), 38U);
  EXPECT_TRUE(Scopes::from_text("read").ok());
  EXPECT_FALSE(Scopes::from_text("admin").ok());
}

}  // namespace
}  // namespace starling::jobs
