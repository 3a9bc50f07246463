#include "jobs/webhooks.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <vector>

#include "base/log.h"
#include "base/random.h"

namespace starling::jobs {
namespace {

constexpr std::chrono::seconds kDeliveryPause{1};
constexpr int kSenders = 8;
constexpr std::int64_t kLongestWait = 3600;            // seconds between two tries
constexpr std::int64_t kGivenUpAfter = 3 * 24 * 3600;  // seconds
constexpr std::string_view kPrefix = "whsec_";

}  // namespace

base::Result<std::string> webhook_signature(const std::string& secret, std::string_view id, std::int64_t timestamp,
                                            std::string_view body) {
  if (!secret.starts_with(kPrefix)) return base::invalid("a webhook's secret begins with whsec_");
  const std::string text = secret.substr(kPrefix.size());
  std::vector<unsigned char> key(text.size() / 4 * 3 + 3);
  const int size =
      EVP_DecodeBlock(key.data(), reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  if (size < 0) return base::invalid("a webhook's secret is whsec_ and base64");
  const auto padding = static_cast<int>(std::ranges::count(text, '='));
  const std::string message = std::string(id) + "." + std::to_string(timestamp) + "." + std::string(body);
  std::array<unsigned char, EVP_MAX_MD_SIZE> code{};
  unsigned int code_size = 0;
  if (HMAC(EVP_sha256(), key.data(), size - padding, reinterpret_cast<const unsigned char*>(message.data()),
           message.size(), code.data(), &code_size) == nullptr) {
    return base::internal_error("the library cannot sign a webhook");
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE * 2> base64{};
  EVP_EncodeBlock(base64.data(), code.data(), static_cast<int>(code_size));
  return "v1," + std::string(reinterpret_cast<const char*>(base64.data()));
}

struct Webhooks::Delivery {
  std::string id;
  std::string key;
  std::string body;
  std::string url;
  std::string secret;
  std::int64_t created_at = 0;
  std::int64_t attempts = 0;
};

Webhooks::Webhooks(Database& database, std::function<std::int64_t()> now) : database_(database), now_(std::move(now)) {
  for (int i = 0; i < kSenders; ++i) threads_.emplace_back([this] { run(); });
}

Webhooks::~Webhooks() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

base::Status Webhooks::enter(Connection& connection, const Video& video) {
  if (video.awaited) return {};
  STARLING_ASSIGN(Statement hook, connection.prepare("SELECT webhook_url FROM keys WHERE id = ? AND webhook_url <> '' "
                                                     "AND revoked_at IS NULL"));
  STARLING_ASSIGN(const bool wanted, hook.bind(1, video.owner).step());
  if (!wanted) return {};
  std::array<std::uint8_t, 16> number{};
  base::fill_random(number);
  const std::string id = "evt_" + base::to_hex(number);
  base::Json data = base::Json::empty_object();
  data.set("id", video.id);
  base::Json event = base::Json::empty_object();
  event.set("id", id);
  event.set("object", "event");
  event.set("created_at", *video.completed_at);
  event.set("type", video.status == VideoStatus::kCompleted ? "video.completed" : "video.failed");
  event.set("data", std::move(data));
  STARLING_ASSIGN(
      Statement insert,
      connection.prepare("INSERT INTO deliveries (id, key, body, created_at, next_at) VALUES (?, ?, ?, ?, ?)"));
  insert.bind(1, id).bind(2, video.owner).bind(3, event.to_text()).bind(4, *video.completed_at);
  return insert.bind(5, *video.completed_at).run();
}

void Webhooks::run() {
  while (!stopping_) {
    const base::Result<bool> sent = deliver_next();
    if (!sent.ok()) base::log(base::LogLevel::kError, "webhooks wait", {{"reason", sent.error().message}});
    if (sent.ok() && *sent) continue;
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, kDeliveryPause, [this] { return stopping_.load(); });
  }
}

base::Result<std::optional<Webhooks::Delivery>> Webhooks::take_next() {
  const std::lock_guard lock(mutex_);
  std::optional<Delivery> due;
  STARLING_TRY(database_.read([&](Connection& connection) -> base::Status {
    STARLING_ASSIGN(Statement row,
                    connection.prepare("SELECT d.id, d.key, d.body, k.webhook_url, k.webhook_secret, d.created_at, "
                                       "d.attempts FROM deliveries d JOIN keys k ON k.id = d.key WHERE d.next_at <= ? "
                                       "ORDER BY d.next_at"));
    row.bind(1, now_());
    while (!due) {
      STARLING_ASSIGN(const bool there, row.step());
      if (!there) return {};
      if (told_.contains(row.text(1))) continue;
      due = Delivery{row.text(0), row.text(1), row.text(2), row.text(3), row.text(4), row.integer(5), row.integer(6)};
    }
    return {};
  }));
  if (due) told_.insert(due->key);
  return due;
}

base::Result<bool> Webhooks::deliver_next() {
  STARLING_ASSIGN(const std::optional<Delivery> due, take_next());
  if (!due) return false;
  const base::Status sent = send(*due);
  {
    const std::lock_guard lock(mutex_);
    told_.erase(due->key);
  }
  STARLING_TRY(sent);
  return true;
}

base::Status Webhooks::send(const Delivery& delivery) {
  const std::int64_t now = now_();
  STARLING_ASSIGN(const std::string signature, webhook_signature(delivery.secret, delivery.id, now, delivery.body));
  node::HttpRequest request;
  request.method = "POST";
  request.url = delivery.url;
  request.body = delivery.body;
  request.headers = {{"Content-Type", "application/json"},
                     {"Webhook-Id", delivery.id},
                     {"Webhook-Timestamp", std::to_string(now)},
                     {"Webhook-Signature", signature}};
  request.most_bytes = std::size_t{1} << 16;
  request.time = std::chrono::seconds(10);
  request.cancelled = [this] { return stopping_.load(); };
  const base::Result<node::HttpReply> reply = http_.send(request);
  if (!reply.ok() && reply.error().code == base::ErrorCode::kCancelled) return {};
  return note(delivery, reply.ok() && reply->status >= 200 && reply->status < 300);
}

base::Status Webhooks::note(const Delivery& delivery, bool taken) {
  return database_.write([&](Connection& connection) -> base::Status {
    const std::int64_t now = now_();
    if (taken || now - delivery.created_at > kGivenUpAfter) {
      STARLING_ASSIGN(Statement done, connection.prepare("DELETE FROM deliveries WHERE id = ?"));
      return done.bind(1, delivery.id).run();
    }
    constexpr std::int64_t kDoublings = 12;
    const std::int64_t wait = std::min(std::int64_t{1} << std::min(delivery.attempts, kDoublings), kLongestWait);
    STARLING_ASSIGN(Statement later,
                    connection.prepare("UPDATE deliveries SET attempts = attempts + 1, next_at = ? WHERE id = ?"));
    return later.bind(1, now + wait).bind(2, delivery.id).run();
  });
}

}  // namespace starling::jobs
