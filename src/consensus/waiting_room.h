#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "consensus/chain.h"
#include "ledger/chain.h"

namespace starling::consensus {

// The transactions of one call of submit(), and what becomes of them. Thread safe.
class Submission {
 public:
  explicit Submission(std::size_t count) : left_(count), results_(count) {}

  void answer(std::size_t index, Submitted result);
  // For every transaction that has no answer yet.
  void fail(const base::Error& error);
  // All answers, once they are there, or the error.
  base::Result<std::vector<Submitted>> wait();

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t left_;
  std::vector<Submitted> results_;
  std::optional<base::Error> error_;
};

// A transaction that waits to be ordered.
struct Waiting {
  ledger::ReadTransaction read;
  base::Bytes bytes;
  std::shared_ptr<Submission> submission;
  std::size_t index = 0;  // in the submission
  // Until when it waits for others, once it does.
  std::optional<std::chrono::steady_clock::time_point> until;
};

// What is waiting to be in a block: in the order of its arrival, but for transactions of one account, which go by
// nonce, and those that are ahead of their account's nonce, which wait for others. Not thread safe.
class WaitingRoom {
 public:
  using Time = std::chrono::steady_clock::time_point;
  explicit WaitingRoom(std::chrono::milliseconds nonce_wait) : nonce_wait_(nonce_wait) {}

  void arrive(Waiting waiting) { arrived_.push_back(std::move(waiting)); }
  bool ready() const { return !arrived_.empty(); }

  // Takes what may come next, within a block's bounds: what arrived, and what waited for it.
  std::vector<Waiting> take(const ledger::ChainParameters& chain, std::size_t most);
  // Back to the front of the queue, in the order given.
  void put_back(std::vector<Waiting> waiting);
  // Waits for an earlier transaction of its account. False, and nothing taken, when it has waited long enough.
  bool wait_for_nonce(Waiting& waiting, Time now);
  // Those that have waited too long.
  std::vector<Waiting> expire(Time now);
  std::optional<Time> next_expiry() const;
  // Everything.
  std::vector<Waiting> clear();

 private:
  struct Ahead {
    base::Address account;
    std::uint64_t nonce = 0;
    std::uint64_t ticket = 0;                        // tells two with one nonce apart
    auto operator<=>(const Ahead&) const = default;  // NOLINT(modernize-use-nullptr)
  };
  std::chrono::milliseconds nonce_wait_;
  std::deque<Waiting> arrived_;
  std::map<Ahead, Waiting> ahead_;
  std::set<std::pair<Time, Ahead>> expiries_;  // of all that are ahead
  std::uint64_t tickets_ = 0;
};

}  // namespace starling::consensus
