#include "node/forwarder.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "ledger/bank/queries.h"
#include "ledger/fault.h"

namespace starling::node {

using consensus::Block;
using consensus::Height;
using consensus::Submitted;

namespace {

using Clock = std::chrono::steady_clock;

// Requests to the other node at a time: while one waits for its block the next gather.
constexpr int kSenders = 4;
// Handed on in one request: what the answer says of them stays within an answer's bounds.
constexpr std::size_t kHandedOnTogether = 5'000;
// And within what a node takes in one request, with the length before each.
constexpr std::uint64_t kBytesTogether = std::uint64_t{3} << 20;
// How late a wait for a nonce may end, or for a block.
constexpr std::chrono::milliseconds kTick{50};

base::Error stopped() { return base::cancelled("the node is stopping; send the transactions again later"); }

// What a refusal's number stands for.
base::Result<ledger::Fault> refusal_of(const std::string& url, std::uint32_t code) {
  for (const ledger::FaultRow& row : ledger::fault_table()) {
    if (static_cast<std::uint32_t>(row.fault) == code && !ledger::is_charged(row.fault)) return row.fault;
  }
  return base::corrupt(url + " refuses a transaction for no reason there is (" + std::to_string(code) + ")");
}

void refuse(const consensus::Waiting& waiting, ledger::Fault fault) {
  waiting.submission->answer(waiting.index, {0, 0, {waiting.read.id, fault, 0, {}}});
}

}  // namespace

Forwarder::Forwarder(const LedgerClient& upstream, const consensus::Embedded& copy, const ForwarderOptions& options)
    : upstream_(upstream),
      copy_(copy),
      options_(options),
      waiting_(std::make_shared<consensus::WaitingCount>(options.max_waiting, options.max_waiting_bytes)),
      room_(options.ahead) {
  for (int i = 0; i < kSenders; ++i) threads_.emplace_back([this] { send(); });
  threads_.emplace_back([this] { watch(); });
}

Forwarder::~Forwarder() {
  stop();
  for (std::thread& thread : threads_) thread.join();
}

void Forwarder::stop() {
  std::vector<Waiting> left;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    left = room_.clear();
  }
  changed_.notify_all();
  for (const Waiting& waiting : left) waiting.submission->fail(stopped());
}

void Forwarder::order(std::vector<ledger::ReadTransaction> transactions, const consensus::OrderOptions& options,
                      consensus::Ordered done) {
  if (transactions.empty()) return done(std::vector<Submitted>());
  const std::size_t count = transactions.size();
  std::vector<Waiting> all(count);
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < count; ++i) {
    all[i].read = std::move(transactions[i]);
    const base::Bytes encoded = ledger::encode_transaction(all[i].read.transaction);
    all[i].read.bytes = encoded.size();
    all[i].read.id = ledger::transaction_id(encoded);
    bytes += encoded.size();
  }
  if (const base::Status taken = waiting_->add(count, bytes); !taken.ok()) return done(taken.error());
  const auto submission = std::make_shared<consensus::Submission>(
      count, options, [total = waiting_, count, bytes, done = std::move(done)](consensus::OrderResult results) {
        total->remove(count, bytes);
        done(std::move(results));
      });
  bool taken = false;
  {
    const std::lock_guard lock(mutex_);
    taken = !stopping_;
    for (std::size_t i = 0; i < count && taken; ++i) {
      all[i].submission = submission;
      all[i].index = i;
      room_.arrive(std::move(all[i]));
    }
  }
  if (!taken) return submission->fail(stopped());
  changed_.notify_all();
}

void Forwarder::send() {
  ledger::ChainParameters together;
  together.max_block_bytes = kBytesTogether;
  together.max_block_work = std::numeric_limits<std::uint64_t>::max();
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || room_.ready(); });
    if (stopping_) return;
    std::vector<Waiting> batch = room_.take(together, kHandedOnTogether);
    lock.unlock();
    hand_on(std::move(batch));
    lock.lock();
  }
}

