#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/json.h"
#include "consensus/block_log.h"
#include "consensus/chain.h"
#include "ledger/chain.h"

namespace starling::consensus {

struct HistoryOptions {
  int threads = 0;
  std::size_t cache_bytes = std::size_t{256} << 20;
  std::uint64_t log_file_bytes = std::uint64_t{256} << 20;
};

// What a list of transactions comes to, before anything of it is written.
class Execution {
 public:
  Execution(Execution&&) noexcept = default;
  Execution& operator=(Execution&&) noexcept = default;
  // Of each transaction that was executed, also of those that were not admitted and are not in the block.
  const std::vector<ledger::Outcome>& outcomes() const { return outcomes_; }
  const Block& block() const { return block_; }
  // Whether there is anything in the block.
  bool empty() const { return block_.transactions.empty() && !due_; }

 private:
  friend class History;
  explicit Execution(store::PreparedCommit prepared) : prepared_(std::move(prepared)) {}
  Block block_;
  std::vector<ledger::Outcome> outcomes_;
  bool due_ = false;
  store::PreparedCommit prepared_;
};

// A chain on the disk: the log of its blocks and the state after the last one, with the places of transactions. What
// was kept lasts; the state follows the log when it is opened. One caller at a time executes and keeps; reading is
// thread safe.
class History {
 public:
  static base::Result<std::unique_ptr<History>> open(const std::filesystem::path& home,
                                                     const std::optional<base::Json>& genesis,
                                                     const base::SecretKey& orderer, const HistoryOptions& options);

  // The header of the last block.
  const SignedHeader& last() const { return last_; }
  // When a block is needed even if nobody sends a transaction.
  base::Result<std::optional<std::uint64_t>> next_deadline() const;
  const ledger::ChainParameters& parameters() const { return parameters_; }

  // The next block with those of the transactions that are admitted; `bytes` are theirs.
  base::Result<Execution> execute(std::uint64_t time, std::span<const ledger::ReadTransaction> transactions,
                                  std::vector<base::Bytes> bytes, const base::SecretKey& orderer) const;
  // Makes it last. After an error nothing is changed if writable(), else whether the block is there is known when the
  // chain is opened again.
  base::Status keep(Execution execution);
  bool writable() const { return !failed_; }

  base::Result<std::shared_ptr<const ChainView>> view() const;
  base::Result<std::optional<SignedHeader>> header(Height height) const;
  base::Result<std::optional<Block>> block(Height height) const;
  base::Result<std::optional<Place>> find_transaction(const base::Hash& id) const;

 private:
  History() = default;
  base::Status begin(const std::filesystem::path& home, const std::optional<base::Json>& genesis,
                     const base::SecretKey& orderer);
  base::Status execute_again(const Block& block, const LogPosition& position);
  base::Status commit(store::PreparedCommit prepared, const Block& block, const LogPosition& position);

  std::unique_ptr<store::StateStore> state_;
  std::unique_ptr<BlockLog> log_;
  ledger::ChainParameters parameters_;
  SignedHeader last_;
  bool failed_ = false;
};

}  // namespace starling::consensus
