#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/router.h"
#include "base/metrics.h"
#include "base/result.h"

namespace starling::api {

// What is said of a request once its header is there, before its body comes.
struct Screened {
  std::optional<Response> refusal;                           // the answer: nothing else sees the request
  std::vector<std::pair<std::string, std::string>> headers;  // of every answer, also of those that refuse
};

struct ServerOptions {
  std::string address = "127.0.0.1";     // in numbers; 0.0.0.0 and :: are all there are
  std::uint16_t port = 0;                // 0: any that is free
  int threads = 2;                       // that serve connections
  bool gives_way = false;                // those threads wait for a core instead of interrupting who computes there
  int workers = 64;                      // that run handlers which may wait
  std::size_t most_waiting = 1024;       // requests before the workers; more are answered with 503
  int computing = 0;                     // threads for what only computes; 0: one per core, at least two, and one more
  std::size_t most_connections = 16384;  // fewer when the process may not have so many descriptors
  std::size_t header_bytes = 24576;      // of a request, with what the server needs beside it; cleared for each
  std::size_t buffered_bytes = std::size_t{256} << 20;  // of all bodies that are being received or worked on
  std::chrono::milliseconds patience{60'000};  // for a request's header, and beyond what a body or response may take
  std::uint64_t slowest = 16384;               // bytes a second at which a body may come, or a response go
  // Called with each request, whose method is as it was sent; path, query and headers are there, parameters are not. On
  // a thread that serves connections: must not wait.
  std::function<Screened(std::string_view method, const Request& request)> screen = nullptr;
  // Called with the target and the answer of each request whose status is 400 or above; may change the answer.
  std::function<void(std::string_view target, Response& response)> on_error = nullptr;
  // PEM texts, both or neither: the server speaks TLS only.
  std::string certificate = {};
  std::string private_key = {};
};

// An HTTP/1.1 server for a table of routes. A request that is malformed, too long or too slow harms nobody but its
// sender; docs/api.md lists what is refused and how.
class Server {
 public:
  // metrics, if given, must outlive the server.
  static base::Result<std::unique_ptr<Server>> start(Router router, const ServerOptions& options,
                                                     base::Metrics* metrics = nullptr);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  std::uint16_t port() const;
  // http://address:port
  const std::string& url() const;
  // Takes no more connections, lets handlers that run come to their end, answers the rest with 503, closes everything.
  // Fine to call twice.
  void stop();

 private:
  struct State;
  explicit Server(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace starling::api
