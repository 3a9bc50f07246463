#include "jobs/webhooks.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <thread>

#include "jobs/api_keys.h"

namespace starling::jobs {
namespace {

namespace fs = std::filesystem;

// A port of this machine that takes connections, and answers them if it is asked to.
class Port {
 public:
  explicit Port(bool answers) : descriptor_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(descriptor_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(descriptor_, 16), 0);
    EXPECT_EQ(::getsockname(descriptor_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
    if (answers) thread_ = std::thread([this] { answer(); });
  }
  ~Port() {
    ::shutdown(descriptor_, SHUT_RDWR);
    if (thread_.joinable()) thread_.join();
    ::close(descriptor_);
  }
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/hook"; }
  int answered() const { return answered_; }

 private:
  void answer() {
    while (true) {
      const int client = ::accept(descriptor_, nullptr, nullptr);
      if (client < 0) return;
      std::string text(4096, '\0');
      (void)::recv(client, text.data(), text.size(), 0);
      constexpr std::string_view kAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
      EXPECT_EQ(::send(client, kAnswer.data(), kAnswer.size(), 0), static_cast<ssize_t>(kAnswer.size()));
      ::close(client);
      ++answered_;
    }
  }
  const int descriptor_;
  int port_ = 0;
  std::atomic<int> answered_ = 0;
  std::thread thread_;
};

TEST(WebhooksOfKeys, OneThatDoesNotAnswerKeepsBackNobodyElse) {
  const fs::path home = fs::temp_directory_path() / ("starling-webhooks-" + std::to_string(::getpid()));
  fs::remove_all(home);
  fs::create_directories(home);
  const Port dead(false);
  const Port alive(true);
  auto database = *Database::open(home / "jobs.sqlite");
  const auto keys = *ApiKeys::open(*database);
  const auto enter = [&](const Port& port, int count) {
    NewKey wanted;
    wanted.webhook_url = port.url();
    Video video;
    video.owner = keys->create(wanted, 1)->key.id;
    video.completed_at = 1;
    for (int i = 0; i < count; ++i) {
      video.id = "video_" + std::to_string(i);
      EXPECT_TRUE(database->write([&](Connection& connection) { return Webhooks::enter(connection, video); }).ok());
    }
  };
  enter(dead, 12);  // more than are sent at a time
  enter(alive, 3);
  const auto began = std::chrono::steady_clock::now();
  {
    const Webhooks webhooks(*database, [] { return std::int64_t{100}; });
    while (alive.answered() < 3 && std::chrono::steady_clock::now() - began < std::chrono::seconds(30)) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }
  EXPECT_EQ(alive.answered(), 3);
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(8)) << "the time of one that is dead";
  database.reset();
  fs::remove_all(home);
}

}  // namespace
}  // namespace starling::jobs
