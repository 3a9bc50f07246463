#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <vector>

#include "base/signature.h"
#include "ledger/message.h"
#include "node/ledger_client.h"

namespace starling::node {

// An account whose key is here: signs messages with the nonces and least fees that are due, and sends them. Calls that
// meet share a request. Another program may use the same key: then nonces are asked for again. Thread safe.
class Account {
 public:
  // ledger and key outlive the account. patience: how long a gateway that does not answer is asked again.
  Account(const LedgerClient& ledger, const base::SecretKey& key,
          std::chrono::milliseconds patience = std::chrono::seconds(30));
  const base::Address& address() const { return address_; }

  // What became of each message, in order; each is in a block or was refused by its state. An error says that nothing
  // is known of them: they may yet be done, so look before sending them again.
  base::Result<std::vector<Receipted>> send(const std::vector<ledger::Message>& messages);
  // As send(), of one message, with a fault as an error (kInvalidArgument) that names it.
  base::Result<Receipted> carry_out(const ledger::Message& message);

 private:
  struct Call;
  base::Result<std::vector<Receipted>> submit_patiently(const std::vector<ledger::Transaction>& transactions) const;
  base::Status send_calls(const std::vector<Call*>& calls);

  const LedgerClient& ledger_;
  const base::SecretKey& key_;
  const base::Address address_;
  const std::chrono::milliseconds patience_;
  std::mutex mutex_;
  std::condition_variable done_;
  std::vector<Call*> waiting_;
  bool sending_ = false;
  // Of whoever sends.
  std::optional<ChainStatus> chain_;
  std::optional<std::uint64_t> nonce_;  // the next one, if known
};

}  // namespace starling::node
