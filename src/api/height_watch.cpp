#include "api/height_watch.h"

#include <algorithm>
#include <utility>

namespace starling::api {
namespace {

using Clock = std::chrono::steady_clock;

// How late a wait may end for want of a block.
constexpr auto kTick = std::chrono::milliseconds(50);

}  // namespace

HeightWatch::HeightWatch(const consensus::Chain& chain) : chain_(chain), thread_([this] { run(); }) {}

HeightWatch::~HeightWatch() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
  answer(chain_.height(), true);
}

void HeightWatch::wait(consensus::Height after, std::chrono::milliseconds timeout,
                       std::function<void(consensus::Height)> done) {
  const consensus::Height height = chain_.height();
  if (height > after || timeout.count() <= 0) {
    done(height);
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    waiters_.push_back({after, Clock::now() + timeout, std::move(done)});
  }
  changed_.notify_all();
}

void HeightWatch::answer(consensus::Height height, bool all) {
  std::vector<Waiter> due;
  {
    const std::lock_guard lock(mutex_);
    const Clock::time_point now = Clock::now();
    const auto first_due = std::partition(waiters_.begin(), waiters_.end(), [&](const Waiter& waiter) {
      return !all && height <= waiter.after && now < waiter.until;
    });
    std::move(first_due, waiters_.end(), std::back_inserter(due));
    waiters_.erase(first_due, waiters_.end());
  }
  for (const Waiter& waiter : due) waiter.done(height);
}

void HeightWatch::run() {
  consensus::Height height = chain_.height();
  while (true) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return stopping_ || !waiters_.empty(); });
      if (stopping_) return;
    }
    const Clock::time_point begun = Clock::now();
    const consensus::Height last = std::exchange(height, chain_.wait(height, kTick));
    answer(height, false);
    // A chain that has stopped does not wait.
    if (height == last && Clock::now() - begun < kTick / 2) {
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, kTick, [this] { return stopping_; });
    }
  }
}

}  // namespace starling::api
