#include "raw_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <utility>

namespace starling::api {

RawClient::RawClient(std::uint16_t port) {
  descriptor_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(descriptor_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    ::close(descriptor_);
    descriptor_ = -1;
  }
}

RawClient::RawClient(RawClient&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), closed_(other.closed_) {}

RawClient::~RawClient() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

bool RawClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

std::string RawClient::receive_some(int milliseconds) {
  pollfd waiting{descriptor_, POLLIN, 0};
  if (closed_ || ::poll(&waiting, 1, milliseconds) <= 0) return {};
  std::array<char, 65536> buffer{};
  const ssize_t got = ::recv(descriptor_, buffer.data(), buffer.size(), 0);
  if (got <= 0) closed_ = true;
  return got > 0 ? std::string(buffer.data(), static_cast<std::size_t>(got)) : std::string();
}

std::string RawClient::receive_until(std::string_view text, int milliseconds) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds);
  std::string all;
  while (all.find(text) == std::string::npos && !closed_ && std::chrono::steady_clock::now() < end) {
    all += receive_some(10);
  }
  return all;
}

std::string RawClient::receive_all(int milliseconds) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds);
  std::string all;
  while (!closed_ && std::chrono::steady_clock::now() < end) all += receive_some(10);
  return all;
}

bool RawClient::closed_within(int milliseconds) {
  receive_all(milliseconds);
  return closed_;
}

int status_of(std::string_view reply) {
  if (!reply.starts_with("HTTP/1.") || reply.size() < 12) return 0;
  return std::atoi(std::string(reply.substr(9, 3)).c_str());
}

}  // namespace starling::api
