#pragma once

#include <time.h>

#include <algorithm>
#include <vector>

namespace starling::cli {

// What benchmarks read: the clock for several threads, the process's own time for one, since others may be running.
inline double bench_clock(int threads) {
  timespec time{};
  clock_gettime(threads == 1 ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

inline double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

}  // namespace starling::cli
