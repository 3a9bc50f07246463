#include "jobs/api_keys.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>

#include "base/hash.h"
#include "base/random.h"
#include "base/utf8.h"
#include "node/http_client.h"

namespace starling::jobs {
namespace {

constexpr std::size_t kMaxName = 100;
constexpr std::int64_t kLatest = 253'402'300'799;  // 9999-12-31 23:59:59
constexpr const char* kKeyColumns =
    "id, name, hash, scopes, budget, spent, per_minute, created_at, revoked_at, expires_at, webhook_url, "
    "webhook_secret";

std::string random_hex(std::size_t count) {
  std::vector<std::uint8_t> bytes(count);
  base::fill_random(bytes);
  return base::to_hex(bytes);
}

std::string new_webhook_secret() {
  std::array<std::uint8_t, 24> bytes{};
  base::fill_random(bytes);
  std::array<unsigned char, 33> text{};  // 24 bytes are 32 characters, without padding
  EVP_EncodeBlock(text.data(), bytes.data(), static_cast<int>(bytes.size()));
  return "whsec_" + std::string(reinterpret_cast<const char*>(text.data()));
}

base::Error no_key(const std::string& id) {
  return base::not_found("there is no key " + id + ": starling key list shows them");
}

base::Status check_expiry(std::optional<std::int64_t> at, std::int64_t now) {
  if (!at.has_value() || (*at > now && *at <= kLatest)) return {};
  return base::invalid("a key expires at a time to come, in Unix seconds, before the year 10000");
}

base::Result<ApiKey> read_key(const Statement& row) {
  ApiKey key;
  key.id = row.text(0);
  key.name = row.text(1);
  STARLING_ASSIGN(key.scopes, Scopes::from_text(row.text(3)));
  if (!row.is_null(4)) key.budget = static_cast<std::uint64_t>(row.integer(4));
  key.spent = static_cast<std::uint64_t>(std::max<std::int64_t>(row.integer(5), 0));
  key.per_minute = static_cast<std::uint32_t>(row.integer(6));
  key.created_at = row.integer(7);
  if (!row.is_null(8)) key.revoked_at = row.integer(8);
  if (!row.is_null(9)) key.expires_at = row.integer(9);
  key.webhook_url = row.text(10);
  key.webhook_secret = row.text(11);
  return key;
}

}  // namespace

std::string Scopes::text() const {
  std::string text;
  for (const auto& [has, name] : {std::pair(read, "read"), std::pair(write, "write"), std::pair(keys, "keys")}) {
    if (has) text.append(text.empty() ? "" : ",").append(name);
  }
  return text;
}

base::Result<Scopes> Scopes::from_text(const std::string& text) {
  Scopes scopes{false, false, false};
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    const std::string name = text.substr(at, end - at);
    bool* const scope = name == "read"    ? &scopes.read
                        : name == "write" ? &scopes.write
                        : name == "keys"  ? &scopes.keys
                                          : nullptr;
    if (scope == nullptr || *scope) {
      return base::invalid("\"" + text.substr(0, 64) +
                           "\" is no scope: give read, write, keys, or several with commas");
    }
    *scope = true;
    at = end + 1;
  }
  return scopes;
}

base::Json to_json(const ApiKey& key) {
  base::Json json = base::Json::empty_object();
  json.set("id", key.id);
  json.set("name", key.name);
  json.set("scopes", key.scopes.text());
  json.set("budget", key.budget ? base::Json(std::to_string(*key.budget)) : base::Json());
  json.set("spent", std::to_string(key.spent));
  json.set("per_minute", key.per_minute);
  json.set("created_at", key.created_at);
  json.set("revoked_at", key.revoked_at ? base::Json(*key.revoked_at) : base::Json());
  json.set("expires_at", key.expires_at ? base::Json(*key.expires_at) : base::Json());
  json.set("webhook", key.webhook_url.empty() ? base::Json() : base::Json(key.webhook_url));
  return json;
}

