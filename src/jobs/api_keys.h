#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "jobs/database.h"

namespace starling::jobs {

// What a key lets its holder do.
struct Scopes {
  bool read = true;   // see and fetch what was asked for with this key
  bool write = true;  // ask for videos, and delete them
  bool keys = false;  // make, list and revoke keys, also those that may do more than this one

  std::string text() const;  // "read,write"
  static base::Result<Scopes> from_text(const std::string& text);
};

struct ApiKey {
  std::string id;  // "key_" and 16 hexadecimal digits; no secret
  std::string name;
  Scopes scopes;
  std::optional<std::uint64_t> budget;  // motes that may be paid with it in all
  std::uint64_t spent = 0;              // motes
  std::uint32_t per_minute = 0;         // requests for something to be made; 0: any number
  std::int64_t created_at = 0;          // Unix seconds
  std::optional<std::int64_t> revoked_at;
  std::optional<std::int64_t> expires_at;  // from then on it works no more; nothing: it works until it is revoked
  std::string webhook_url;                 // told of each video that ends; empty: nobody
  std::string webhook_secret;              // "whsec_" and base64: what is sent there is signed with it
};

// Without its secrets; amounts as texts of motes.
base::Json to_json(const ApiKey& key);

struct NewKey {
  std::string name;
  Scopes scopes;
  std::optional<std::uint64_t> budget;
  std::uint32_t per_minute = 0;
  std::string webhook_url;
  std::optional<std::int64_t> expires_at = std::nullopt;
};

// What is to be different of a key; the rest stays.
struct KeyChange {
  std::optional<std::optional<std::uint64_t>> budget;  // motes in all, what was spent among them; nothing: any number
  std::optional<std::uint32_t> per_minute;
  std::optional<std::optional<std::int64_t>> expires_at;  // Unix seconds; nothing: never
};

// The keys of a gateway. Of a key's secret only the SHA-256 is kept: 256 bits from the system's entropy, which nobody
// finds from it. Thread safe.
class ApiKeys {
 public:
  // database outlives the keys.
  static base::Result<std::unique_ptr<ApiKeys>> open(Database& database);

  struct Created {
    ApiKey key;
    std::string secret;  // "sk-starling-" and 64 hexadecimal digits; shown once
  };
  base::Result<Created> create(const NewKey& wanted, std::int64_t now);
  base::Result<std::vector<ApiKey>> list() const;
  // The key as it then is. kNotFound: there is no such key; kInvalidArgument: it was revoked, or is to
  // expire before now.
  base::Result<ApiKey> change(const std::string& id, const KeyChange& change, std::int64_t now);
  // It works no more. kNotFound: there is no such key.
  base::Status revoke(const std::string& id, std::int64_t now);

  // Reads the keys again if another process changed something.
  base::Status refresh();
  // Whether there ever was a key: then nobody is served without one.
  bool required() const { return required_; }
  // The key of that secret that is not revoked, expired or not; null if there is none.
  std::shared_ptr<const ApiKey> find(const std::string& secret) const;
  // Counts a request of the key at this time, in milliseconds: 0, or after how many milliseconds there is room for it.
  // Quotes count apart, and there may be kQuotesEach of them for each other request.
  enum class Kind : std::uint8_t { kSubmission, kQuote };
  static constexpr std::uint32_t kQuotesEach = 10;
  std::uint64_t take(const ApiKey& key, Kind kind, std::int64_t milliseconds);
  // Motes that are left of its budget; nothing: any number.
  base::Result<std::optional<std::uint64_t>> left(const std::string& id) const;

 private:
  struct Bucket {
    double room = 0;
    std::int64_t at = 0;
  };
  explicit ApiKeys(Database& database) : database_(database) {}
  base::Status load();

  Database& database_;
  std::atomic<bool> required_ = false;
  std::int64_t version_ = -1;
  mutable std::shared_mutex mutex_;
  std::map<std::string, std::shared_ptr<const ApiKey>> by_hash_;
  std::mutex buckets_mutex_;
  std::map<std::pair<std::string, Kind>, Bucket> buckets_;  // by id
};

}  // namespace starling::jobs
