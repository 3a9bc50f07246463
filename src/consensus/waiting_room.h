#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "consensus/submission.h"
#include "ledger/chain.h"

namespace starling::consensus {

// A transaction that waits to be ordered.
struct Waiting {
  ledger::ReadTransaction read;
  base::Bytes bytes;
  std::shared_ptr<Submission> submission;
  std::size_t index = 0;  // in the submission
  // Until when it waits for others, once it does.
  std::optional<std::chrono::steady_clock::time_point> until;
};

// How much may be ahead of its account's nonce and wait for what comes before. What is beyond is refused at once, as
// if it had waited in vain: waiting is a service to programs that send much at a time, and a sender who asks for the
// nonce again loses nothing.
struct AheadBounds {
  std::chrono::milliseconds wait{1'000};
  std::size_t of_account = 4'096;  // one program's batches that overtook each other
  std::size_t of_peer = 8'192;     // a sender with many accounts leaves room for others
  std::size_t all = 32'768;        // a third of what may wait, so that what can go on finds room
};

// What is waiting to be in a block: in the order of its arrival, but for transactions of one account, which go by
// nonce, and those that are ahead of their account's nonce, which wait for others. Not thread safe.
class WaitingRoom {
 public:
  using Time = std::chrono::steady_clock::time_point;
  explicit WaitingRoom(const AheadBounds& bounds) : bounds_(bounds) {}

  void arrive(Waiting waiting) { arrived_.push_back(std::move(waiting)); }
  bool ready() const { return !arrived_.empty(); }

  // Takes what may come next of what arrived, within a block's bounds.
  std::vector<Waiting> take(const ledger::ChainParameters& chain, std::size_t most);
  // Back to the front of the queue, in the order given.
  void put_back(std::vector<Waiting> waiting);
  // Waits for an earlier transaction of its account. False, and nothing taken, when it does not want to, has waited
  // long enough, or too many do.
  bool wait_for_nonce(Waiting& waiting, Time now);
  // The next nonce of this account is this one: what waited for it arrives again, with those that follow it.
  void go_on(const base::Address& account, std::uint64_t nonce);
  bool any_ahead() const { return !ahead_.empty(); }
  // Those with something that waits for a nonce.
  std::vector<base::Address> accounts_ahead() const;
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
  using AheadMap = std::map<Ahead, Waiting>;
  Waiting let_go(AheadMap::iterator at);
  const AheadBounds bounds_;
  std::deque<Waiting> arrived_;
  AheadMap ahead_;
  std::map<base::Address, std::size_t> of_account_;  // of ahead_
  std::map<std::string, std::size_t> of_peer_;
  std::set<std::pair<Time, Ahead>> expiries_;  // of all that are ahead
  std::uint64_t tickets_ = 0;
};

}  // namespace starling::consensus
