#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace starling::consensus {

// A thread that tells callers what became of their transactions, so that whoever makes blocks need not. Thread safe.
class Teller {
 public:
  using News = std::function<void()>;
  Teller();
  // Everything that was added is told before.
  ~Teller();
  Teller(const Teller&) = delete;
  Teller& operator=(const Teller&) = delete;

  void add(News news);

 private:
  void run();
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<News> news_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace starling::consensus
