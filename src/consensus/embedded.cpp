#include "consensus/embedded.h"

#include <algorithm>
#include <atomic>
#include <string>
#include <thread>
#include <utility>

#include "base/log.h"
#include "base/thread_pool.h"
#include "consensus/history.h"
#include "consensus/teller.h"

namespace starling::consensus {
namespace {

using ledger::Fault;
using Steady = std::chrono::steady_clock;

// Transactions that are checked before the first of them goes on.
constexpr std::size_t kCheckedTogether = 1'000;
// Fewer than this are checked by their caller, without waiting for the pool.
constexpr std::size_t kWorthThreads = 16;
// Transactions that a block is tried with: so that an answer takes no longer than about a second.
constexpr std::size_t kMostCandidates = 20'000;
// How late a deadline may be noticed when the wall clock moves by itself.
constexpr std::chrono::milliseconds kLongestSleep{200};

HistoryOptions history_options(const EmbeddedOptions& options) {
  return {.threads = options.threads,
          .cache_bytes = options.cache_bytes,
          .log_file_bytes = options.log_file_bytes,
          .unwritten_leaves = options.unwritten_leaves};
}

base::Error stopped() { return base::cancelled("the chain is stopping; send the transactions again later"); }

}  // namespace

class Embedded::Machine {
 public:
  // Without an orderer it is a copy.
  Machine(std::unique_ptr<History> history, std::optional<base::SecretKey> orderer, EmbeddedOptions options)
      : history_(std::move(history)),
        orderer_(std::move(orderer)),
        options_(std::move(options)),
        clock_(options_.clock, history_->last().header.time),
        pool_(options_.threads),
        waiting_(options_.max_waiting, options_.max_waiting_bytes),
        room_(options_.ahead),
        height_(history_->last().header.height) {}

  base::Status start() {
    if (!orderer_.has_value()) return {};
    STARLING_ASSIGN(deadline_, history_->next_deadline());
    teller_.emplace();
    thread_ = std::thread([this] { run(); });
    return {};
  }

  ~Machine() {
    stop();
    if (thread_.joinable()) thread_.join();
    teller_.reset();
  }
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  void stop() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    {
      const std::lock_guard lock(height_mutex_);
      ended_ = true;
    }
    height_changed_.notify_all();
  }

  void order(std::vector<ledger::ReadTransaction> transactions, const OrderOptions& options, Ordered done) {
    if (!orderer_.has_value()) return done(base::unsupported("a copy of a chain orders no transactions"));
    if (transactions.empty()) return done(std::vector<Submitted>());
    const std::size_t count = transactions.size();
    std::size_t bytes = 0;
    for (const ledger::ReadTransaction& each : transactions) bytes += each.bytes;
    if (const base::Status taken = take(count, bytes); !taken.ok()) return done(taken.error());
    const auto submission =
        std::make_shared<Submission>(count, options, [this, count, bytes, done = std::move(done)](OrderResult results) {
          const auto kept = std::make_shared<OrderResult>(std::move(results));
          teller_->add([this, count, bytes, done, kept] { tell(count, bytes, done, std::move(*kept)); });
        });
    std::size_t arrived = 0;
    base::Status status;
    while (arrived < count && status.ok()) {
      const std::size_t some = std::min(kCheckedTogether, count - arrived);
      std::vector<Waiting> checked = check(std::span(transactions).subspan(arrived, some), submission, arrived);
      arrived += some;
      status = arrive(std::move(checked));
    }
    if (!status.ok()) submission->fail(status.error());
  }

  base::Result<std::shared_ptr<const ChainView>> view() const {
    const std::lock_guard lock(view_mutex_);
    if (view_ == nullptr || view_->header().header.height < height()) {
      STARLING_ASSIGN(view_, history_->view());
    }
    return view_;
  }

  Height height() const {
    const std::lock_guard lock(height_mutex_);
    return height_;
  }

  Height wait(Height after, std::chrono::milliseconds timeout) const {
    std::unique_lock lock(height_mutex_);
    height_changed_.wait_for(lock, timeout, [&] { return height_ > after || ended_; });
    return height_;
  }

