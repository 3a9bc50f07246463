#pragma once

#include <string>

#include "api/server.h"
#include "base/result.h"

namespace starling::cli {

// The address and port of --listen, such as 127.0.0.1:8000 or [::1]:8000; what else there is to say is as it comes.
base::Result<api::ServerOptions> read_listen(const std::string& text);

}  // namespace starling::cli
