#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace starling::base {

// Time since 1970-01-01 00:00 UTC by the clock of this machine, which may be set back.
template <typename Unit>
std::int64_t unix_time() {
  return std::chrono::duration_cast<Unit>(std::chrono::system_clock::now().time_since_epoch()).count();
}
inline std::int64_t unix_seconds() { return unix_time<std::chrono::seconds>(); }
inline std::int64_t unix_milliseconds() { return unix_time<std::chrono::milliseconds>(); }

// "2026-09-24T12:00:00Z" of Unix seconds.
std::string utc_text(std::int64_t seconds);

}  // namespace starling::base