void Forwarder::hand_on(std::vector<Waiting> batch) {
  std::vector<ledger::Transaction> plain;
  plain.reserve(batch.size());
  for (const Waiting& waiting : batch) plain.push_back(waiting.read.transaction);
  base::Result<std::vector<Receipted>> answers = upstream_.submit(plain, false);
  if (!answers.ok()) {
    base::Error why = answers.error();
    if (why.code == base::ErrorCode::kIo) {
      why = base::io_error("the node that orders transactions does not take them (" + why.message +
                           "); send them again later, which does nothing twice");
    }
    for (const Waiting& waiting : batch) waiting.submission->fail(why);
    return;
  }
  std::optional<Block> block;
  std::vector<Waiting> ahead;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    Waiting& waiting = batch[i];
    if ((*answers)[i].height != 0) {
      base::Result<Submitted> result = placed(waiting.read.id, (*answers)[i].height, block);
      if (result.ok()) {
        waiting.submission->answer(waiting.index, std::move(*result));
      } else {
        waiting.submission->fail(result.error());
      }
      continue;
    }
    const base::Result<ledger::Fault> fault = refusal_of(upstream_.url(), (*answers)[i].code);
    if (!fault.ok()) {
      waiting.submission->fail(fault.error());
    } else if (*fault == ledger::Fault::kNonceAhead) {
      ahead.push_back(std::move(waiting));
    } else {
      refuse(waiting, *fault);
    }
  }
  if (!ahead.empty()) hold(std::move(ahead));
}

void Forwarder::hold(std::vector<Waiting> ahead) {
  std::vector<base::Address> accounts;
  std::vector<Waiting> refused;
  bool stop = false;
  {
    const std::lock_guard lock(mutex_);
    stop = stopping_;
    for (Waiting& waiting : ahead) {
      const base::Address account = waiting.read.transaction.from;
      if (stop || !room_.wait_for_nonce(waiting, Clock::now())) {
        refused.push_back(std::move(waiting));
      } else {
        accounts.push_back(account);
      }
    }
  }
  for (const Waiting& waiting : refused) {
    if (stop) waiting.submission->fail(stopped());
    refuse(waiting, ledger::Fault::kNonceAhead);
  }
  // What came before may have come to the copy meanwhile.
  go_on_where_reached(accounts);
  changed_.notify_all();
}

void Forwarder::go_on_where_reached(const std::vector<base::Address>& accounts) {
  const auto view = copy_.view();
  if (!view.ok()) return;  // they end by their time
  for (const base::Address& account : accounts) {
    const auto known = ledger::bank::account(**view, account);
    if (!known.ok()) continue;
    const std::lock_guard lock(mutex_);
    room_.go_on(account, known->nonce);
  }
}

void Forwarder::watch() {
  Height seen = copy_.height();
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || room_.any_ahead(); });
    if (stopping_) return;
    const std::vector<base::Address> accounts = room_.accounts_ahead();
    lock.unlock();
    const Clock::time_point begun = Clock::now();
    const Height height = copy_.wait(seen, kTick);
    const bool moved = std::exchange(seen, height) != height;
    if (moved) go_on_where_reached(accounts);
    lock.lock();
    const std::vector<Waiting> expired = room_.expire(Clock::now());
    const bool ready = room_.ready();
    lock.unlock();
    if (ready) changed_.notify_all();
    for (const Waiting& waiting : expired) refuse(waiting, ledger::Fault::kNonceAhead);
    lock.lock();
    // A chain that has stopped does not wait.
    if (!moved && Clock::now() - begun < kTick / 2) changed_.wait_for(lock, kTick, [this] { return stopping_.load(); });
  }
}

// Of a transaction that is in a block here, or will be. block: the one that was read last.
base::Result<Submitted> Forwarder::placed(const base::Hash& id, Height height, std::optional<Block>& block) const {
  const Clock::time_point end = Clock::now() + options_.patience;
  while (copy_.height() < height) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now());
    if (stopping_) return stopped();
    if (left.count() <= 0) {
      return base::io_error("block " + std::to_string(height) + ", which has the transaction, did not come from " +
                            upstream_.url() + " in time; send the transactions again, which does nothing twice");
    }
    copy_.wait(copy_.height(), std::min(left, kTick));
  }
  STARLING_ASSIGN(const std::optional<consensus::Place> place, copy_.find_transaction(id));
  if (place.has_value() && (!block.has_value() || block->header.header.height != place->height)) {
    STARLING_ASSIGN(block, copy_.block(place->height));
  }
  if (!place.has_value() || !block.has_value() || place->index >= block->outcomes.size() ||
      block->outcomes[place->index].id != id) {
    return base::corrupt(upstream_.url() + " says that the transaction " + id.hex() + " is in block " +
                         std::to_string(height) + ", and it is not");
  }
  return Submitted{place->height, place->index, block->outcomes[place->index]};
}

}  // namespace starling::node
