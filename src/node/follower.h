#pragma once

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/json.h"
#include "base/metrics.h"
#include "consensus/embedded.h"
#include "node/forwarder.h"
#include "node/http_client.h"
#include "node/ledger_client.h"

namespace starling::node {

struct FollowerOptions {
  std::filesystem::path home;  // of the copy
  std::string upstream;        // URL of a node that has the chain
  // What the chain must have begun from; nothing: what the upstream says when the copy is made.
  std::optional<base::Json> genesis;
  // Who must have signed every block; nothing: whoever signed the first one of the copy.
  std::optional<base::Address> orderer;
  int threads = 0;                    // that check signatures; 0: one per core
  std::chrono::seconds patience{30};  // with blocks of what was submitted
  std::function<bool()> cancelled;    // asked often; true ends what is going on, and the following
};

// A copy of a chain that another node orders (docs/node.md). Every block is executed here, and kept only if its orderer
// signed it and it leads to the roots that it says; so what is read here is known, and what is proven here holds. Only
// why a transaction was refused is the other node's word. While that node is away, or sends what does not hold, the
// copy stays at its last block and goes on by itself later.
class Follower : public consensus::Chain {
 public:
  // A new copy begins from the upstream's genesis. Returns when it has the blocks that the upstream had at the start; a
  // copy with blocks does without an upstream that does not answer. http and metrics outlive it.
  static base::Result<std::unique_ptr<Follower>> start(FollowerOptions options, HttpClient& http,
                                                       base::Metrics& metrics);
  // Stops.
  ~Follower() override;
  Follower(const Follower&) = delete;
  Follower& operator=(const Follower&) = delete;

  // Hands them on. What is in a block is answered from the copy, once it has the block.
  void order(std::vector<ledger::ReadTransaction> transactions, const consensus::OrderOptions& options,
             consensus::Ordered done) override;
  base::Result<std::shared_ptr<const consensus::ChainView>> view() const override { return copy_->view(); }
  consensus::Height height() const override { return copy_->height(); }
  base::Result<std::optional<consensus::SignedHeader>> header(consensus::Height height) const override {
    return copy_->header(height);
  }
  base::Result<std::optional<consensus::Block>> block(consensus::Height height) const override {
    return copy_->block(height);
  }
  base::Result<std::optional<consensus::Place>> find_transaction(const base::Hash& id) const override {
    return copy_->find_transaction(id);
  }
  consensus::Height wait(consensus::Height after, std::chrono::milliseconds timeout) const override {
    return copy_->wait(after, timeout);
  }
  void stop() override;

  const base::Address& orderer() const { return orderer_; }

 private:
  Follower(FollowerOptions options, HttpClient& http, base::Metrics& metrics);
  base::Status open();
  base::Result<std::optional<consensus::Origin>> find_origin() const;
  base::Status catch_up(consensus::Height target);
  base::Result<std::vector<consensus::Block>> next_blocks() const;
  void run();

  const FollowerOptions options_;
  HttpClient& http_;
  base::Gauge& behind_;
  std::atomic<bool> stopping_ = false;
  LedgerClient ledger_;
  base::Address orderer_;
  std::unique_ptr<consensus::Embedded> copy_;
  std::unique_ptr<Forwarder> forwarder_;
  std::mutex mutex_;
  std::condition_variable changed_;  // stopping
  std::thread thread_;
};

}  // namespace starling::node
