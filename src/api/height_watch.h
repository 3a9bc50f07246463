#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "consensus/chain.h"

namespace starling::api {

// Any number of waits for a next block, on one thread. Thread safe.
class HeightWatch {
 public:
  // The chain must outlive this.
  explicit HeightWatch(const consensus::Chain& chain);
  // Answers whatever waits.
  ~HeightWatch();
  HeightWatch(const HeightWatch&) = delete;
  HeightWatch& operator=(const HeightWatch&) = delete;

  // Calls done, soon after there is a block above this height or the time is over, with the height then. done must not
  // wait, and may be called before this returns.
  void wait(consensus::Height after, std::chrono::milliseconds timeout, std::function<void(consensus::Height)> done);

 private:
  struct Waiter {
    consensus::Height after;
    std::chrono::steady_clock::time_point until;
    std::function<void(consensus::Height)> done;
  };
  void run();
  void answer(consensus::Height height, bool all);
  const consensus::Chain& chain_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  std::vector<Waiter> waiters_;
  std::thread thread_;
};

}  // namespace starling::api
