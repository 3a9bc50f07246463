#pragma once

#include <chrono>
#include <cstdint>

namespace starling::base {

// Time since 1970-01-01 00:00 UTC by the clock of this machine, which may be set back.
template <typename Unit>
std::int64_t unix_time() {
  return std::chrono::duration_cast<Unit>(std::chrono::system_clock::now().time_since_epoch()).count();
}
inline std::int64_t unix_seconds() { return unix_time<std::chrono::seconds>(); }
inline std::int64_t unix_milliseconds() { return unix_time<std::chrono::milliseconds>(); }

}  // namespace starling::base
