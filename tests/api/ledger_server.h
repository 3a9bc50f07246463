#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "api/server.h"
#include "base/json.h"
#include "base/metrics.h"
#include "consensus/embedded.h"
#include "consensus/test_accounts.h"
#include "ledger/transaction.h"
#include "node/http_client.h"
#include "temporary_folder.h"

namespace starling::api {

using base::Json;
using std::chrono::milliseconds;

// Transactions' bytes as a request holds them.
std::string framed(const std::vector<base::Bytes>& transactions);
// Signed by consensus::test_key(key).
base::Bytes signed_bytes(std::uint64_t key, std::uint64_t nonce, const ledger::Message& message);
base::Bytes transfer_bytes(std::uint64_t from, std::uint64_t nonce, std::uint64_t to, ledger::Motes motes);

// A chain of its own and a server for it. A search ends after 3 blocks or 400 bytes of transactions.
class LedgerEndpoints : public testing::Test {
 protected:
  explicit LedgerEndpoints(const Json& genesis = consensus::test_genesis());
  ~LedgerEndpoints() override;

  node::HttpReply ask(const std::string& path);
  Json get(const std::string& path);
  node::HttpReply post(const std::string& body, const std::string& type);
  std::vector<Json> submit(const std::vector<base::Bytes>& transactions);
  static std::int64_t code(const Json& result) { return *result.integer("code"); }

  TemporaryFolder folder_;
  base::Metrics metrics_;
  std::unique_ptr<consensus::Embedded> chain_;
  std::unique_ptr<Server> server_;
  node::HttpClient client_;
};

}  // namespace starling::api
