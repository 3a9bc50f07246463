#include "api/videos/network_endpoints.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cctype>
#include <memory>
#include <string_view>
#include <utility>

#include "api/videos/errors.h"
#include "base/json.h"

namespace starling::api::videos {
namespace {

constexpr std::size_t kMostReply = std::size_t{4} << 20;
constexpr std::size_t kMostTransaction = std::size_t{64} << 10;
constexpr std::size_t kMostWord = 80;  // characters of an address, a hash or a number
constexpr int kMostAtOnce = 24;        // so that a node which is slow leaves workers to others
constexpr int kMostWalletsAtOnce = 8;
constexpr std::chrono::seconds kConnectTime{2};
constexpr std::chrono::seconds kTime{10};
constexpr base::JsonLimits kReplyLimits = {kMostReply, 16, std::size_t{1} << 18U};

// What may be asked, after /v1/ there and /v1/network/ here.
constexpr std::array<const char*, 14> kQueries = {"status",
                                                  "market",
                                                  "supply",
                                                  "models",
                                                  "providers",
                                                  "providers/{address}",
                                                  "providers/{address}/parts",
                                                  "tasks",
                                                  "tasks/{task}",
                                                  "tasks/{task}/parts",
                                                  "events",
                                                  "accounts/{address}",
                                                  "blocks/{height}",
                                                  "transactions/{id}"};
constexpr std::array<std::string_view, 7> kMembers = {"limit",     "after",   "before", "open",
                                                      "requester", "account", "task"};

// An address, a hash, a number, or a word such as "latest": nothing that could lead a URL elsewhere.
bool is_word(const std::string& text) {
  return !text.empty() && text.size() <= kMostWord &&
         std::ranges::all_of(text, [](unsigned char c) { return std::isalnum(c) != 0; });
}

// The node as it is asked, by so many at once.
class Line {
 public:
  Line(node::HttpClient& http, NetworkEndpointOptions options, int most)
      : http_(http), options_(std::move(options)), most_(most) {}

  Response ask(node::HttpRequest request, const std::string& path) {
    request.url = options_.url + "/v1/" + path;
    request.most_bytes = kMostReply;
    request.connect_time = kConnectTime;
    request.time = kTime;
    request.cancelled = options_.cancelled;
    if (++asking_ > most_) {
      --asking_;
      return refuse(503, "busy", "", "the network is being asked by as many as may; ask again in a moment");
    }
    const base::Result<node::HttpReply> reply = http_.send(request);
    --asking_;
    if (!reply.ok()) return unreachable();
    const base::Result<base::Json> json = base::Json::parse(reply->body, "the network's answer", kReplyLimits);
    if (!json.ok()) return unreachable();
    if (reply->status == 200) return json_response(*json);
    const base::Json* const error = json->find("error");
    const base::Result<std::string> message = error == nullptr ? base::Result<std::string>("") : error->text("message");
    if (!message.ok() || message->empty() || reply->status >= 500) return unreachable();
    return refuse(reply->status == 404 ? 404 : 400, reply->status == 404 ? "not_found" : "invalid_value", "", *message);
  }

 private:
  static Response unreachable() {
    Response response =
        refuse(503, "network_unreachable", "",
               "the network behind this server does not answer; what was asked for waits until it does");
    response.headers.emplace_back("Retry-After", "2");
    return response;
  }

  node::HttpClient& http_;
  const NetworkEndpointOptions options_;
  const int most_;
  std::atomic<int> asking_ = 0;
};

Response query(Line& line, std::string path, const Request& request) {
  for (const auto& [name, value] : request.parameters) {
    if (!is_word(value)) return refuse_parameter(name, "'" + name + "' is an address, a hash or a number");
    const std::string pattern = "{" + name + "}";
    path.replace(path.find(pattern), pattern.size(), value);
  }
  char mark = '?';
  for (const auto& [name, value] : request.query) {
    if (std::ranges::find(kMembers, name) == kMembers.end()) {
      return refuse(400, "unknown_parameter", name.substr(0, 64), "unknown parameter: '" + name.substr(0, 64) + "'");
    }
    if (!is_word(value)) return refuse_parameter(name, "'" + name + "' is an address, a hash or a number");
    path.append(1, mark).append(name).append("=").append(value);
    mark = '&';
  }
  return line.ask({}, path);
}

Response hand_on(Line& line, const Request& request) {
  const base::Result<base::Json> json =
      base::Json::parse(request.body, "the transaction", {kMostTransaction, 8, std::size_t{4096}});
  if (!json.ok()) return refuse(400, "invalid_json", "", json.error().message);
  if (!json->is_object()) return refuse(400, "invalid_json", "", "send one transaction, as an EIP-712 object");
  node::HttpRequest post;
  post.method = "POST";
  post.headers.emplace_back("Content-Type", "application/json");
  post.body = json->to_text();
  return line.ask(std::move(post), "transactions");
}

// A call of JSON-RPC, or several, of wallets, which send no key.
Response ask_rpc(Line& line, const Request& request) {
  const base::Result<base::Json> json =
      base::Json::parse(request.body, "the call", {kMostTransaction, 8, std::size_t{4096}});
  if (!json.ok()) return refuse(400, "invalid_json", "", json.error().message);
  node::HttpRequest post;
  post.method = "POST";
  post.headers.emplace_back("Content-Type", "application/json");
  post.body = json->to_text();
  return line.ask(std::move(post), "rpc");
}

}  // namespace

std::vector<Route> network_routes(node::HttpClient& http, const NetworkEndpointOptions& options) {
  const auto line = std::make_shared<Line>(http, options, kMostAtOnce);
  std::vector<Route> routes;
  for (const char* const path : kQueries) {
    routes.push_back(get_on_worker(std::string("/v1/network/") + path,
                                   [line, path](const Request& request) { return query(*line, path, request); }));
  }
  Route post;
  post.method = Method::kPost;
  post.pattern = "/v1/network/transactions";
  post.body_limit = kMostTransaction;
  post.runs = Runs::kOnWorker;
  post.handler = [line](const Request& request) { return hand_on(*line, request); };
  routes.push_back(post);
  // Those who need no key hold up nobody who has one.
  post.pattern = kWalletRpcPath;
  post.handler = [rpc = std::make_shared<Line>(http, options, kMostWalletsAtOnce)](const Request& request) {
    return ask_rpc(*rpc, request);
  };
  routes.push_back(std::move(post));
  return routes;
}

}  // namespace starling::api::videos
