#include "consensus/block_clock.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "base/log.h"

namespace starling::consensus {
namespace {

template <typename Source>
std::uint64_t milliseconds() {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(Source::now().time_since_epoch()).count());
}

}  // namespace

Clock system_clock() { return {milliseconds<std::chrono::system_clock>, milliseconds<std::chrono::steady_clock>}; }

BlockClock::BlockClock(Clock clock, std::uint64_t last) : clock_(std::move(clock)), time_(last) {
  time_ = std::max(last, clock_.wall());
  if (clock_.steady) steady_ = clock_.steady();
}

std::uint64_t BlockClock::now() {
  const std::uint64_t wall = clock_.wall();
  if (!clock_.steady) {
    time_ = std::max(time_, wall);
    return time_;
  }
  const std::uint64_t steady = clock_.steady();
  const std::uint64_t expected = time_ + (steady - steady_);
  steady_ = steady;
  const bool astray = wall > expected ? wall - expected > kTolerance : expected - wall > kTolerance;
  if (astray != astray_) {
    base::log(base::LogLevel::kWarning,
              astray ? "the computer's clock is far from the time of blocks, which goes on without it"
                     : "the computer's clock agrees with the time of blocks again",
              {{"clock", std::to_string(wall)}, {"blocks", std::to_string(expected)}});
  }
  astray_ = astray;
  time_ = std::max(time_, astray ? expected : wall);
  return time_;
}

}  // namespace starling::consensus
