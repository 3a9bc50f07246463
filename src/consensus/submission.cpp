#include "consensus/submission.h"

#include <utility>

namespace starling::consensus {

Submission::Submission(std::size_t count, OrderOptions options, Ordered done)
    : options_(std::move(options)), left_(count), results_(count), done_(std::move(done)) {}

void Submission::answer(std::size_t index, Submitted result) {
  Ordered done;
  {
    const std::lock_guard lock(mutex_);
    if (done_ == nullptr) return;
    results_[index] = std::move(result);
    if (--left_ > 0) return;
    done.swap(done_);
  }
  done(std::move(results_));
}

void Submission::fail(const base::Error& error) {
  Ordered done;
  {
    const std::lock_guard lock(mutex_);
    done.swap(done_);
  }
  if (done != nullptr) done(error);
}

base::Status WaitingCount::add(std::size_t count, std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  if (count > most_ - count_ || bytes > most_bytes_ - bytes_) {
    return base::limit_error("too many transactions wait to be ordered already; send these again later");
  }
  count_ += count;
  bytes_ += bytes;
  return {};
}

void WaitingCount::remove(std::size_t count, std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  count_ -= count;
  bytes_ -= bytes;
}

}  // namespace starling::consensus
