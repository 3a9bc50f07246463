#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <thread>

#include "api/listener.h"
#include "api/server.h"
#include "node/http_client.h"
#include "raw_client.h"

namespace starling::api {
namespace {

constexpr int kIdle = 10'000;
constexpr int kLeastIdle = 500;  // where a process may not have as many descriptors

// Another process, since both ends of so many connections are more than one may have: opens as many to the port it
// reads, writes how many it has, and holds them until it can read no more.
[[noreturn]] void hold_connections(int idle, int from, int to) {
  std::uint16_t port = 0;
  if (::read(from, &port, sizeof port) != sizeof port) ::_exit(1);
  (void)raise_descriptor_limit();
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int open = 0;
  for (; open < idle; ++open) {
    const int descriptor = ::socket(AF_INET, SOCK_STREAM, 0);
    if (descriptor < 0) break;
    if (::connect(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) break;
    // Half of them begin a request that they never end.
    if (open % 2 == 0 && ::send(descriptor, "GET /hello HT", 13, MSG_NOSIGNAL) != 13) break;
  }
  (void)!::write(to, &open, sizeof open);
  char end = 0;
  (void)!::read(from, &end, 1);
  ::_exit(0);
}

std::size_t resident_bytes() {
  long pages = 0;
  if (std::FILE* const file = std::fopen("/proc/self/statm", "r")) {
    if (std::fscanf(file, "%*d %ld", &pages) != 1) pages = 0;
    std::fclose(file);
  }
  return static_cast<std::size_t>(pages) * 4096;
}

TEST(Idle, TenThousandConnectionsHarmNobody) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  // Three of four descriptors may be connections, and the server keeps some of those free.
  const int idle = static_cast<int>(std::min<rlim_t>(kIdle, limit.rlim_max / 3 * 2));
  ASSERT_GE(idle, kLeastIdle) << "this process may have " << limit.rlim_max << " descriptors only: see ulimit -Hn";
  int to_child[2];
  int from_child[2];
  ASSERT_EQ(::pipe(to_child), 0);
  ASSERT_EQ(::pipe(from_child), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::close(to_child[1]);
    hold_connections(idle, to_child[0], from_child[1]);
  }
  ::close(to_child[0]);
  ::close(from_child[1]);

  base::Metrics metrics;
  Router router;
  router.add(get_route("/hello", [](const Request&) { return text_response("hello", "text/plain"); }));
  const auto server = Server::start(std::move(router), {}, &metrics);
  ASSERT_TRUE(server.ok());
  const std::size_t before = resident_bytes();
  const std::uint16_t port = (*server)->port();
  ASSERT_EQ(::write(to_child[1], &port, sizeof port), static_cast<ssize_t>(sizeof port));
  int open = 0;
  ASSERT_EQ(::read(from_child[0], &open, sizeof open), static_cast<ssize_t>(sizeof open));
  EXPECT_EQ(open, idle);
  // All of them are taken, and others are served at once: on new connections and on one that is kept.
  std::vector<double> times;
  for (int i = 0; i < 200; ++i) {
    node::HttpClient client;
    const auto begun = std::chrono::steady_clock::now();
    const auto reply = client.get((*server)->url() + "/hello");
    ASSERT_TRUE(reply.ok()) << reply.error().message;
    times.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count());
  }
  std::ranges::sort(times);
  EXPECT_LT(times[times.size() / 2], 0.1);
  EXPECT_GE(metrics.gauge("starling_http_connections", "").value(), idle);
  const std::size_t grown = resident_bytes() - before;
  std::printf("%d connections: median request %.2f ms, %zu KiB a connection\n", idle, times[times.size() / 2] * 1000,
              grown / static_cast<std::size_t>(idle) / 1024);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  EXPECT_LT(grown, std::size_t{400} << 20);
#endif
  ::close(to_child[1]);
  int status = 0;
  ::waitpid(child, &status, 0);
  ::close(from_child[0]);
}

// When nearly all that may be are open, those that have been idle for longest give way.
TEST(Idle, ConnectionsGiveWayToNewOnes) {
  ServerOptions options;
  options.most_connections = 64;
  Router router;
  router.add(get_route("/hello", [](const Request&) { return text_response("hello", "text/plain"); }));
  const auto server = Server::start(std::move(router), options);
  ASSERT_TRUE(server.ok());
  std::vector<std::unique_ptr<node::HttpClient>> clients;
  for (int i = 0; i < 300; ++i) {
    clients.push_back(std::make_unique<node::HttpClient>());
    const auto reply = clients.back()->get((*server)->url() + "/hello");
    EXPECT_TRUE(reply.ok()) << i << " " << reply.error().message;
  }
}

// Bodies that hardly come, and responses that are hardly taken, give way when others wait; those that keep pace do not.
TEST(Idle, WhoFallsBehindGivesWayToNewOnes) {
  ServerOptions options;
  options.most_connections = 32;
  options.patience = std::chrono::seconds(120);
  options.slowest = 100'000;
  Router router;
  router.add(get_route("/hello", [](const Request&) { return text_response("hello", "text/plain"); }));
  router.add(
      get_route("/long", [](const Request&) { return text_response(std::string(8'000'000, 'x'), "text/plain"); }));
  Route take;
  take.method = Method::kPost;
  take.pattern = "/take";
  take.body_limit = 10'000'000;
  take.handler = [](const Request& r) { return text_response(std::to_string(r.body.size()), "text/plain"); };
  router.add(take);
  const auto server = Server::start(std::move(router), options);
  ASSERT_TRUE(server.ok());
  const std::uint16_t port = (*server)->port();
  constexpr std::size_t kBody = 1'500'000;
  RawClient upload(port);
  upload.send("POST /take HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: " + std::to_string(kBody) +
              "\r\n\r\n");
  // Sent for some 6 seconds, at two and a half times the pace.
  std::thread honest([&] {
    for (std::size_t sent = 0; sent < kBody; sent += kBody / 60) {
      if (!upload.send(std::string(kBody / 60, 'u'))) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
  });
  std::vector<std::unique_ptr<RawClient>> slow;
  for (int i = 0; i < 64; ++i) {
    slow.push_back(std::make_unique<RawClient>(port));
    slow.back()->send(i % 8 != 0 ? "POST /take HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\n\r\n{"
                                 : "GET /long HTTP/1.1\r\nHost: x\r\n\r\n");
  }
  for (int i = 0; i < 3; ++i) {
    RawClient client(port);
    client.send("GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    EXPECT_EQ(status_of(client.receive_all(30'000)), 200);
  }
  honest.join();
  EXPECT_EQ(status_of(upload.receive_all()), 200);
}

}  // namespace
}  // namespace starling::api
