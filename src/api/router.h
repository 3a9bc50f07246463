#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "api/http.h"

namespace starling::api {

// Where a route's handler runs.
enum class Runs : std::uint8_t {
  kHere,      // on a thread that serves connections: must never wait
  kOnWorker,  // on a worker: may wait for the disk or for a block
  kComputes,  // on one of a few threads: takes processor time, and waits for nothing
};

using Handler = std::function<Response(const Request&)>;
// Keeps the answer and gives it later, from any thread. Must not wait itself. While the answer is due only what the
// handler keeps takes memory: the body is gone once it returns.
using LaterHandler = std::function<void(Request, Answer)>;

// Handlers may throw: that is answered with 500.
struct Route {
  Method method = Method::kGet;
  std::string pattern;  // "/v1/blocks/{height}": a parameter is one whole segment
  std::size_t body_limit = 0;
  Runs runs = Runs::kHere;
  Handler handler;
  LaterHandler later;  // instead of handler
};

// A route that answers from memory or the disk's cache.
Route get_route(std::string pattern, Handler handler);
// A route that may wait.
Route get_on_worker(std::string pattern, Handler handler);

// The table of what a server answers. Where a literal segment and a parameter both match, the literal does.
class Router {
 public:
  // Halts when the pattern is malformed, or there is one already that matches the same.
  void add(Route route);
  void add(std::vector<Route> routes);

  struct Match {
    const Route* route = nullptr;
    int status = 404;     // 400, 404 or 405 when there is no route
    std::string allowed;  // with 405
    std::map<std::string, std::string> parameters;
  };
  // path: as it was sent, without the query. Thread safe while nothing is added.
  Match find(Method method, std::string_view path) const;

  const std::vector<Route>& routes() const { return routes_; }

  // Finds the route and runs it where the caller is, whatever Runs says, as a server does: a request that fits no route
  // and a handler that throws become error responses. target: path and query as sent. Fills in what follows from it.
  void answer(Request request, std::string_view target, const Answer& answer) const;

 private:
  struct Segments {
    std::vector<std::string> texts;  // a parameter's name, or a literal
    std::vector<bool> parameter;
  };
  std::vector<Route> routes_;
  std::vector<Segments> segments_;  // of the route of the same index
};

// Fills path, parameters and query from a target as sent. A response that refuses, or nothing and the route.
struct Routed {
  const Route* route = nullptr;
  std::optional<Response> refusal;
};
Routed route_request(const Router& router, std::string_view target, Request& request);

// Runs a handler; what it throws becomes a response.
void run_route(const Route& route, Request request, const Answer& answer);

}  // namespace starling::api