base::Result<std::unique_ptr<ApiKeys>> ApiKeys::open(Database& database) {
  std::unique_ptr<ApiKeys> keys(new ApiKeys(database));
  STARLING_TRY(keys->load());
  return keys;
}

base::Result<ApiKeys::Created> ApiKeys::create(const NewKey& wanted, std::int64_t now) {
  if (wanted.name.size() > kMaxName || base::first_invalid_utf8(wanted.name).has_value()) {
    return base::invalid("a key's name is a text of at most " + std::to_string(kMaxName) + " bytes");
  }
  STARLING_TRY(check_expiry(wanted.expires_at, now));
  if (!wanted.webhook_url.empty()) STARLING_TRY(node::check_base_url(wanted.webhook_url));
  Created created;
  ApiKey& key = created.key;
  key = {"key_" + random_hex(8),
         wanted.name,
         wanted.scopes,
         wanted.budget,
         0,
         wanted.per_minute,
         now,
         std::nullopt,
         wanted.expires_at,
         wanted.webhook_url,
         ""};
  if (!key.webhook_url.empty()) key.webhook_secret = new_webhook_secret();
  created.secret = "sk-starling-" + random_hex(32);
  STARLING_TRY(database_.write([&](Connection& connection) -> base::Status {
    STARLING_ASSIGN(
        Statement insert,
        connection.prepare("INSERT INTO keys (id, name, hash, scopes, budget, per_minute, created_at, "
                           "webhook_url, webhook_secret, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"));
    insert.bind(1, key.id).bind(2, key.name).bind(3, base::sha256(base::as_bytes(created.secret)).hex());
    insert.bind(4, key.scopes.text());
    if (key.budget.has_value()) insert.bind(5, static_cast<std::int64_t>(*key.budget));
    insert.bind(6, std::int64_t{key.per_minute}).bind(7, now).bind(8, key.webhook_url).bind(9, key.webhook_secret);
    if (key.expires_at.has_value()) insert.bind(10, *key.expires_at);
    return insert.run();
  }));
  STARLING_TRY(load());
  return created;
}

base::Result<std::vector<ApiKey>> ApiKeys::list() const {
  std::vector<ApiKey> keys;
  STARLING_TRY(database_.read([&](Connection& connection) -> base::Status {
    STARLING_ASSIGN(Statement row,
                    connection.prepare("SELECT " + std::string(kKeyColumns) + " FROM keys ORDER BY created_at, id"));
    while (true) {
      STARLING_ASSIGN(const bool there, row.step());
      if (!there) return {};
      STARLING_ASSIGN(ApiKey key, read_key(row));
      keys.push_back(std::move(key));
    }
  }));
  return keys;
}

base::Result<ApiKey> ApiKeys::change(const std::string& id, const KeyChange& change, std::int64_t now) {
  if (change.expires_at.has_value()) STARLING_TRY(check_expiry(*change.expires_at, now));
  ApiKey changed;
  STARLING_TRY(database_.write([&](Connection& connection) -> base::Status {
    STARLING_ASSIGN(Statement row,
                    connection.prepare("SELECT " + std::string(kKeyColumns) + " FROM keys WHERE id = ?"));
    STARLING_ASSIGN(const bool there, row.bind(1, id).step());
    if (!there) return no_key(id);
    STARLING_ASSIGN(changed, read_key(row));
    if (changed.revoked_at.has_value()) {
      return base::invalid("the key " + id + " was revoked: make another with starling key create");
    }
    if (change.budget.has_value()) changed.budget = *change.budget;
    if (change.per_minute.has_value()) changed.per_minute = *change.per_minute;
    if (change.expires_at.has_value()) changed.expires_at = *change.expires_at;
    STARLING_ASSIGN(Statement set, connection.prepare("UPDATE keys SET budget = ?, per_minute = ?, expires_at = ? "
                                                      "WHERE id = ?"));
    if (changed.budget.has_value()) set.bind(1, static_cast<std::int64_t>(*changed.budget));
    if (changed.expires_at.has_value()) set.bind(3, *changed.expires_at);
    return set.bind(2, std::int64_t{changed.per_minute}).bind(4, id).run();
  }));
  STARLING_TRY(load());
  return changed;
}

