#include "consensus/waiting_room.h"

#include <algorithm>
#include <iterator>
#include <tuple>

namespace starling::consensus {
namespace {

// Lets the transactions of each account, wherever they stand, go by nonce.
void order_by_nonce(std::vector<Waiting>& candidates) {
  std::vector<std::size_t> order(candidates.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  const auto rank = [&](std::size_t i) {
    const ledger::Transaction& transaction = candidates[i].read.transaction;
    return std::tie(transaction.from, transaction.nonce);
  };
  std::ranges::stable_sort(order, [&](std::size_t left, std::size_t right) { return rank(left) < rank(right); });
  std::vector<Waiting> ordered(candidates.size());
  std::vector<std::size_t> places;
  for (std::size_t begin = 0, end = 0; begin < order.size(); begin = end) {
    const base::Address& account = candidates[order[begin]].read.transaction.from;
    places.clear();
    for (end = begin; end < order.size() && candidates[order[end]].read.transaction.from == account; ++end) {
      places.push_back(order[end]);
    }
    std::ranges::sort(places);
    for (std::size_t i = begin; i < end; ++i) ordered[places[i - begin]] = std::move(candidates[order[i]]);
  }
  candidates = std::move(ordered);
}

}  // namespace

void Submission::answer(std::size_t index, Submitted result) {
  const std::lock_guard lock(mutex_);
  results_[index] = std::move(result);
  if (--left_ == 0) changed_.notify_all();
}

void Submission::fail(const base::Error& error) {
  const std::lock_guard lock(mutex_);
  if (!error_.has_value()) error_ = error;
  changed_.notify_all();
}

base::Result<std::vector<Submitted>> Submission::wait() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return left_ == 0 || error_.has_value(); });
  if (error_.has_value()) return *error_;
  return std::move(results_);
}

std::vector<Waiting> WaitingRoom::take(const ledger::ChainParameters& chain, std::size_t most) {
  std::vector<Waiting> candidates;
  std::uint64_t bytes = 0;
  std::uint64_t work = 0;
  std::set<base::Address> accounts;
  while (!arrived_.empty() && candidates.size() < most) {
    const ledger::ReadTransaction& next = arrived_.front().read;
    const std::uint64_t its_work = ledger::message_work(next.transaction.message);
    if (next.bytes > chain.max_block_bytes - bytes || its_work > chain.max_block_work - work) break;
    bytes += next.bytes;
    work += its_work;
    if (!ahead_.empty()) accounts.insert(next.transaction.from);
    candidates.push_back(std::move(arrived_.front()));
    arrived_.pop_front();
  }
  for (const base::Address& account : accounts) {
    auto at = ahead_.lower_bound({account, 0, 0});
    while (at != ahead_.end() && at->first.account == account) {
      expiries_.erase({*at->second.until, at->first});
      candidates.push_back(std::move(at->second));
      at = ahead_.erase(at);
    }
  }
  order_by_nonce(candidates);
  return candidates;
}

void WaitingRoom::put_back(std::vector<Waiting> waiting) {
  arrived_.insert(arrived_.begin(), std::make_move_iterator(waiting.begin()), std::make_move_iterator(waiting.end()));
}

bool WaitingRoom::wait_for_nonce(Waiting& waiting, Time now) {
  if (!waiting.until.has_value()) waiting.until = now + nonce_wait_;
  if (*waiting.until <= now) return false;
  const ledger::Transaction& transaction = waiting.read.transaction;
  const Ahead key{transaction.from, transaction.nonce, ++tickets_};
  expiries_.insert({*waiting.until, key});
  ahead_.emplace(key, std::move(waiting));
  return true;
}

std::vector<Waiting> WaitingRoom::expire(Time now) {
  std::vector<Waiting> expired;
  while (!expiries_.empty() && expiries_.begin()->first <= now) {
    const auto found = ahead_.find(expiries_.begin()->second);
    expired.push_back(std::move(found->second));
    ahead_.erase(found);
    expiries_.erase(expiries_.begin());
  }
  return expired;
}

std::optional<WaitingRoom::Time> WaitingRoom::next_expiry() const {
  if (expiries_.empty()) return std::nullopt;
  return expiries_.begin()->first;
}

std::vector<Waiting> WaitingRoom::clear() {
  std::vector<Waiting> all(std::make_move_iterator(arrived_.begin()), std::make_move_iterator(arrived_.end()));
  for (auto& [key, waiting] : ahead_) all.push_back(std::move(waiting));
  arrived_.clear();
  ahead_.clear();
  expiries_.clear();
  return all;
}

}  // namespace starling::consensus
