#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace starling::node {

struct HttpRequest {
  std::string method = "GET";  // GET, HEAD, PUT, POST or DELETE
  std::string url;             // http:// or https://
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::size_t most_bytes = std::size_t{16} << 20;  // of the reply's body
  std::chrono::milliseconds connect_time{5'000};
  std::chrono::milliseconds time{60'000};  // for all of it
  // Below so many bytes a second for slow_time, while it is the other side's turn, it is given up. 0: never.
  std::uint64_t slowest = 0;
  std::chrono::seconds slow_time{10};
  // Asked at least every tenth of a second; true gives up with kCancelled.
  std::function<bool()> cancelled;
  // If given, takes the body of a reply with status 200 or 206 instead of HttpReply::body; an error gives up with it.
  std::function<base::Status(base::ByteView)> sink;
};

struct HttpReply {
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;

  // The value, or an empty text.
  const std::string& header(const std::string& name) const;
};

// Asks servers over HTTP/1.1 and keeps connections open for the next time. Follows no redirections, uses no proxy.
// Thread safe: each request of several at once has a connection of its own.
class HttpClient {
 public:
  HttpClient();
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // The reply, whatever its status. kIo: no connection, no whole reply, too slow; kLimit: a body that is too long;
  // kInvalidArgument: a URL that is none.
  base::Result<HttpReply> send(const HttpRequest& request);

  // These make an error of a status other than 2xx, with the message that came with it: kNotFound for 404,
  // kInvalidArgument for other 4xx, otherwise kIo.
  base::Result<HttpReply> get(const std::string& url);
  base::Result<HttpReply> post(const std::string& url, std::string body, const std::string& content_type);
  base::Result<HttpReply> put(const std::string& url, std::string body);

 private:
  struct Line;
  std::unique_ptr<Line> take();
  void give_back(std::unique_ptr<Line> line);
  std::mutex mutex_;
  std::vector<std::unique_ptr<Line>> idle_;
};

// Nothing when the status is 2xx; otherwise the error that get() would make of it.
base::Status reply_status(const std::string& url, const HttpReply& reply);

// "http://host:port" or "https://…", perhaps with a path, of at most 256 bytes, without a user, a query, a fragment or
// a final /: what provider endpoints and blob sources look like.
base::Status check_base_url(std::string_view url);

}  // namespace starling::node
