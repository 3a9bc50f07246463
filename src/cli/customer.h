#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "cli/command.h"
#include "cli/network.h"
#include "cli/temporary_home.h"
#include "node/requester.h"
#include "store/blobs.h"

namespace starling::cli {

// A person who has videos made by a network: the account that pays, and room for what is fetched.
class Customer {
 public:
  // network: as --network; find_network() says what it may be.
  static base::Result<std::unique_ptr<Customer>> open(const std::string& network);

  const node::LedgerClient& ledger() const { return network_->ledger; }
  node::Requester& requester() { return *requester_; }
  const node::Requester& requester() const { return *requester_; }
  const base::Address& address() const { return account_->address(); }
  store::Blobs& blobs() { return *blobs_; }

  // Cancels the task of a command that was interrupted, and says what that means. The error to end with.
  base::Error cancelled(std::uint64_t task);

 private:
  Customer() = default;
  std::unique_ptr<Network> network_;
  std::unique_ptr<TemporaryHome> room_;
  std::unique_ptr<store::Blobs> blobs_;
  std::optional<base::SecretKey> key_;
  std::optional<node::Account> account_;
  std::optional<node::BlobExchange> exchange_;
  std::optional<node::Requester> requester_;
};

// What a person is asked before anything is paid.
struct Bargain {
  std::string max_price;                   // credits for a video; empty: what suits the providers' prices
  std::optional<std::int64_t> time_limit;  // seconds; nothing: what suits the providers' speeds
  bool yes = false;                        // do not ask
};
// remark: ends each option's description.
void declare_bargain(Options& options, Bargain& bargain, const std::string& remark);
// Shows a quote for the order and gets a yes: the quote, with the terms to submit with. An error when the answer is no,
// nobody is there to ask, no provider fits, or none is cheap enough.
base::Result<node::Quote> agree(const Customer& customer, const node::Order& order, const Bargain& bargain);

// What to do about parts that were made and paid for and whose provider did not hand them over.
std::string undelivered_advice(std::uint64_t task, const std::string& output);

// Shows on standard error how far a task is, until it is destroyed.
class TaskProgress {
 public:
  // customer outlives this.
  TaskProgress(Customer& customer, std::uint64_t task, std::uint32_t calls, std::size_t parts);
  ~TaskProgress();
  TaskProgress(const TaskProgress&) = delete;
  TaskProgress& operator=(const TaskProgress&) = delete;
  // What the ledger shows; for Requester::collect().
  void see(const node::TaskView& view);
  // Leaves a line that all is done.
  void finish();

 private:
  struct Watch;
  std::unique_ptr<Watch> watch_;
};

// Writes a delivery to the file and those beside it. Returns the price that was paid for it.
struct SavedVideo {
  std::filesystem::path receipt;
  proof::Receipt contents;
  std::string provider;
  ledger::Motes price = 0;
};
base::Result<SavedVideo> save_delivery(Customer& customer, std::uint64_t task, const node::Delivery& delivery,
                                       const std::string& output, const node::PartInput& wanted, bool lossless);

}  // namespace starling::cli
