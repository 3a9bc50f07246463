#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/json.h"
#include "consensus/block_log.h"
#include "consensus/chain.h"
#include "consensus/state_cache.h"
#include "ledger/chain.h"

namespace starling::consensus {

// Gives the header of the genesis block its signature, when a chain begins; an error ends it.
using SealGenesis = std::function<base::Result<SignedHeader>(const BlockHeader&)>;

struct HistoryOptions {
  int threads = 0;
  std::size_t cache_bytes = std::size_t{256} << 20;
  std::uint64_t log_file_bytes = std::uint64_t{256} << 20;
  std::size_t unwritten_leaves = 200'000;
};

// What a list of transactions comes to, before anything of it is written.
class Execution {
 public:
  Execution(Execution&&) noexcept = default;
  Execution& operator=(Execution&&) noexcept = default;
  // For each transaction that was executed: why it was not admitted and is not in the block, or nothing when it is.
  const std::vector<std::optional<ledger::Fault>>& refused() const { return refused_; }
  Block& block() { return block_; }
  // Whether there is anything in the block.
  bool empty() const { return block_.transactions.empty() && !due_; }

 private:
  friend class History;
  Execution() = default;
  Block block_;
  std::vector<std::optional<ledger::Fault>> refused_;
  bool due_ = false;
  std::optional<store::PreparedCommit> prepared_;  // unless it is empty
};

// A chain on the disk: the log of its blocks and the state after the last one, with the places of transactions. What
// was kept lasts; the state follows the log when it is opened. One caller at a time executes and keeps; reading is
// thread safe.
class History {
 public:
  static base::Result<std::unique_ptr<History>> open(const std::filesystem::path& home,
                                                     const std::optional<base::Json>& genesis, const SealGenesis& seal,
                                                     const HistoryOptions& options);

  static bool exists(const std::filesystem::path& home);

  // The header of the last block.
  const SignedHeader& last() const { return last_; }
  // When a block is needed even if nobody sends a transaction.
  base::Result<std::optional<std::uint64_t>> next_deadline() const;
  const ledger::ChainParameters& parameters() const { return parameters_; }

  // The next block with those of the transactions that are admitted; `bytes` are theirs.
  base::Result<Execution> execute(std::uint64_t time, std::span<const ledger::ReadTransaction> transactions,
                                  std::vector<base::Bytes> bytes, const base::SecretKey& orderer);
  // Makes it last. After an error nothing is changed if writable(), else whether the block is there is known when the
  // chain is opened again.
  base::Status keep(const Execution& execution);
  // Executes and keeps blocks that were made elsewhere and follow the last one; an error, and none of them is kept,
  // when they are not what their headers say. The states between them are not compared, only the last one and all
  // outcomes. verified: the signatures of their transactions are known to hold.
  base::Status follow(std::span<const Block> blocks, bool verified);
  bool writable() const { return !failed_; }

  // The state after the last block in one file, with its header (store/snapshot_file.h).
  base::Status export_snapshot(const std::filesystem::path& file) const;
  // Makes the home of a chain that begins with the block of a snapshot; the folder must not exist or be empty, and
  // appears whole or not at all. The header in the file must be trusted_header, or, without one, signed by anybody.
  static base::Status import_snapshot(const std::filesystem::path& file, const std::filesystem::path& home,
                                      const std::optional<SignedHeader>& trusted_header, int threads);

  base::Result<std::shared_ptr<const ChainView>> view() const;
  base::Result<std::optional<SignedHeader>> header(Height height) const;
  base::Result<std::optional<Block>> block(Height height) const;
  base::Result<std::optional<Place>> find_transaction(const base::Hash& id) const;

 private:
  History() = default;
  base::Status begin(const std::filesystem::path& home, const std::optional<base::Json>& genesis,
                     const SealGenesis& seal);
  // The state after blocks that follow the last one, not written.
  base::Result<store::PreparedCommit> replay(std::span<const Block> blocks, bool verified);
  base::Status commit(const store::PreparedCommit& prepared, std::span<const Block> blocks,
                      std::span<const LogPosition> positions);

  int threads_ = 0;
  std::unique_ptr<store::StateStore> state_;
  std::unique_ptr<StateCache> cache_;  // the state, as blocks are executed on it
  std::unique_ptr<BlockLog> log_;
  ledger::ChainParameters parameters_;
  SignedHeader last_;
  bool failed_ = false;
};

}  // namespace starling::consensus
