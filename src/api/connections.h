#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <set>
#include <thread>

namespace starling::api {

struct ConnectionLimits {
  std::size_t most = 0;
  std::chrono::milliseconds patience{};  // for a request's header, and beyond what bytes may take
  std::uint64_t slowest = 0;             // bytes a second at which a body may come or go
};

// One connection of a client.
class Connection {
 public:
  Connection(int descriptor, bool tls) : descriptor_(descriptor), tls_(tls) {}
  // Whether the client has closed it, or its sending half, and everything it sent was read; over TLS whatever is not
  // read, for that may be its farewell. While it is open here.
  bool is_left() const;

 private:
  friend class Connections;
  const int descriptor_;
  const bool tls_;
  std::atomic<std::int64_t> deadline_ = 0;  // steady, in milliseconds
  std::atomic<bool> idle_ = true;           // no request has begun to be answered
  std::atomic<bool> fresh_ = true;          // nor ever has
  // What the sweeping thread has seen of a body or a response: since when, and TCP's bytes of both directions by then.
  std::int64_t seen_deadline_ = 0;
  std::int64_t seen_at_ = 0;
  std::uint64_t seen_bytes_ = 0;
};

// The open connections, and a thread that shuts those down that take too long for what they do: to send a header (also
// the next one of a connection that is kept), to send a body, to take a response. When nearly all that may be are open,
// new clients are served all the same: bodies and responses are then shut down as soon as they fall behind the slowest
// pace by a thirtieth of the patience, and of the others those that have been idle for longest, but for new ones, which
// have a moment to ask. Thread safe.
class Connections {
 public:
  explicit Connections(const ConnectionLimits& limits);
  ~Connections();
  Connections(const Connections&) = delete;
  Connections& operator=(const Connections&) = delete;

  Connection* open(int descriptor, bool tls);
  // Before the descriptor is closed.
  void close(Connection* connection);
  std::size_t count() const;

  void wait_for_header(Connection& connection) const;
  // A body or a response of so many bytes is on its way.
  void move_bytes(Connection& connection, std::uint64_t bytes) const;
  // It is the server's turn.
  void compute(Connection& connection) const;

 private:
  bool is_crowded() const { return open_.size() > limits_.most / 16 * 15; }
  bool is_behind(Connection& connection, std::int64_t deadline, std::int64_t moment) const;
  void sweep();
  void sweep_forever();
  const ConnectionLimits limits_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  bool crowded_ = false;  // since the last sweep
  std::set<Connection*> open_;
  std::thread thread_;
};

}  // namespace starling::api
