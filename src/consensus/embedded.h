#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include "base/json.h"
#include "consensus/block_clock.h"
#include "consensus/chain.h"

namespace starling::consensus {

struct EmbeddedOptions {
  Clock clock = system_clock();
  // Threads that check signatures and share the work of a commit, counting their caller; 0: one per available core.
  int threads = 0;
  std::size_t cache_bytes = std::size_t{256} << 20;
  // How long a transaction waits for those of its account before it.
  std::chrono::milliseconds nonce_wait{1000};
  // What may wait to be ordered.
  std::size_t max_waiting = 100'000;
  std::size_t max_waiting_bytes = std::size_t{256} << 20;
  // A file of the log of blocks ends at the first block beyond so many bytes.
  std::uint64_t log_file_bytes = std::uint64_t{256} << 20;
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
  // Stops.
  ~Embedded() override;
  Embedded(const Embedded&) = delete;
  Embedded& operator=(const Embedded&) = delete;

  base::Result<std::vector<Submitted>> submit(std::vector<ledger::ReadTransaction> transactions) override;
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
