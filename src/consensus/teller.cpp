#include "consensus/teller.h"

#include <utility>

namespace starling::consensus {

Teller::Teller() : thread_([this] { run(); }) {}

Teller::~Teller() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void Teller::add(News news) {
  {
    const std::lock_guard lock(mutex_);
    news_.push_back(std::move(news));
  }
  changed_.notify_one();
}

void Teller::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || !news_.empty(); });
    if (news_.empty()) return;
    News news = std::move(news_.front());
    news_.pop_front();
    lock.unlock();
    news();
    news = nullptr;
    lock.lock();
  }
}

}  // namespace starling::consensus
