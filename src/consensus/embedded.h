#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <span>

#include "base/json.h"
#include "consensus/block_clock.h"
#include "consensus/chain.h"
#include "consensus/waiting_room.h"

namespace starling::consensus {

struct EmbeddedOptions {
  Clock clock = system_clock();
  // Threads that check signatures and share the work of a commit, counting their caller; 0: one per available core.
  int threads = 0;
  std::size_t cache_bytes = std::size_t{256} << 20;
  AheadBounds ahead;
  // What may wait to be ordered.
  std::size_t max_waiting = 100'000;
  std::size_t max_waiting_bytes = std::size_t{256} << 20;
  // A file of the log of blocks ends at the first block beyond so many bytes.
  std::uint64_t log_file_bytes = std::uint64_t{256} << 20;
  // As in store::StateStoreOptions.
  std::size_t unwritten_leaves = 200'000;
};

// What a chain begins with: its genesis, and the header of the block that it makes, signed by the chain's orderer.
struct Origin {
  base::Json genesis;
  SignedHeader header;
};

// A chain that one process orders: transactions are executed, written to a log of blocks, synced, put into the state,
// and only then answered. Blocks are made when there is work or a deadline falls due (docs/consensus.md).
class Embedded : public Chain {
 public:
  // Opens the chain of a folder, or begins one from a genesis (ledger::read_genesis()). A genesis that is not the
  // chain's own is an error, and so is none where there is no chain. Blocks of the log that the state lacks are
  // executed again. The key signs the headers of new blocks.
  static base::Result<std::unique_ptr<Embedded>> open(const std::filesystem::path& home,
                                                      const std::optional<base::Json>& genesis, base::SecretKey orderer,
                                                      EmbeddedOptions options = {});
  // Whether the folder holds a chain, or a copy of one.
  static bool exists(const std::filesystem::path& home);
  // Opens a copy of a chain that another process orders, or begins one from its origin. It takes blocks by follow()
  // only: it orders nothing (order() is kUnsupported), and makes no block when a deadline falls due.
  static base::Result<std::unique_ptr<Embedded>> open_copy(const std::filesystem::path& home,
                                                           const std::optional<Origin>& origin,
                                                           EmbeddedOptions options = {});
  // Stops.
  ~Embedded() override;
  Embedded(const Embedded&) = delete;
  Embedded& operator=(const Embedded&) = delete;

  // Makes the home of a chain that begins after the block of a snapshot; the folder must not exist or be empty, and
  // appears whole or not at all. The block's header in the file must be trusted_header; without one it is only checked
  // that somebody signed it. open() then takes no genesis.
  static base::Status import_snapshot(const std::filesystem::path& file, const std::filesystem::path& home,
                                      const std::optional<SignedHeader>& trusted_header);
  // The state after the last block in one file, with its header.
  base::Status export_snapshot(const std::filesystem::path& file) const;
  // Executes and keeps blocks that were made elsewhere and follow the last one; an error, and none of them is kept,
  // when they are not what their headers say. The states between them are not compared, only the last one and all
  // outcomes. verified: the signatures of their transactions are known to hold. Whose headers they are is not asked.
  base::Status follow(std::span<const Block> blocks, bool verified);

  void order(std::vector<ledger::ReadTransaction> transactions, const OrderOptions& options, Ordered done) override;
  base::Result<std::shared_ptr<const ChainView>> view() const override;
  Height height() const override;
  base::Result<std::optional<SignedHeader>> header(Height height) const override;
  base::Result<std::optional<Block>> block(Height height) const override;
  base::Result<std::optional<Place>> find_transaction(const base::Hash& id) const override;
  Height wait(Height after, std::chrono::milliseconds timeout) const override;
  void stop() override;

 private:
  class Machine;
  explicit Embedded(std::unique_ptr<Machine> machine);
  std::unique_ptr<Machine> machine_;
};

}  // namespace starling::consensus
