#include "api/videos/key_endpoints.h"

#include <limits>
#include <string>
#include <utility>

#include "api/videos/errors.h"

namespace starling::api::videos {
namespace {

constexpr std::size_t kMostKeyBody = 4096;
constexpr std::int64_t kMostPerMinute = 1'000'000;

// Whoever may not gets a refusal.
std::optional<Response> refuse_stranger(const Gateway& gateway, const Request& request) {
  const auto key = gateway.access->key_of(request);
  if (key != nullptr && key->scopes.keys) return std::nullopt;
  return refuse(403, "insufficient_permissions", "",
                key == nullptr ? "the first key is made on the server's own machine: starling key create --scopes "
                                 "read,write,keys"
                               : "this key may not make, list or revoke keys; use one with the scope keys");
}

Response list(const jobs::ApiKeys& keys) {
  const auto listed = keys.list();
  if (!listed.ok()) return refuse(listed.error());
  base::Json data = base::Json::empty_array();
  for (const jobs::ApiKey& key : *listed) data.push(to_json(key));
  base::Json json = base::Json::empty_object();
  json.set("object", "list");
  json.set("data", std::move(data));
  return json_response(json);
}

// Where webhooks are sent is named by whoever runs the server, never by a request.
Asked<jobs::NewKey> read_key(const Request& request, std::int64_t now) {
  Asked<Parameters> parameters = read_parameters(request);
  if (parameters.refusal) return std::move(*parameters.refusal);
  jobs::NewKey wanted;
  for (const base::JsonMember& member : parameters.value->values.members()) {
    const std::string name = member.key.substr(0, 64);
    if (member.value.is_null()) continue;
    if (name == "name") {
      const auto text = member.value.as_text();
      if (!text.ok()) return refuse_parameter(name, "'name' is a text");
      wanted.name = *text;
    } else if (name == "scopes") {
      const auto text = member.value.as_text();
      const auto scopes = text.ok() ? jobs::Scopes::from_text(*text) : text.error();
      if (!scopes.ok()) return refuse_parameter(name, scopes.error().message);
      wanted.scopes = *scopes;
    } else if (name == "budget") {
      const auto text = member.value.as_text();
      const auto number = text.ok() ? base::Json::parse(*text, "the budget") : text.error();
      const auto motes = number.ok() ? number->as_integer(0) : number.error();
      if (!motes.ok()) return refuse_parameter(name, "'budget' is a text with a whole number of motes");
      wanted.budget = static_cast<std::uint64_t>(*motes);
    } else if (name == "per_minute") {
      const auto number = member.value.as_integer(0, kMostPerMinute);
      if (!number.ok()) return refuse_parameter(name, "'per_minute' is a whole number from 0 to 1000000");
      wanted.per_minute = static_cast<std::uint32_t>(*number);
    } else if (name == "expires_at") {
      const auto number = member.value.as_integer(0);
      if (!number.ok() || *number <= now) {
        return refuse_parameter(name,
                                "'expires_at' is a time to come, in Unix seconds; now it is " + std::to_string(now));
      }
      wanted.expires_at = *number;
    } else {
      return refuse(400, "unknown_parameter", name, "unknown parameter: '" + name + "'");
    }
  }
  return wanted;
}

Response create(const Gateway& gateway, jobs::ApiKeys& keys, const Request& request) {
  const std::int64_t now = gateway.now();
  Asked<jobs::NewKey> wanted = read_key(request, now);
  if (wanted.refusal) return std::move(*wanted.refusal);
  const auto created = keys.create(*wanted.value, now);
  if (!created.ok()) return refuse(created.error());
  base::Json json = to_json(created->key);
  json.set("secret", created->secret);
  return json_response(json);
}

Response revoke(const Gateway& gateway, jobs::ApiKeys& keys, const Request& request) {
  const std::string& id = request.parameter("id");
  const base::Status revoked = keys.revoke(id, gateway.now());
  if (!revoked.ok() && revoked.error().code == base::ErrorCode::kNotFound) {
    return refuse(404, "not_found", "", "there is no such key here; GET /v1/keys lists them");
  }
  if (!revoked.ok()) return refuse(revoked.error());
  base::Json json = base::Json::empty_object();
  json.set("id", id);
  json.set("object", "key.revoked");
  json.set("revoked", true);
  return json_response(json);
}

template <typename Handle>
Route route(const Gateway& gateway, Method method, std::string pattern, Handle handle) {
  Route route;
  route.method = method;
  route.pattern = std::move(pattern);
  route.runs = Runs::kOnWorker;
  route.body_limit = method == Method::kPost ? kMostKeyBody : 0;
  route.handler = [gateway, handle](const Request& request) {
    std::optional<Response> refused = refuse_stranger(gateway, request);
    Response response = refused ? std::move(*refused) : handle(request);
    response.headers.emplace_back("Cache-Control", "no-store");
    return response;
  };
  return route;
}

}  // namespace

std::vector<Route> key_routes(const Gateway& gateway, jobs::ApiKeys& keys) {
  return {route(gateway, Method::kGet, "/v1/keys", [&keys](const Request&) { return list(keys); }),
          route(gateway, Method::kPost, "/v1/keys",
                [gateway, &keys](const Request& request) { return create(gateway, keys, request); }),
          route(gateway, Method::kDelete, "/v1/keys/{id}",
                [gateway, &keys](const Request& request) { return revoke(gateway, keys, request); })};
}

}  // namespace starling::api::videos
