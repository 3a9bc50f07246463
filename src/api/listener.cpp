#include "api/listener.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

namespace starling::api {
namespace {

constexpr int kBacklog = 1024;

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;

  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

bool fill(SocketAddress& socket, const std::string& address, std::uint16_t port) {
  auto* const v4 = reinterpret_cast<sockaddr_in*>(&socket.storage);
  if (::inet_pton(AF_INET, address.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    socket.size = sizeof(sockaddr_in);
    return true;
  }
  auto* const v6 = reinterpret_cast<sockaddr_in6*>(&socket.storage);
  if (::inet_pton(AF_INET6, address.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    socket.size = sizeof(sockaddr_in6);
    return true;
  }
  return false;
}

}  // namespace

base::Result<Listener> listen_on(const std::string& address, std::uint16_t port) {
  SocketAddress socket_address;
  if (!fill(socket_address, address, port)) {
    return base::invalid("'" + address + "' is no address to listen on; give one in numbers, such as 127.0.0.1 or ::1");
  }
  const auto refused = [&](const char* what) {
    return base::io_error("cannot " + std::string(what) + " " + address + " port " + std::to_string(port) + ": " +
                          std::system_category().message(errno));
  };
  Listener listener;
  listener.descriptor = ::socket(socket_address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (listener.descriptor < 0) return refused("make a socket for");
  const int on = 1;
  ::setsockopt(listener.descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(listener.descriptor, socket_address.get(), socket_address.size) != 0 ||
      ::listen(listener.descriptor, kBacklog) != 0) {
    base::Error error = refused("listen on");
    ::close(listener.descriptor);
    return error;
  }
  SocketAddress bound;
  bound.size = sizeof bound.storage;
  if (::getsockname(listener.descriptor, bound.get(), &bound.size) != 0) {
    base::Error error = refused("look up");
    ::close(listener.descriptor);
    return error;
  }
  const bool v6 = bound.storage.ss_family == AF_INET6;
  listener.port = ntohs(v6 ? reinterpret_cast<const sockaddr_in6*>(&bound.storage)->sin6_port
                           : reinterpret_cast<const sockaddr_in*>(&bound.storage)->sin_port);
  listener.url = "http://" + (v6 ? "[" + address + "]" : address) + ":" + std::to_string(listener.port);
  return listener;
}

std::size_t raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
  if (limit.rlim_cur < limit.rlim_max) {
    const rlimit raised{limit.rlim_max, limit.rlim_max};
    if (::setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
  }
  return static_cast<std::size_t>(limit.rlim_cur);
}

}  // namespace starling::api
