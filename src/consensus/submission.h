#pragma once

#include <cstddef>
#include <mutex>
#include <optional>
#include <vector>

#include "consensus/chain.h"

namespace starling::consensus {

// The transactions of one call of order(), and what becomes of them. Thread safe.
class Submission {
 public:
  // done is called once: with all answers by whoever gives the last one, or with the first error by whoever brings it.
  // count is more than 0.
  Submission(std::size_t count, OrderOptions options, Ordered done);

  void answer(std::size_t index, Submitted result);
  // For every transaction that has no answer yet; what is answered later goes nowhere.
  void fail(const base::Error& error);
  const OrderOptions& options() const { return options_; }

 private:
  const OrderOptions options_;
  std::mutex mutex_;
  std::size_t left_;
  std::vector<Submitted> results_;
  Ordered done_;  // empty once it is called
};

// How much of all calls together has no answer yet. Thread safe.
class WaitingCount {
 public:
  WaitingCount(std::size_t most, std::size_t most_bytes) : most_(most), most_bytes_(most_bytes) {}
  // kLimit, and nothing counted, when it would be too much.
  base::Status add(std::size_t count, std::size_t bytes);
  void remove(std::size_t count, std::size_t bytes);

 private:
  const std::size_t most_;
  const std::size_t most_bytes_;
  std::mutex mutex_;
  std::size_t count_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace starling::consensus
