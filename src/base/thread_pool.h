#pragma once

#include <cstddef>
#include <functional>
#include <memory>

namespace starling::base {

// A fixed set of threads for loops. Results never depend on how a loop is split, so neither do bits.
// Every worker, and the calling thread inside run(), has FTZ and DAZ cleared and rounds to nearest even.
class ThreadPool {
 public:
  // threads ≥ 1, counting the calling thread. 0 means one per available core.
  explicit ThreadPool(int threads = 0);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const;

  // Calls body(begin, end, thread) over disjoint ranges that cover [0, count), each a multiple of grain long but for
  // the last; thread is in [0, threads()). Ranges are handed out as threads become free. Returns when all are done. Not
  // reentrant.
  void run(std::size_t count, std::size_t grain, const std::function<void(std::size_t, std::size_t, int)>& body);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Cores that this process may use, one at least.
int available_cores();

// Puts the calling thread into IEEE mode (subnormals kept, round to nearest even).
void set_ieee_mode();

}  // namespace starling::base
