#pragma once

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <optional>
#include <vector>

#include "base/signature.h"
#include "ledger/message.h"
#include "node/ledger_client.h"

namespace starling::node {

// An account whose key is here: signs messages with the nonces and least fees that are due, and sends them. Calls that
// meet share a request. Another program may use the same key: then nonces are asked for again; but two that sign the
// same message with the same nonce at once have signed one transaction, unless they share a lock file. Thread safe.
class Account {
 public:
  // ledger and key outlive the account. patience: how long a gateway that does not answer is asked again. lock_file:
  // made if missing, and held from the reading of a nonce to the answer; empty: no other program uses the key.
  Account(const LedgerClient& ledger, const base::SecretKey& key,
          std::chrono::milliseconds patience = std::chrono::seconds(30), std::filesystem::path lock_file = {});
  const base::Address& address() const { return address_; }

  // What became of each message, in order; each is in a block or was refused by its state. An error whose
  // message does not say that they may yet be done: none of them is. If it does, look before sending them again.
  base::Result<std::vector<Receipted>> send(const std::vector<ledger::Message>& messages);
  // The fee that sending this with this nonce takes.
  base::Result<ledger::Motes> fee_of(const ledger::Message& message, std::uint64_t nonce) const;
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
  const std::filesystem::path lock_file_;
  std::mutex mutex_;
  std::condition_variable done_;
  std::vector<Call*> waiting_;
  bool sending_ = false;
  // Of whoever sends.
  std::optional<ChainStatus> chain_;
  std::optional<std::uint64_t> nonce_;  // the next one, if known
};

}  // namespace starling::node