base::Status ApiKeys::revoke(const std::string& id, std::int64_t now) {
  STARLING_TRY(database_.write([&](Connection& connection) -> base::Status {
    STARLING_ASSIGN(Statement revoke,
                    connection.prepare("UPDATE keys SET revoked_at = coalesce(revoked_at, ?) WHERE id = ?"));
    STARLING_TRY(revoke.bind(1, now).bind(2, id).run());
    if (connection.changes() == 0) return no_key(id);
    return {};
  }));
  return load();
}

base::Status ApiKeys::load() {
  std::map<std::string, std::shared_ptr<const ApiKey>> by_hash;
  bool any = false;
  STARLING_TRY(database_.read([&](Connection& connection) -> base::Status {
    STARLING_ASSIGN(Statement row, connection.prepare("SELECT " + std::string(kKeyColumns) + " FROM keys"));
    while (true) {
      STARLING_ASSIGN(const bool there, row.step());
      if (!there) return {};
      any = true;
      STARLING_ASSIGN(ApiKey key, read_key(row));
      if (!key.revoked_at.has_value()) by_hash[row.text(2)] = std::make_shared<const ApiKey>(std::move(key));
    }
  }));
  const std::unique_lock lock(mutex_);
  by_hash_ = std::move(by_hash);
  required_ = any;
  return {};
}

base::Status ApiKeys::refresh() {
  STARLING_ASSIGN(const std::int64_t version, database_.version());
  if (version == version_) return {};
  STARLING_TRY(load());
  version_ = version;
  return {};
}

std::shared_ptr<const ApiKey> ApiKeys::find(const std::string& secret) const {
  const std::string hash = base::sha256(base::as_bytes(secret)).hex();
  const std::shared_lock lock(mutex_);
  const auto found = by_hash_.find(hash);
  return found == by_hash_.end() ? nullptr : found->second;
}

std::uint64_t ApiKeys::take(const ApiKey& key, Kind kind, std::int64_t milliseconds) {
  if (key.per_minute == 0) return 0;
  constexpr double kMinute = 60'000.0;
  const double most = static_cast<double>(key.per_minute) * (kind == Kind::kQuote ? kQuotesEach : 1);
  const std::lock_guard lock(buckets_mutex_);
  const auto [entry, fresh] = buckets_.try_emplace({key.id, kind}, Bucket{most, milliseconds});
  Bucket& bucket = entry->second;
  const auto gone = static_cast<double>(std::max<std::int64_t>(milliseconds - bucket.at, 0));
  bucket.room = std::min(most, bucket.room + gone * most / kMinute);
  bucket.at = milliseconds;
  if (bucket.room >= 1.0) {
    bucket.room -= 1.0;
    return 0;
  }
  return static_cast<std::uint64_t>((1.0 - bucket.room) * kMinute / most) + 1;
}

base::Result<std::optional<std::uint64_t>> ApiKeys::left(const std::string& id) const {
  std::optional<std::uint64_t> left;
  STARLING_TRY(database_.read([&](Connection& connection) -> base::Status {
    STARLING_ASSIGN(Statement row, connection.prepare("SELECT budget - spent FROM keys WHERE id = ?"));
    STARLING_ASSIGN(const bool there, row.bind(1, id).step());
    if (there && !row.is_null(0)) left = static_cast<std::uint64_t>(std::max<std::int64_t>(row.integer(0), 0));
    return {};
  }));
  return left;
}

}  // namespace starling::jobs
