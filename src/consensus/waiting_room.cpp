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

// One fewer, and no entry for none.
template <typename Key>
void count_down(std::map<Key, std::size_t>& counts, const Key& key) {
  const auto found = counts.find(key);
  if (--found->second == 0) counts.erase(found);
}

template <typename Key>
std::size_t count_of(const std::map<Key, std::size_t>& counts, const Key& key) {
  const auto found = counts.find(key);
  return found == counts.end() ? 0 : found->second;
}

}  // namespace

std::vector<Waiting> WaitingRoom::take(const ledger::ChainParameters& chain, std::size_t most) {
  std::vector<Waiting> candidates;
  std::uint64_t bytes = 0;
  std::uint64_t work = 0;
  while (!arrived_.empty() && candidates.size() < most) {
    const ledger::ReadTransaction& next = arrived_.front().read;
    const std::uint64_t its_work = ledger::message_work(next.transaction.message);
    if (next.bytes > chain.max_block_bytes - bytes || its_work > chain.max_block_work - work) break;
    bytes += next.bytes;
    work += its_work;
    candidates.push_back(std::move(arrived_.front()));
    arrived_.pop_front();
  }
  order_by_nonce(candidates);
  return candidates;
}

void WaitingRoom::put_back(std::vector<Waiting> waiting) {
  arrived_.insert(arrived_.begin(), std::make_move_iterator(waiting.begin()), std::make_move_iterator(waiting.end()));
}

bool WaitingRoom::wait_for_nonce(Waiting& waiting, Time now) {
  const OrderOptions& options = waiting.submission->options();
  if (!options.wait_for_nonce) return false;
  if (!waiting.until.has_value()) waiting.until = now + bounds_.wait;
  if (*waiting.until <= now) return false;
  const ledger::Transaction& transaction = waiting.read.transaction;
  if (ahead_.size() >= bounds_.all || count_of(of_account_, transaction.from) >= bounds_.of_account) return false;
  if (!options.peer.empty()) {
    if (count_of(of_peer_, options.peer) >= bounds_.of_peer) return false;
    ++of_peer_[options.peer];
  }
  ++of_account_[transaction.from];
  const Ahead key{transaction.from, transaction.nonce, ++tickets_};
  expiries_.insert({*waiting.until, key});
  ahead_.emplace(key, std::move(waiting));
  return true;
}

Waiting WaitingRoom::let_go(AheadMap::iterator at) {
  Waiting waiting = std::move(at->second);
  expiries_.erase({*waiting.until, at->first});
  count_down(of_account_, at->first.account);
  const std::string& peer = waiting.submission->options().peer;
  if (!peer.empty()) count_down(of_peer_, peer);
  ahead_.erase(at);
  return waiting;
}

void WaitingRoom::go_on(const base::Address& account, std::uint64_t nonce) {
  auto at = ahead_.lower_bound({account, 0, 0});
  while (at != ahead_.end() && at->first.account == account && at->first.nonce <= nonce) {
    if (at->first.nonce == nonce) ++nonce;
    arrived_.push_back(let_go(at++));
  }
}

std::vector<base::Address> WaitingRoom::accounts_ahead() const {
  std::vector<base::Address> accounts;
  accounts.reserve(of_account_.size());
  for (const auto& [account, count] : of_account_) accounts.push_back(account);
  return accounts;
}

std::vector<Waiting> WaitingRoom::expire(Time now) {
  std::vector<Waiting> expired;
  while (!expiries_.empty() && expiries_.begin()->first <= now) {
    expired.push_back(let_go(ahead_.find(expiries_.begin()->second)));
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
  of_account_.clear();
  of_peer_.clear();
  return all;
}

}  // namespace starling::consensus
