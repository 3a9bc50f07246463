#include "api/videos/asking.h"

#include "api/videos/errors.h"
#include "base/bytes.h"

namespace starling::api::videos {
namespace {

constexpr std::size_t kMostIdempotency = 255;

Response refuse_quota(std::string_view message) { return refuse(429, "insufficient_quota", "", message); }

}  // namespace

Asked<Asking> read_asking(const Gateway& gateway, const Request& request, const Parameters& parameters) {
  Asking asking;
  asking.idempotency = request.header("idempotency-key");
  if (asking.idempotency.size() > kMostIdempotency) {
    return refuse(400, "invalid_value", "", "an Idempotency-Key has at most 255 bytes");
  }
  base::Sha256 hash;
  hash.update(base::as_bytes(request.path + "\n" + parameters.values.to_text()));
  for (const auto& [name, bytes] : parameters.files) hash.update(base::as_bytes(bytes));
  asking.body = hash.finish();
  asking.owner = gateway.access->owner_of(request);
  return asking;
}

std::optional<Response> refuse_spent(const Gateway& gateway, const Request& request) {
  const auto key = gateway.access->key_of(request);
  if (key == nullptr || !key->budget.has_value()) return std::nullopt;
  const auto left = gateway.keys->left(key->id);
  if (!left.ok()) return refuse(left.error());
  if (*left != std::uint64_t{0}) return std::nullopt;
  return refuse_quota("this key's budget is spent; whoever runs the server can raise it: starling key set " + key->id +
                      " --budget CREDITS");
}

std::optional<Response> refuse_price(const Gateway& gateway, const Request& request, const jobs::NewVideo& video,
                                     std::uint64_t count) {
  const auto key = gateway.access->key_of(request);
  if (key == nullptr || !key->budget.has_value() || !gateway.rules.network) return std::nullopt;
  const auto left = gateway.keys->left(key->id);
  if (!left.ok()) return refuse(left.error());
  const auto quote = gateway.quote(video);
  // Whoever makes it says what is wrong.
  if (!quote.ok() || !left->has_value() || quote->price <= **left / count) return std::nullopt;
  return refuse_quota("this costs up to " + std::to_string(quote->price) + " motes each, and of this key's budget " +
                      std::to_string(**left) +
                      " are left: ask for less, or let whoever runs the server raise it: starling key set " + key->id +
                      " --budget CREDITS");
}

Response refuse_submission(const base::Error& error) {
  return error.code == base::ErrorCode::kInvalidArgument ? refuse(400, "idempotency_key_in_use", "", error.message)
                                                         : refuse(error);
}

}  // namespace starling::api::videos
