#pragma once

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "base/encoding.h"
#include "base/signature.h"

namespace starling::bench {

[[noreturn]] inline void fail(const std::string& message) {
  std::fprintf(stderr, "error: %s\n", message.c_str());
  std::exit(1);
}

inline void take(const base::Status& status) {
  if (!status.ok()) fail(status.error().message);
}
template <typename T>
T take(base::Result<T> result) {
  if (!result.ok()) fail(result.error().message);
  return std::move(*result);
}

// Since some moment.
inline double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}
template <typename Body>
double seconds_of(const Body& body) {
  const double begun = seconds();
  body();
  return seconds() - begun;
}

inline double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

// Keys that are the same in every run.
inline base::SecretKey key_of(std::uint64_t number) {
  base::Encoder encoder;
  encoder.text("bench");
  encoder.u64(number);
  return take(base::SecretKey::from_bytes(base::sha256(encoder.data()).bytes));
}

inline std::int64_t unix_seconds() { return std::chrono::system_clock::to_time_t(std::chrono::system_clock::now()); }

}  // namespace starling::bench
