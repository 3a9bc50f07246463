#include "api/connections.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

namespace starling::api {
namespace {

constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

std::int64_t now() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// Of the patience: how far a body or a response may fall behind, and how long a new connection has for its first
// request, however many there are.
constexpr std::int64_t kBehindShare = 30;
constexpr std::int64_t kFreshShare = 120;

// Bytes that the other side has sent, and that it has taken.
std::uint64_t moved_bytes(int descriptor) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return 0;
  return info.tcpi_bytes_acked + info.tcpi_bytes_received;
}

}  // namespace

bool Connection::is_left() const {
  if (tls_) {
    pollfd look{descriptor_, POLLRDHUP, 0};
    return ::poll(&look, 1, 0) == 1;
  }
  char byte = 0;
  return ::recv(descriptor_, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

Connections::Connections(const ConnectionLimits& limits) : limits_(limits), thread_([this] { sweep_forever(); }) {}

Connections::~Connections() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
  for (Connection* connection : open_) delete connection;
}

Connection* Connections::open(int descriptor, bool tls) {
  auto* const connection = new Connection(descriptor, tls);
  wait_for_header(*connection);
  const std::lock_guard lock(mutex_);
  open_.insert(connection);
  if (is_crowded() && !std::exchange(crowded_, true)) changed_.notify_all();
  return connection;
}

void Connections::close(Connection* connection) {
  {
    const std::lock_guard lock(mutex_);
    open_.erase(connection);
  }
  delete connection;
}

std::size_t Connections::count() const {
  const std::lock_guard lock(mutex_);
  return open_.size();
}

void Connections::wait_for_header(Connection& connection) const {
  connection.deadline_ = now() + limits_.patience.count();
  connection.idle_ = true;
}

void Connections::move_bytes(Connection& connection, std::uint64_t bytes) const {
  connection.idle_ = false;
  connection.fresh_ = false;
  connection.deadline_ = now() + limits_.patience.count() +
                         static_cast<std::int64_t>(bytes / std::max<std::uint64_t>(1, limits_.slowest)) * 1000;
}

void Connections::compute(Connection& connection) const {
  connection.idle_ = false;
  connection.fresh_ = false;
  connection.deadline_ = kNever;
}

bool Connections::is_behind(Connection& connection, std::int64_t deadline, std::int64_t moment) const {
  const std::uint64_t bytes = moved_bytes(connection.descriptor_);
  if (std::exchange(connection.seen_deadline_, deadline) != deadline) {
    connection.seen_at_ = moment;
    connection.seen_bytes_ = bytes;
  }
  const std::uint64_t pace = std::max<std::uint64_t>(1, limits_.slowest);
  const std::uint64_t moved = bytes - std::min(bytes, connection.seen_bytes_);
  const auto due = static_cast<std::int64_t>(moved * 1000 / pace);
  return moment - connection.seen_at_ > due + limits_.patience.count() / kBehindShare;
}

void Connections::sweep() {
  const std::int64_t moment = now();
  const bool crowded = is_crowded();
  std::size_t left = open_.size();
  const std::int64_t fresh_until = limits_.patience.count() - limits_.patience.count() / kFreshShare;
  std::vector<std::pair<std::int64_t, Connection*>> idle;
  for (Connection* connection : open_) {
    const std::int64_t deadline = connection->deadline_;
    const bool moves = deadline != kNever && !connection->idle_;
    // Whoever serves the connection sees its end and closes it.
    if (deadline <= moment || (crowded && moves && is_behind(*connection, deadline, moment))) {
      ::shutdown(connection->descriptor_, SHUT_RDWR);
      --left;
    } else if (connection->idle_ && !(connection->fresh_ && deadline - moment > fresh_until)) {
      idle.emplace_back(deadline, connection);
    }
  }
  crowded_ = false;
  if (!crowded) return;
  const std::size_t surplus = std::min(idle.size(), left - std::min(left, limits_.most / 8 * 7));
  std::ranges::nth_element(idle, idle.begin() + static_cast<std::ptrdiff_t>(surplus));
  for (std::size_t i = 0; i < surplus; ++i) ::shutdown(idle[i].second->descriptor_, SHUT_RDWR);
}

void Connections::sweep_forever() {
  const auto period = std::clamp(limits_.patience / 8, std::chrono::milliseconds(10), std::chrono::milliseconds(250));
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    changed_.wait_for(lock, period, [this] { return stopping_ || crowded_; });
    sweep();
  }
}

}  // namespace starling::api
