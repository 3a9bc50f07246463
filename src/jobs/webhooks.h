#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/result.h"
#include "jobs/database.h"
#include "jobs/video.h"
#include "node/http_client.h"

namespace starling::jobs {

// The header webhook-signature of Standard Webhooks, as OpenAI signs: "v1," and the base64 of HMAC-SHA-256 over
// "ID.TIMESTAMP.BODY" with the bytes that the secret's base64 stands for. secret: "whsec_" and base64.
base::Result<std::string> webhook_signature(const std::string& secret, std::string_view id, std::int64_t timestamp,
                                            std::string_view body);

// Tells the keys' URLs of videos that ended: once for each, or more often when the answer did not come through. What is
// to be told is in the database until somebody took it (any answer of 2xx) or it was tried for three days, after ever
// longer times. No redirections are followed.
class Webhooks {
 public:
  // database outlives this. now: Unix seconds.
  Webhooks(Database& database, std::function<std::int64_t()> now);
  ~Webhooks();
  Webhooks(const Webhooks&) = delete;
  Webhooks& operator=(const Webhooks&) = delete;

  // VideoQueue::OnEnd: enters what is to be told, if the owner has a URL and does not wait for the video anyway.
  static base::Status enter(Connection& connection, const Video& video);

 private:
  struct Delivery;
  void run();
  // The next that is due, sent; whether there was one.
  base::Result<bool> deliver_next();
  // The next that is due of a key that is not being told; the key is, from now on.
  base::Result<std::optional<Delivery>> take_next();
  base::Status send(const Delivery& delivery);
  base::Status note(const Delivery& delivery, bool taken);

  Database& database_;
  const std::function<std::int64_t()> now_;
  node::HttpClient http_;
  std::atomic<bool> stopping_ = false;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::set<std::string> told_;  // keys that are being told
  std::vector<std::thread> threads_;
};

}  // namespace starling::jobs
