#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "base/result.h"
#include "jobs/database.h"

namespace starling::cli {

// The folder of `starling serve`: what was given, or `gateway` in the person's own; made if it is not there.
base::Result<std::filesystem::path> gateway_home(const std::string& given);
// Its database of jobs and keys.
base::Result<std::unique_ptr<jobs::Database>> open_gateway_database(const std::filesystem::path& home);

inline constexpr const char* kGatewayHomeHelp =
    "Folder of the server's jobs, keys and videos; ~/.starling/gateway if not given";

}  // namespace starling::cli
