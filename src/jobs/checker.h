#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "base/hash.h"
#include "base/result.h"
#include "models/checkpoint.h"
#include "proof/replay.h"

namespace starling::jobs {

struct CheckerOptions {
  const models::Checkpoint* model = nullptr;  // outlives the checker
  base::Hash model_root;
  std::uint64_t memory = 0;  // bytes that a check may take
  int threads = 0;           // 0: one for each core
  std::size_t most_waiting = 16;
};

struct CheckResult {
  std::optional<proof::Difference> difference;  // the first thing that does not hold
  std::uint32_t checked_calls = 0;              // run again with the same bits
  std::size_t total_calls = 0;
};

// One check of a video that was made. The functions are called from the checker's thread.
struct Check {
  std::filesystem::path folder;  // of the video
  std::size_t calls = 0;         // to draw at random
  std::function<bool()> stopped;
  // A call was run again and is as the receipt says.
  std::function<void(std::uint32_t call, const std::string& name)> passed;
  // An error means that nothing can be said.
  std::function<void(const base::Result<CheckResult>& result)> done;
};

// Checks videos as `starling verify --sample` does, one after another: that the file is the one that the receipt names,
// that the receipt is signed and of this model and what was asked, and that calls drawn at random give its bits. Gives
// way to other threads of the process. Thread safe.
class Checker {
 public:
  explicit Checker(const CheckerOptions& options);
  // Checks that wait are done with kCancelled.
  ~Checker();
  Checker(const Checker&) = delete;
  Checker& operator=(const Checker&) = delete;

  // False: as many wait as may.
  bool submit(Check check);

 private:
  void run();
  base::Result<CheckResult> run(const Check& check) const;

  const CheckerOptions options_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Check> waiting_;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace starling::jobs
