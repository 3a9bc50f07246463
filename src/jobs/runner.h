#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "jobs/maker.h"
#include "jobs/video_queue.h"

namespace starling::jobs {

// Threads that take videos from the queue and have them made, until it is destroyed: then what is being made stops
// where it is, and the next process goes on with it.
class Runner {
 public:
  // A thread for each maker. The queue outlives the runner. now: Unix seconds.
  Runner(VideoQueue& queue, std::vector<std::unique_ptr<Maker>> makers, std::function<std::int64_t()> now);
  ~Runner();
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

 private:
  void run(Maker& maker);
  void work_on(Maker& maker, const VideoQueue::Claim& claim) const;
  // Tries until it is done, or the process ends.
  void write_down(const std::string& id, const std::function<base::Status()>& write) const;

  VideoQueue& queue_;
  const std::vector<std::unique_ptr<Maker>> makers_;
  const std::function<std::int64_t()> now_;
  std::atomic<bool> stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace starling::jobs