  base::Status follow(std::span<const Block> blocks, bool verified) {
    const std::lock_guard lock(making_mutex_);
    STARLING_TRY(history_->follow(blocks, verified));
    STARLING_TRY(advance());
    changed_.notify_all();
    return {};
  }

  const History& history() const { return *history_; }

 private:
  base::Status take(std::size_t count, std::size_t bytes) {
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return stopped();
      if (failure_.has_value()) return *failure_;
    }
    return waiting_.add(count, bytes);
  }

  // By the teller.
  void tell(std::size_t count, std::size_t bytes, const Ordered& done, OrderResult results) const {
    waiting_.remove(count, bytes);
    if (results.ok()) {
      if (const base::Status known = recognize(*results); !known.ok()) results = known.error();
    }
    done(std::move(results));
  }

  // Checks the signatures, and answers for those that do not hold.
  std::vector<Waiting> check(std::span<ledger::ReadTransaction> transactions,
                             const std::shared_ptr<Submission>& submission, std::size_t first) {
    std::vector<Waiting> all(transactions.size());
    const auto work = [&](std::size_t begin, std::size_t end, int /*thread*/) {
      for (std::size_t i = begin; i < end; ++i) {
        Waiting& waiting = all[i];
        waiting.read = std::move(transactions[i]);
        waiting.bytes = ledger::encode_transaction(waiting.read.transaction);
        waiting.read.bytes = waiting.bytes.size();
        waiting.read.id = ledger::transaction_id(waiting.bytes);
        waiting.submission = submission;
        waiting.index = first + i;
        ledger::verify(waiting.read);
      }
    };
    if (all.size() < kWorthThreads) {
      work(0, all.size(), 0);
    } else {
      const std::lock_guard lock(pool_mutex_);
      pool_.run(all.size(), 8, work);
    }
    std::erase_if(all, [&](const Waiting& waiting) {
      if (!waiting.read.verified) {
        refuse(waiting, Fault::kBadSignature);
      } else if (!fits_a_block(waiting.read)) {
        refuse(waiting, Fault::kBlockFull);
      } else {
        return false;
      }
      return true;
    });
    return all;
  }

  static void refuse(const Waiting& waiting, Fault fault) {
    waiting.submission->answer(waiting.index, {0, 0, {waiting.read.id, fault, 0, {}}});
  }

  base::Status arrive(std::vector<Waiting> checked) {
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return stopped();
      if (failure_.has_value()) return *failure_;
      for (Waiting& waiting : checked) room_.arrive(std::move(waiting));
    }
    changed_.notify_all();
    return {};
  }

  // A nonce that was used by this very transaction: it is in the chain, and its sender did not hear of it.
  base::Status recognize(std::vector<Submitted>& results) const {
    std::optional<Block> block;
    for (Submitted& result : results) {
      if (result.outcome.fault != Fault::kNonceUsed) continue;
      STARLING_ASSIGN(const std::optional<Place> place, history_->find_transaction(result.outcome.id));
      if (!place.has_value()) continue;
      if (!block.has_value() || block->header.header.height != place->height) {
        STARLING_ASSIGN(block, history_->block(place->height));
      }
      if (!block.has_value() || place->index >= block->outcomes.size() ||
          block->outcomes[place->index].id != result.outcome.id) {
        continue;
      }
      result = {place->height, place->index, block->outcomes[place->index]};
    }
    return {};
  }

  void run() {
    base::set_ieee_mode();
    std::unique_lock lock(mutex_);
    while (!stopping_) {
      for (const Waiting& waiting : room_.expire(Steady::now())) refuse(waiting, Fault::kNonceAhead);
      const bool due = deadline_.has_value() && Steady::now() >= retry_ && clock_.now() >= *deadline_;
      if (!room_.ready() && !due) {
        sleep(lock);
        continue;
      }
      std::vector<Waiting> candidates = room_.take(history_->parameters(), kMostCandidates);
      lock.unlock();
      make_block(std::move(candidates));
      lock.lock();
    }
    for (const Waiting& waiting : room_.clear()) waiting.submission->fail(stopped());
  }

  void sleep(std::unique_lock<std::mutex>& lock) {
    std::optional<Steady::time_point> until = room_.next_expiry();
    if (deadline_.has_value()) {
      const std::uint64_t left = *deadline_ - std::min(*deadline_, clock_.now());
      const auto nap = std::chrono::milliseconds(std::min(left, static_cast<std::uint64_t>(kLongestSleep.count())));
      until = std::min(until.value_or(Steady::time_point::max()), std::max(Steady::now() + nap, retry_));
    }
    const auto awake = [&, before = deadline_] { return stopping_ || room_.ready() || deadline_ != before; };
    if (until.has_value()) {
      changed_.wait_until(lock, *until, awake);
    } else {
      changed_.wait(lock, awake);
    }
  }

  // By the thread of the machine, without the lock.
  void make_block(std::vector<Waiting> candidates) {
    const std::lock_guard making(making_mutex_);
    const std::uint64_t time = std::max(clock_.now(), history_->last().header.time);
    std::vector<ledger::ReadTransaction> transactions;
    std::vector<base::Bytes> bytes;
    transactions.reserve(candidates.size());
    bytes.reserve(candidates.size());
    for (Waiting& candidate : candidates) {
      transactions.push_back(candidate.read);
      bytes.push_back(candidate.bytes);
    }
    auto execution = history_->execute(time, transactions, std::move(bytes), *orderer_);
    if (!execution.ok()) return fail(candidates, execution.error());
    if (!execution->empty()) {
      base::Status kept = history_->keep(*execution);
      if (kept.ok()) kept = advance();
      if (!kept.ok()) return fail(candidates, kept.error());
    }
    answer(std::move(candidates), *execution);
  }

  // After blocks were kept.
  base::Status advance() {
    STARLING_ASSIGN(const std::optional<std::uint64_t> deadline, history_->next_deadline());
    {
      const std::lock_guard lock(mutex_);
      deadline_ = deadline;
    }
    {
      const std::lock_guard lock(height_mutex_);
      height_ = history_->last().header.height;
    }
    height_changed_.notify_all();
    return {};
  }

  void answer(std::vector<Waiting> candidates, Execution& execution) {
    Block& block = execution.block();
    std::vector<Waiting> again;
    std::uint32_t index = 0;
    const std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i < candidates.size(); ++i) {
      Waiting& waiting = candidates[i];
      const std::optional<Fault> fault = execution.refused()[i];
      if (!fault.has_value()) {
        waiting.submission->answer(waiting.index,
                                   {block.header.header.height, index, std::move(block.outcomes[index])});
        ++index;
        if (room_.any_ahead()) room_.go_on(waiting.read.transaction.from, waiting.read.transaction.nonce + 1);
      } else if (*fault == Fault::kBlockFull) {
        again.push_back(std::move(waiting));
      } else if (*fault != Fault::kNonceAhead || !room_.wait_for_nonce(waiting, Steady::now())) {
        refuse(waiting, *fault);
      }
    }
    room_.put_back(std::move(again));
  }

  bool fits_a_block(const ledger::ReadTransaction& read) const {
    const ledger::ChainParameters& chain = history_->parameters();
    return read.bytes <= chain.max_block_bytes &&
           ledger::message_work(read.transaction.message) <= chain.max_block_work;
  }

  void fail(const std::vector<Waiting>& candidates, const base::Error& error) {
    base::log(base::LogLevel::kError, "a block could not be made", {{"error", error.message}});
    for (const Waiting& waiting : candidates) waiting.submission->fail(error);
    retry_ = Steady::now() + kLongestSleep;
    const std::lock_guard lock(mutex_);
    if (!history_->writable()) {
      deadline_.reset();
      failure_ = error;
      for (const Waiting& waiting : room_.clear()) waiting.submission->fail(error);
    }
  }

  std::unique_ptr<History> history_;
  std::optional<base::SecretKey> orderer_;
  EmbeddedOptions options_;
  BlockClock clock_;          // of the machine's thread
  Steady::time_point retry_;  // of the machine's thread: before it no block is made without transactions
  std::mutex making_mutex_;   // held by whoever makes or follows a block
  std::mutex pool_mutex_;     // held by the one call whose signatures are checked
  base::ThreadPool pool_;

  mutable WaitingCount waiting_;
  std::mutex mutex_;
  std::condition_variable changed_;
  WaitingRoom room_;
  bool stopping_ = false;
  std::optional<std::uint64_t> deadline_;  // when a block is needed
  std::optional<base::Error> failure_;     // nothing can be written any more

  mutable std::mutex height_mutex_;
  mutable std::condition_variable height_changed_;
  Height height_;
  bool ended_ = false;

  mutable std::mutex view_mutex_;
  mutable std::shared_ptr<const ChainView> view_;
  std::optional<Teller> teller_;
  std::thread thread_;
};

