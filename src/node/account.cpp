#include "node/account.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <thread>

#include "base/file.h"
#include "base/interrupt.h"
#include "base/random.h"
#include "ledger/chain.h"
#include "ledger/fault.h"

namespace starling::node {
namespace {

using ledger::Fault;

constexpr int kTries = 40;  // of a message whose nonce was used, or that found a block full
constexpr std::chrono::milliseconds kFirstNoncePause{20};
constexpr std::chrono::milliseconds kLongestNoncePause{1000};
constexpr std::chrono::milliseconds kLockPause{5};

// Keeps other programs from signing with the same key.
class SendingLock {
 public:
  SendingLock() = default;
  SendingLock(const SendingLock&) = delete;
  SendingLock& operator=(const SendingLock&) = delete;
  ~SendingLock() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  // Waits for it; kCancelled once interrupted.
  base::Status take(const std::filesystem::path& file) {
    descriptor_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, static_cast<unsigned>(base::FileMode::kPrivate));
    if (descriptor_ < 0) return base::system_error("open", file, errno);
    while (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK && errno != EINTR) return base::system_error("lock", file, errno);
      STARLING_TRY(base::check_interrupt());
      std::this_thread::sleep_for(kLockPause);
    }
    return {};
  }

 private:
  int descriptor_ = -1;
};

// What became of transactions that were sent is not known.
base::Error unknown_outcome(base::Error error) {
  error.message += "; what was sent may yet be done: look with starling wallet history before you send it again";
  return error;
}

bool is_worth_another_try(std::uint32_t code) {
  const auto is = [code](Fault fault) { return code == static_cast<std::uint32_t>(fault); };
  return is(Fault::kNonceUsed) || is(Fault::kNonceAhead) || is(Fault::kBlockFull);
}

// A transaction with the fee that it takes, unsigned.
base::Result<ledger::Transaction> prepare(const ChainStatus& chain, const base::Address& from, std::uint64_t nonce,
                                          const ledger::Message& message) {
  ledger::Transaction transaction;
  transaction.chain_id = chain.chain_id;
  transaction.from = from;
  transaction.nonce = nonce;
  transaction.message = message;
  transaction.fee = ~ledger::Motes{0};  // the longest, for its size
  ledger::ChainParameters fees;
  fees.fee_per_byte = chain.fee_per_byte;
  fees.fee_per_work = chain.fee_per_work;
  const auto fee = ledger::least_fee(fees, ledger::encode_transaction(transaction).size(),
                                     ledger::message_work(transaction.message));
  if (!fee.has_value()) return base::limit_error("the fee of a transaction is more than there can be");
  transaction.fee = *fee;
  return transaction;
}

}  // namespace

struct Account::Call {
  const std::vector<ledger::Message>* messages;
  std::vector<Receipted> results;
  base::Status status;
  bool finished = false;
};

Account::Account(const LedgerClient& ledger, const base::SecretKey& key, std::chrono::milliseconds patience,
                 std::filesystem::path lock_file)
    : ledger_(ledger), key_(key), address_(key.address()), patience_(patience), lock_file_(std::move(lock_file)) {}

base::Result<std::vector<Receipted>> Account::submit_patiently(
    const std::vector<ledger::Transaction>& transactions) const {
  const auto end = std::chrono::steady_clock::now() + patience_;
  for (auto pause = kFirstNoncePause;; pause = std::min(2 * pause, kLongestNoncePause)) {
    auto results = ledger_.submit(transactions);
    const bool again = !results.ok() && results.error().code == base::ErrorCode::kIo;
    if (!again || std::chrono::steady_clock::now() + pause > end) return results;
    std::this_thread::sleep_for(pause);
  }
}

base::Result<ledger::Motes> Account::fee_of(const ledger::Message& message, std::uint64_t nonce) const {
  STARLING_ASSIGN(const ChainStatus chain, ledger_.status());
  STARLING_ASSIGN(const ledger::Transaction transaction, prepare(chain, address_, nonce, message));
  return transaction.fee;
}

base::Status Account::send_calls(const std::vector<Call*>& calls) {
  SendingLock lock;
  if (!lock_file_.empty()) {
    STARLING_TRY(lock.take(lock_file_));
    nonce_.reset();  // whoever had the lock may have used it
  }
  struct Item {
    const ledger::Message* message;
    Receipted* result;
  };
  std::vector<Item> items;
  for (Call* const call : calls) {
    call->results.resize(call->messages->size());
    for (std::size_t i = 0; i < call->messages->size(); ++i)
      items.push_back({&(*call->messages)[i], &call->results[i]});
  }
  for (int tries = 0; !items.empty() && tries < kTries; ++tries) {
    if (!chain_.has_value()) {
      STARLING_ASSIGN(chain_, ledger_.status());
    }
    if (!nonce_.has_value()) {
      const auto account = ledger_.account(address_);
      if (!account.ok()) return tries == 0 ? account.error() : unknown_outcome(account.error());
      nonce_ = account->nonce;
    }
    std::vector<ledger::Transaction> transactions;
    for (const Item& item : items) {
      STARLING_ASSIGN(ledger::Transaction transaction, prepare(*chain_, address_, (*nonce_)++, *item.message));
      ledger::sign_transaction(transaction, key_);
      transactions.push_back(std::move(transaction));
    }
    auto results = submit_patiently(transactions);
    if (!results.ok()) {
      nonce_.reset();
      const bool refused = results.error().code == base::ErrorCode::kInvalidArgument ||
                           results.error().code == base::ErrorCode::kNotFound;
      return tries == 0 && refused ? results.error() : unknown_outcome(results.error());
    }
    std::vector<Item> again;
    for (std::size_t i = 0; i < items.size(); ++i) {
      *items[i].result = std::move((*results)[i]);
      // What is in no block used no nonce, and those after it may have been ahead because of it.
      if (items[i].result->height == 0) nonce_.reset();
      if (is_worth_another_try(items[i].result->code)) again.push_back(items[i]);
    }
    items = std::move(again);
    // Programs that meet again and again over a nonce shall not stay in step.
    if (!items.empty())
      std::this_thread::sleep_for(std::chrono::milliseconds(1 + base::random_u64() % (4U * (tries + 1))));
  }
  return {};
}

base::Result<std::vector<Receipted>> Account::send(const std::vector<ledger::Message>& messages) {
  if (messages.empty()) return std::vector<Receipted>();
  Call call{&messages, {}, {}};
  std::unique_lock lock(mutex_);
  waiting_.push_back(&call);
  while (!call.finished) {
    if (sending_) {
      done_.wait(lock);
      continue;
    }
    sending_ = true;
    const std::vector<Call*> calls = std::move(waiting_);
    waiting_.clear();
    lock.unlock();
    const base::Status status = send_calls(calls);
    lock.lock();
    for (Call* const each : calls) {
      each->status = status;
      each->finished = true;
    }
    sending_ = false;
    done_.notify_all();
  }
  if (!call.status.ok()) return call.status.error();
  return std::move(call.results);
}

base::Result<Receipted> Account::carry_out(const ledger::Message& message) {
  STARLING_ASSIGN(std::vector<Receipted> results, send({message}));
  if (!results[0].fine()) {
    return base::invalid(std::string(ledger::message_name(message)) + " was refused: " + results[0].fault + ": " +
                         results[0].message);
  }
  return std::move(results[0]);
}

}  // namespace starling::node
