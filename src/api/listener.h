#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace starling::api {

struct Listener {
  int descriptor = -1;  // whoever has it closes it
  std::uint16_t port = 0;
  std::string url;  // http://address:port
};

// A socket that listens on an address in numbers (IPv4 or IPv6) and a port; port 0 takes any that is free.
base::Result<Listener> listen_on(const std::string& address, std::uint16_t port);

// Descriptors that this process may have open, after raising the soft limit as far as it goes.
std::size_t raise_descriptor_limit();

}  // namespace starling::api