Embedded::Embedded(std::unique_ptr<Machine> machine) : machine_(std::move(machine)) {}
Embedded::~Embedded() = default;

base::Result<std::unique_ptr<Embedded>> Embedded::open(const std::filesystem::path& home,
                                                       const std::optional<base::Json>& genesis,
                                                       base::SecretKey orderer, EmbeddedOptions options) {
  const SealGenesis seal = [&](const BlockHeader& header) -> base::Result<SignedHeader> {
    return sign_header(header, orderer);
  };
  STARLING_ASSIGN(std::unique_ptr<History> history, History::open(home, genesis, seal, history_options(options)));
  auto machine = std::make_unique<Machine>(std::move(history), std::move(orderer), std::move(options));
  STARLING_TRY(machine->start());
  return std::unique_ptr<Embedded>(new Embedded(std::move(machine)));
}

bool Embedded::exists(const std::filesystem::path& home) { return History::exists(home); }

base::Result<std::unique_ptr<Embedded>> Embedded::open_copy(const std::filesystem::path& home,
                                                            const std::optional<Origin>& origin,
                                                            EmbeddedOptions options) {
  const SealGenesis take = [&](const BlockHeader& header) -> base::Result<SignedHeader> {
    if (!origin.has_value() || origin->header.header != header) {
      return base::corrupt("the first header of the chain is not that of its genesis");
    }
    return origin->header;
  };
  const std::optional<base::Json> genesis = origin.has_value() ? std::optional(origin->genesis) : std::nullopt;
  STARLING_ASSIGN(std::unique_ptr<History> history, History::open(home, genesis, take, history_options(options)));
  auto machine = std::make_unique<Machine>(std::move(history), std::nullopt, std::move(options));
  return std::unique_ptr<Embedded>(new Embedded(std::move(machine)));
}

