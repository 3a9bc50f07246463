#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "api/server.h"
#include "consensus/embedded.h"
#include "ledger/market/queries.h"
#include "node/account.h"
#include "node/blob_exchange.h"
#include "node/ledger_client.h"
#include "node/model_store.h"
#include "node/provider.h"
#include "node/requester.h"
#include "temporary_folder.h"

namespace starling::node {

// Keys of the people in these tests: Ann and Bob ask, Pia provides.
inline constexpr std::uint8_t kAnn = 1;
inline constexpr std::uint8_t kBob = 2;
inline constexpr std::uint8_t kPia = 3;
inline constexpr ledger::Motes kCredit = ledger::kMotesPerCredit;

// A tiny model, written once for the test program: its folder and its root.
struct TestModel {
  std::filesystem::path folder;
  base::Hash root;
};
const TestModel& test_model();

base::SecretKey test_key(std::uint8_t number);
std::int64_t unix_seconds();

// A chain whose caller is told of every message before it is ordered and after it is on the disk.
class WatchedChain : public consensus::Chain {
 public:
  explicit WatchedChain(std::unique_ptr<consensus::Chain> chain) : chain_(std::move(chain)) {}
  std::function<bool(const ledger::Transaction&)> before;  // false: it gets lost
  std::function<void(const ledger::Transaction&)> after;
  std::mutex mutex;  // of the two

  void order(std::vector<ledger::ReadTransaction> transactions, const consensus::OrderOptions& options,
             consensus::Ordered done) override;
  base::Result<std::shared_ptr<const consensus::ChainView>> view() const override { return chain_->view(); }
  consensus::Height height() const override { return chain_->height(); }
  base::Result<std::optional<consensus::SignedHeader>> header(consensus::Height height) const override {
    return chain_->header(height);
  }
  base::Result<std::optional<consensus::Block>> block(consensus::Height height) const override {
    return chain_->block(height);
  }
  base::Result<std::optional<consensus::Place>> find_transaction(const base::Hash& id) const override {
    return chain_->find_transaction(id);
  }
  consensus::Height wait(consensus::Height after_height, std::chrono::milliseconds timeout) const override {
    return chain_->wait(after_height, timeout);
  }
  void stop() override { chain_->stop(); }

 private:
  std::unique_ptr<consensus::Chain> chain_;
};

// A network of one validator and gateway: accounts of test_key(1..9) with 1,000 credits each, test_key(9) owns the
// model (royalty 10 %), fees go to test_key(10).
class TestGateway {
 public:
  TestGateway(const std::filesystem::path& folder, const base::Hash& model);
  ~TestGateway();

  const std::string& url() const { return server_->url(); }
  // Its server goes, and comes again at the same address.
  void restart(std::chrono::milliseconds away);
  WatchedChain& chain() { return *chain_; }
  store::Blobs& blobs() { return *blobs_; }
  base::Metrics& metrics() { return metrics_; }
  ModelStore& models() { return *models_; }
  ledger::Motes balance(const base::Address& address) const;
  ledger::market::Part part(std::uint64_t task, std::uint32_t index) const;
  ledger::market::Provider provider(const base::Address& address) const;
  // Until the provider of this key has its stake and its benchmark; until all parts of a task are settled.
  bool wait_until_ready(std::uint8_t key);
  bool wait_until_settled(std::uint64_t task, std::uint32_t parts);
  // Waits, through the blocks, until this holds; false after so long.
  bool wait_until(const std::function<bool()>& holds, std::chrono::milliseconds patience = std::chrono::seconds(20));
  // Every invariant of the ledger, and that the sum of motes is what it was.
  void expect_conserved() const;

 private:
  void serve(std::uint16_t port);
  const std::filesystem::path genesis_;
  base::Metrics metrics_;
  std::unique_ptr<WatchedChain> chain_;
  std::unique_ptr<store::Blobs> blobs_;
  std::unique_ptr<ModelStore> models_;
  std::unique_ptr<api::Server> server_;
  ledger::Motes supply_ = 0;
};

// A provider with its own home and server.
class TestProvider {
 public:
  TestProvider(const std::filesystem::path& home, const std::string& gateway, std::uint8_t key,
               const std::filesystem::path& model, const std::function<void(ProviderOptions&)>& change = nullptr,
               std::uint16_t port = 0);
  ~TestProvider();
  Provider& provider() { return *provider_; }
  store::Blobs& blobs() { return *blobs_; }
  const std::string& url() const { return server_->url(); }

 private:
  base::SecretKey key_;
  HttpClient http_;
  base::Metrics metrics_;
  std::unique_ptr<store::Blobs> blobs_;
  std::unique_ptr<ModelStore> models_;
  std::unique_ptr<BlobExchange> exchange_;
  std::unique_ptr<Provider> provider_;
  std::atomic<const Provider*> served_ = nullptr;
  std::unique_ptr<api::Server> server_;
};

// A video of some calls on the tiny model.
generate::TextToVideo small_request(std::int64_t steps = 4, std::uint64_t seed = 7);
Order order_of(const std::vector<generate::TextToVideo>& requests);

// Somebody who asks, with a home of their own.
class TestRequester {
 public:
  TestRequester(const std::filesystem::path& home, const std::string& gateway, std::uint8_t key);
  Requester& operator*() { return *requester_; }
  Requester* operator->() { return requester_.get(); }
  Account& account() { return *account_; }
  store::Blobs& blobs() { return *blobs_; }

 private:
  base::SecretKey key_;
  HttpClient http_;
  LedgerClient ledger_;
  std::unique_ptr<Account> account_;
  std::unique_ptr<store::Blobs> blobs_;
  std::unique_ptr<BlobExchange> exchange_;
  std::unique_ptr<Requester> requester_;
};

}  // namespace starling::node
