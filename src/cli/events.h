#pragma once

#include <string>

#include "base/json.h"

namespace starling::cli {

// An entry of what /v1/events answers, for people: a line each for what happened.
std::string event_lines(const base::Json& entry);
// Unix milliseconds, as a decimal text, as "2026-11-22 10:16:09" in local time; the text itself if it is none.
std::string local_time(const std::string& milliseconds);

}  // namespace starling::cli
