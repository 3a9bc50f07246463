#include "api/worker_pool.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace starling::api {

WorkerPool::WorkerPool(int threads, std::size_t most_waiting)
    : most_waiting_(most_waiting), most_large_(static_cast<std::size_t>(std::max(1, threads - 1))) {
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { run(); });
}

std::size_t WorkerPool::line_of(std::size_t size) {
  std::size_t line = 0;
  for (std::size_t most = 1024; line + 1 < kLines && size > most; most *= 4) ++line;
  return line;
}

bool WorkerPool::add(Work work, std::size_t size) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || waiting_ >= most_waiting_) return false;
    Line& line = lines_[line_of(size)];
    if (line.waiting.empty()) line.used = std::max(line.used, served_);
    line.waiting.push_back(std::move(work));
    ++waiting_;
  }
  changed_.notify_one();
  return true;
}

std::size_t WorkerPool::next() const {
  std::size_t best = kLines;
  for (std::size_t i = 0; i < kLines; ++i) {
    if (lines_[i].waiting.empty() || (i >= kFirstLarge && large_ >= most_large_)) continue;
    if (best == kLines || lines_[i].used < lines_[best].used) best = i;
  }
  return best;
}

void WorkerPool::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || next() < kLines; });
    if (stopping_) return;
    const std::size_t index = next();
    Line& line = lines_[index];
    Work work = std::move(line.waiting.front());
    line.waiting.pop_front();
    --waiting_;
    const bool large = index >= kFirstLarge;
    if (large) ++large_;
    served_ = std::max(served_, line.used);
    lock.unlock();
    const auto begun = std::chrono::steady_clock::now();
    work(true);
    work = nullptr;
    const Duration spent = std::chrono::steady_clock::now() - begun;
    lock.lock();
    line.used += spent;
    if (large) {
      --large_;
      // What waited for this one to end.
      changed_.notify_one();
    }
  }
}

void WorkerPool::stop() {
  std::vector<Work> dropped;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    for (Line& line : lines_) {
      std::ranges::move(line.waiting, std::back_inserter(dropped));
      line.waiting.clear();
    }
    waiting_ = 0;
  }
  changed_.notify_all();
  for (const Work& work : dropped) work(false);
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

}  // namespace starling::api
