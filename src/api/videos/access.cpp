#include "api/videos/access.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cctype>

#include "api/studio.h"
#include "api/videos/errors.h"
#include "api/videos/network_endpoints.h"
#include "base/random.h"
#include "base/wall_clock.h"

namespace starling::api::videos {
namespace {

// What anybody may see.
bool is_public(const std::string& path) {
  return path == "/openapi.json" || path == "/health" || path == kWalletRpcPath || is_studio_path(path);
}

// What has no end but a number: it counts apart.
bool is_quote(const std::string& path) {
  return path == "/v1/videos/quote" || path == "/v1/videos/edits/quote" || path == "/v1/videos/extensions/quote";
}

std::string bearer(const Request& request) {
  const std::string& header = request.header("authorization");
  constexpr std::string_view kScheme = "bearer ";
  if (header.size() <= kScheme.size()) return {};
  const bool fits = std::equal(kScheme.begin(), kScheme.end(), header.begin(),
                               [](char a, unsigned char b) { return a == static_cast<char>(std::tolower(b)); });
  return fits ? header.substr(kScheme.size()) : std::string();
}

// A host as browsers send it when a page of this machine asks; a name that some other server gave an address of this
// machine is none.
bool is_own_host(std::string host) {
  const std::size_t colon = host.rfind(':');
  if (colon != std::string::npos && host.find(']', colon) == std::string::npos) host.resize(colon);
  const bool digits = std::ranges::all_of(host, [](unsigned char c) { return std::isdigit(c) != 0 || c == '.'; });
  return host == "localhost" || host == "[::1]" || (host.starts_with("127.") && digits);
}

bool is_header_list(const std::string& text) {
  return text.size() <= 1024 && std::ranges::all_of(text, [](unsigned char c) {
           return std::isalnum(c) != 0 || c == '-' || c == '_' || c == ',' || c == ' ';
         });
}

// Of one request of one server: another for each.
std::string new_request_id() {
  static const std::uint64_t first = base::random_u64();
  static std::atomic<std::uint64_t> count = 0;
  constexpr std::uint64_t kOdd = 0x9e3779b97f4a7c15;  // so that all 2^64 are taken before one comes again
  std::uint64_t number = first + kOdd * count.fetch_add(1, std::memory_order_relaxed);
  std::array<std::uint8_t, 8> bytes{};
  for (std::uint8_t& byte : bytes) {
    byte = static_cast<std::uint8_t>(number);
    number >>= 8U;
  }
  return "req_" + base::to_hex(bytes);
}

}  // namespace

std::shared_ptr<const jobs::ApiKey> Access::key_of(const Request& request) const {
  return keys_.required() ? keys_.find(bearer(request)) : nullptr;
}

std::string Access::owner_of(const Request& request) const {
  const auto key = key_of(request);
  return key == nullptr ? std::string() : key->id;
}

std::optional<Response> Access::refuse_origin(const Request& request) const {
  const std::string& origin = request.header("origin");
  const std::string& host = request.header("host");
  // Wallets ask from pages of their own.
  if (request.path == kWalletRpcPath) return std::nullopt;
  if (origin.empty() || origin == "http://" + host || origin == "https://" + host) return std::nullopt;
  const auto allowed = [&](const std::string& one) { return one == "*" || one == origin; };
  if (std::ranges::any_of(options_.origins, allowed)) return std::nullopt;
  return refuse(403, "origin_not_allowed", "",
                "pages of this origin may not ask here; starling serve --allow-origin lets them");
}

std::optional<Response> Access::refuse_key(std::string_view method, const Request& request) const {
  if (!keys_.required()) {
    if (is_own_host(request.header("host"))) return std::nullopt;
    return refuse(403, "host_not_allowed", "",
                  "without keys this server answers to localhost and 127.0.0.1 only; starling key create makes a key");
  }
  const std::string secret = bearer(request);
  const auto key = secret.empty() ? nullptr : keys_.find(secret);
  if (key == nullptr) {
    Response response = refuse(401, "invalid_api_key", "",
                               secret.empty() ? "this takes a key: send it as Authorization: Bearer KEY"
                                              : "this key is not known here, or was revoked");
    response.headers.emplace_back("WWW-Authenticate", "Bearer");
    return response;
  }
  if (key->expires_at && options_.milliseconds() / 1000 >= *key->expires_at) {
    Response response = refuse(401, "invalid_api_key", "",
                               "this key expired at " + base::utc_text(*key->expires_at) +
                                   "; use another, or let whoever runs the server renew it: starling key set " +
                                   key->id + " --days 30");
    response.headers.emplace_back("WWW-Authenticate", "Bearer");
    return response;
  }
  const bool reads = method == "GET" || method == "HEAD";
  const bool about_keys = request.path == "/v1/keys" || request.path.starts_with("/v1/keys/");
  // What is about keys takes their own scope, which its routes look at.
  if (!about_keys && (reads ? !key->scopes.read : !key->scopes.write)) {
    return refuse(403, "insufficient_permissions", "",
                  std::string("this key may not ") + (reads ? "read" : "write") + "; use one that may");
  }
  if (method != "POST") return std::nullopt;
  using Kind = jobs::ApiKeys::Kind;
  const bool quote = is_quote(request.path);
  const std::uint64_t wait = keys_.take(*key, quote ? Kind::kQuote : Kind::kSubmission, options_.milliseconds());
  if (wait == 0) return std::nullopt;
  Response response =
      refuse(429, "rate_limit_exceeded", "",
             "this key may send " + std::to_string(key->per_minute) +
                 " submissions a minute (every POST but quotes: videos, pictures, checks, keys), and " +
                 std::to_string(jobs::ApiKeys::kQuotesEach) + " quotes for each of these; wait a little");
  response.headers.emplace_back("Retry-After", std::to_string((wait + 999) / 1000));
  response.headers.emplace_back("Retry-After-Ms", std::to_string(wait));
  return response;
}

Screened Access::screen(std::string_view method, const Request& request) const {
  Screened screened;
  screened.headers.emplace_back("X-Request-Id", new_request_id());
  screened.refusal = refuse_origin(request);
  const std::string& origin = request.header("origin");
  if (!origin.empty() && !screened.refusal) {
    screened.headers.emplace_back("Access-Control-Allow-Origin", origin);
    screened.headers.emplace_back("Vary", "Origin");
    screened.headers.emplace_back("Access-Control-Expose-Headers",
                                  "X-Request-Id, Retry-After, Retry-After-Ms, Content-Range, Accept-Ranges, ETag");
  }
  if (screened.refusal) return screened;
  if (method == "OPTIONS") {
    Response response;
    response.status = 204;
    response.content_type.clear();
    response.headers.emplace_back("Access-Control-Allow-Methods", "GET, HEAD, POST, DELETE");
    const std::string& wanted = request.header("access-control-request-headers");
    if (!wanted.empty() && is_header_list(wanted))
      response.headers.emplace_back("Access-Control-Allow-Headers", wanted);
    response.headers.emplace_back("Access-Control-Max-Age", "600");
    screened.refusal = std::move(response);
    return screened;
  }
  if (!is_public(request.path)) screened.refusal = refuse_key(method, request);
  return screened;
}

}  // namespace starling::api::videos
