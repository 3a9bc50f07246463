#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/connections.h"
#include "api/router.h"

struct MHD_Connection;

namespace starling::api {

// One request and its response, between the thread that serves the connection and whoever makes the response.
struct Exchange {
  enum class Stage : std::uint8_t { kHeader, kBody, kMaking };

  explicit Exchange(std::string sent) : target(std::move(sent)) {}

  // Of the thread that serves the connection.
  const std::string target;  // path and query as sent
  Stage stage = Stage::kHeader;
  Request request;
  const Route* route = nullptr;
  std::optional<Response> refusal;                           // what the request is answered with once its body has come
  std::vector<std::pair<std::string, std::string>> headers;  // of the response, whatever it is
  std::size_t body_limit = 0;
  std::size_t received = 0;  // of the body
  std::chrono::steady_clock::time_point begun = std::chrono::steady_clock::now();
  Connection* connection = nullptr;
  MHD_Connection* handle = nullptr;
  int status = 0;          // of the response
  std::uint64_t sent = 0;  // bytes of its body

  // Shared.
  std::atomic<std::size_t> buffered = 0;  // of the body in memory, as counted in the server's sum

  // Shared, under the mutex.
  std::mutex mutex;
  bool answered = false;
  std::optional<Response> response;
};

}  // namespace starling::api
