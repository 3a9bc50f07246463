#pragma once

#include <cstdint>
#include <functional>

namespace starling::consensus {

// Where the orderer's time comes from, in milliseconds. Called from several threads.
struct Clock {
  std::function<std::uint64_t()> wall;  // since 1970
  // Since any moment, and never set: what `wall` is held to. None: `wall` is taken at its word.
  std::function<std::uint64_t()> steady;
};
Clock system_clock();

// A clock that was set wrong must not make every deadline fall due, nor keep all of them from it. So the time of blocks
// begins with the wall clock, or with the last block's time if that is later, follows the wall clock while the two are
// within kTolerance of each other, and goes on by the steady clock while they are not. Not thread safe.
class BlockClock {
 public:
  static constexpr std::uint64_t kTolerance = 5ULL * 60 * 1000;

  // last: the time of the last block.
  BlockClock(Clock clock, std::uint64_t last);
  // Never less than before.
  std::uint64_t now();
  // Whether the wall clock is too far off to be followed.
  bool astray() const { return astray_; }

 private:
  Clock clock_;
  std::uint64_t time_;
  std::uint64_t steady_ = 0;  // reading at time_
  bool astray_ = false;
};

}  // namespace starling::consensus
