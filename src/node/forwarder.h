#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "consensus/embedded.h"
#include "consensus/submission.h"
#include "consensus/waiting_room.h"
#include "node/ledger_client.h"

namespace starling::node {

struct ForwarderOptions {
  std::chrono::seconds patience{30};  // with the blocks of what was handed on
  consensus::AheadBounds ahead;
  std::size_t max_waiting = 100'000;  // as in consensus::EmbeddedOptions
  std::size_t max_waiting_bytes = std::size_t{256} << 20;
};

// Hands transactions on to the node that orders them, those of many callers in one request, and tells what became of
// them from a copy of its chain. Those that are ahead of their account's nonce wait here, until the copy has what comes
// before them, so that none keeps a request to the other node open. Thread safe.
class Forwarder {
 public:
  // Both outlive this; what the upstream is asked ends when its client is cancelled.
  Forwarder(const LedgerClient& upstream, const consensus::Embedded& copy, const ForwarderOptions& options);
  // Stops.
  ~Forwarder();
  Forwarder(const Forwarder&) = delete;
  Forwarder& operator=(const Forwarder&) = delete;

  // As Chain::order().
  void order(std::vector<ledger::ReadTransaction> transactions, const consensus::OrderOptions& options,
             consensus::Ordered done);
  // Answers what waits with kCancelled, and takes no more.
  void stop();

 private:
  using Waiting = consensus::Waiting;
  void send();
  void watch();
  void hand_on(std::vector<Waiting> batch);
  void hold(std::vector<Waiting> ahead);
  void go_on_where_reached(const std::vector<base::Address>& accounts);
  base::Result<consensus::Submitted> placed(const base::Hash& id, consensus::Height height,
                                            std::optional<consensus::Block>& block) const;

  const LedgerClient& upstream_;
  const consensus::Embedded& copy_;
  const ForwarderOptions options_;
  std::shared_ptr<consensus::WaitingCount> waiting_;
  std::atomic<bool> stopping_ = false;  // is set under the mutex
  std::mutex mutex_;
  std::condition_variable changed_;
  consensus::WaitingRoom room_;
  std::vector<std::thread> threads_;
};

}  // namespace starling::node