void Embedded::order(std::vector<ledger::ReadTransaction> transactions, const OrderOptions& options, Ordered done) {
  machine_->order(std::move(transactions), options, std::move(done));
}
base::Result<std::shared_ptr<const ChainView>> Embedded::view() const { return machine_->view(); }
Height Embedded::height() const { return machine_->height(); }
base::Result<std::optional<SignedHeader>> Embedded::header(Height height) const {
  return machine_->history().header(height);
}
base::Result<std::optional<Block>> Embedded::block(Height height) const { return machine_->history().block(height); }
base::Result<std::optional<Place>> Embedded::find_transaction(const base::Hash& id) const {
  return machine_->history().find_transaction(id);
}
base::Status Embedded::follow(std::span<const Block> blocks, bool verified) {
  return machine_->follow(blocks, verified);
}
base::Status Embedded::export_snapshot(const std::filesystem::path& file) const {
  return machine_->history().export_snapshot(file);
}
base::Status Embedded::import_snapshot(const std::filesystem::path& file, const std::filesystem::path& home,
                                       const std::optional<SignedHeader>& trusted_header) {
  return History::import_snapshot(file, home, trusted_header, 0);
}
Height Embedded::wait(Height after, std::chrono::milliseconds timeout) const { return machine_->wait(after, timeout); }
void Embedded::stop() { machine_->stop(); }

}  // namespace starling::consensus
