#include "cli/listen.h"

#include <charconv>
#include <cstddef>
#include <system_error>

namespace starling::cli {

base::Result<api::ServerOptions> read_listen(const std::string& text) {
  api::ServerOptions options;
  const std::size_t colon = text.rfind(':');
  const auto read_port = [&] {
    const char* const end = text.data() + text.size();
    const auto read = std::from_chars(text.data() + colon + 1, end, options.port);
    return read.ec == std::errc() && read.ptr == end;
  };
  if (colon == std::string::npos || colon == 0 || !read_port()) {
    return base::invalid("\"" + text + "\" is no address to listen on: give ADDRESS:PORT, such as 127.0.0.1:8000");
  }
  options.address = text.substr(0, colon);
  if (options.address.starts_with('[') && options.address.ends_with(']')) {
    options.address = options.address.substr(1, options.address.size() - 2);
  }
  return options;
}

}  // namespace starling::cli
