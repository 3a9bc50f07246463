// Asks a server for one thing at a steady rate: starling_bench_reads PORT PATH RATE CONNECTIONS SECONDS. Each
// connection to 127.0.0.1 is due RATE / CONNECTIONS times a second, evenly, whether its last answer was quick or not; a
// request that waits for it is late, and its latency counts from when it was due. Once a millisecond it sends what is
// due and reads what has come, so that it takes little of the machine: latencies are too long by up to a millisecond.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "measure.h"

namespace {

using namespace starling::bench;

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kTick = 1'000'000;
constexpr std::int64_t kLast = 5 * kSecond;  // what is still on its way then failed

std::int64_t now() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * kSecond + time.tv_nsec;
}

void sleep_until(std::int64_t moment) {
  const timespec time{moment / kSecond, moment % kSecond};
  ::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, nullptr);
}

struct Connection {
  int socket = -1;
  std::deque<std::int64_t> due;  // when each request that is not answered was due; the first is on its way
  bool asked = false;
  std::string answer;
};

// The bytes of the whole answer that the text begins with; 0: more must come.
std::size_t answer_size(std::string_view text) {
  const std::size_t end = text.find("\r\n\r\n");
  if (end == std::string_view::npos) return 0;
  constexpr std::string_view kLength = "Content-Length: ";
  const std::size_t at = text.substr(0, end).find(kLength);
  if (at == std::string_view::npos) fail("an answer without its length");
  std::size_t length = 0;
  std::from_chars(text.data() + at + kLength.size(), text.data() + end, length);
  const std::size_t whole = end + 4 + length;
  return text.size() < whole ? 0 : whole;
}

class Load {
 public:
  Load(std::uint16_t port, const std::string& path, std::size_t connections)
      : request_("GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(port) + "\r\n\r\n"),
        epoll_(::epoll_create1(EPOLL_CLOEXEC)),
        connections_(connections) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (std::size_t i = 0; i < connections; ++i) {
      Connection& connection = connections_[i];
      connection.socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      if (::connect(connection.socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        fail("cannot connect to port " + std::to_string(port));
      }
      const int on = 1;
      ::setsockopt(connection.socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      epoll_event event{EPOLLIN, {}};
      event.data.u64 = i;
      ::epoll_ctl(epoll_, EPOLL_CTL_ADD, connection.socket, &event);
    }
  }

  void run(double rate, double seconds) {
    const auto total = static_cast<std::int64_t>(rate * seconds);
    const std::int64_t begun = now();
    const auto due = [&](std::int64_t i) {
      return begun + static_cast<std::int64_t>(static_cast<double>(i) * kSecond / rate);
    };
    std::int64_t next = 0;
    for (std::int64_t tick = begun; next < total || (left_ > 0 && tick < due(total) + kLast); tick += kTick) {
      sleep_until(tick);
      read_all();
      for (; next < total && due(next) <= tick; ++next) {
        Connection& connection = connections_[static_cast<std::size_t>(next) % connections_.size()];
        connection.due.push_back(due(next));
        ++left_;
        if (!connection.asked) ask(connection);
      }
    }
    std::ranges::sort(latencies_);
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    const double cpu = static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                       static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
    std::printf(
        "{\"requests\":%zu,\"seconds\":%.3f,\"p50\":%.3f,\"p99\":%.3f,\"max\":%.3f,\"errors\":%zu,\"cpu\":%.3f}\n",
        latencies_.size(), static_cast<double>(ended_ - begun) / kSecond, percentile(0.5), percentile(0.99),
        percentile(1), failed_ + left_, cpu);
  }

 private:
  void ask(Connection& connection) {
    connection.asked = true;
    if (::send(connection.socket, request_.data(), request_.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(request_.size())) {
      fail("a request could not be sent");
    }
  }

  void read_all() {
    std::array<epoll_event, 256> events{};
    const int count = ::epoll_wait(epoll_, events.data(), events.size(), 0);
    for (int i = 0; i < count; ++i) read(connections_[events.at(static_cast<std::size_t>(i)).data.u64]);
  }

  void read(Connection& connection) {
    std::array<char, 16384> bytes;  // NOLINT(cppcoreguidelines-pro-type-member-init): read() fills it
    const ssize_t count = ::recv(connection.socket, bytes.data(), bytes.size(), 0);
    if (count <= 0) fail("the server closed a connection");
    connection.answer.append(bytes.data(), static_cast<std::size_t>(count));
    const std::size_t size = answer_size(connection.answer);
    if (size == 0) return;
    if (!connection.asked || size != connection.answer.size()) fail("the server sent more than was asked for");
    ended_ = now();
    latencies_.push_back(ended_ - connection.due.front());
    failed_ += connection.answer.starts_with("HTTP/1.1 200 ") ? 0 : 1;
    connection.due.pop_front();
    connection.answer.clear();
    connection.asked = false;
    --left_;
    if (!connection.due.empty()) ask(connection);
  }

  // In milliseconds.
  double percentile(double share) const {
    if (latencies_.empty()) return 0;
    const auto at = static_cast<std::size_t>(share * static_cast<double>(latencies_.size() - 1));
    return static_cast<double>(latencies_[at]) / 1e6;
  }

  const std::string request_;
  const int epoll_;
  std::vector<Connection> connections_;
  std::vector<std::int64_t> latencies_;
  std::int64_t ended_ = 0;
  std::size_t left_ = 0;  // due, and not answered
  std::size_t failed_ = 0;
};

void compute(double seconds, double microseconds) {
  const std::int64_t begun = now();
  const auto work = static_cast<std::int64_t>(microseconds * 1000);
  for (std::int64_t tick = begun; tick < begun + static_cast<std::int64_t>(seconds * kSecond); tick += kTick) {
    sleep_until(tick);
    for (const std::int64_t woken = now(); now() < woken + work;) continue;
  }
}

}  // namespace

int main(int count, char** arguments) {
  if (count == 3) {
    compute(std::atof(arguments[1]), std::atof(arguments[2]));
    return 0;
  }
  if (count != 6) fail("usage: starling_bench_reads PORT PATH RATE CONNECTIONS SECONDS, or SECONDS MICROSECONDS");
  Load load(static_cast<std::uint16_t>(std::atoi(arguments[1])), arguments[2],
            static_cast<std::size_t>(std::atoi(arguments[4])));
  load.run(std::atof(arguments[3]), std::atof(arguments[5]));
  return 0;
}
