#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace starling::api {

// Threads for work that may wait, and a bounded queue before them.
class WorkerPool {
 public:
  WorkerPool(int threads, std::size_t most_waiting);
  ~WorkerPool() { stop(); }
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // What waits to be done is called once: with true by a worker, or with false when the pool stops before.
  using Work = std::function<void(bool run)>;
  // False when the queue is full or the pool has stopped: then the work is not called.
  bool add(Work work);
  // Lets what runs come to its end.
  void stop();

 private:
  void run();
  const std::size_t most_waiting_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Work> waiting_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace starling::api
