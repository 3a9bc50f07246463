#pragma once

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace starling::api {

// Threads for work that may wait, and a bounded queue before them.
//
// What is alike in size waits in one line, first come, first served. The lines share the threads' time equally, however
// long they are: so whoever brings little is not kept waiting by those who bring much. What is large leaves one of the
// threads, if there are several, to the others, for it cannot be interrupted.
class WorkerPool {
 public:
  WorkerPool(int threads, std::size_t most_waiting);
  ~WorkerPool() { stop(); }
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // What waits to be done is called once: with true by a worker, or with false when the pool stops before.
  using Work = std::function<void(bool run)>;
  // size: of what the work goes through, in bytes. False when the queue is full or the pool has stopped: then the work
  // is not called.
  bool add(Work work, std::size_t size = 0);
  // Lets what runs come to its end.
  void stop();

 private:
  using Duration = std::chrono::steady_clock::duration;
  // Works of up to 1 KiB, 4 KiB, 16 KiB, ... and of all beyond.
  static constexpr std::size_t kLines = 7;
  static constexpr std::size_t kFirstLarge = 4;  // beyond 64 KiB
  struct Line {
    std::deque<Work> waiting;
    Duration used{};  // of the threads' time; one that was empty starts with what the line served last has
  };
  static std::size_t line_of(std::size_t size);
  // The line to serve next: of those that may be served the one that has used least. kLines when there is none.
  std::size_t next() const;
  void run();
  const std::size_t most_waiting_;
  const std::size_t most_large_;  // at a time
  std::mutex mutex_;
  std::condition_variable changed_;
  std::array<Line, kLines> lines_;
  std::size_t waiting_ = 0;
  std::size_t large_ = 0;  // that run
  Duration served_{};      // what the line served last had used
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace starling::api
