#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "ledger/bank/state.h"
#include "ledger/market/state.h"
#include "ledger/models/state.h"
#include "ledger/transaction.h"
#include "node/http_client.h"

namespace starling::node {

// How long a gateway is asked to wait for the next block, and the pauses between tries of one that does not answer:
// each twice the one before.
inline constexpr std::chrono::milliseconds kLongPoll{10'000};
inline constexpr std::chrono::milliseconds kFirstPause{100};
inline constexpr std::chrono::milliseconds kLongestPause{5'000};

struct ChainStatus {
  std::uint64_t chain_id = 0;
  std::uint64_t height = 0;
  std::uint64_t time = 0;  // of the last block
  ledger::Motes fee_per_byte = 0;
  ledger::Motes fee_per_work = 0;
};

struct ChainTip {
  std::uint64_t height = 0;
  std::uint64_t time = 0;  // of that block
};

// What became of a transaction.
struct Receipted {
  base::Hash id;
  std::uint64_t height = 0;  // 0: it is in no block
  std::uint32_t code = 0;    // the fault's number; 0: all was done
  std::string fault;         // its name, such as "TOO_LATE"
  std::string message;       // its sentence
  ledger::Motes fee = 0;
  base::Json events;

  bool fine() const { return code == 0; }
};

struct TaskEntry {
  std::uint64_t number = 0;
  ledger::market::Task task;
};
struct PartEntry {
  std::uint64_t task = 0;
  std::uint32_t index = 0;
  ledger::market::Part part;
};
struct ProviderEntry {
  base::Address address;
  ledger::market::Provider provider;
};

// The ledger as a gateway shows it over HTTP (docs/api.md). What it says is believed: whoever must not believe it asks
// for proofs. Thread safe. Errors are those of HttpClient; kNotFound where there is no such thing.
class LedgerClient {
 public:
  // http outlives the client. cancelled, if given, is asked during every request; see HttpRequest.
  LedgerClient(HttpClient& http, std::string url, std::function<bool()> cancelled = nullptr);
  const std::string& url() const { return url_; }

  base::Result<ChainStatus> status() const;
  // Waits until there is a block after this height, for at most so long; the last block then.
  base::Result<ChainTip> wait(std::uint64_t after, std::chrono::milliseconds timeout) const;
  base::Result<ledger::market::Parameters> market() const;
  base::Result<ledger::bank::Account> account(const base::Address& address) const;
  base::Result<ledger::models::Model> model(const base::Hash& root) const;
  base::Result<ledger::market::Provider> provider(const base::Address& address) const;
  // By address, the first 10,000.
  base::Result<std::vector<ProviderEntry>> providers() const;
  // Tasks with parts that nobody holds: ascending, above `after`, at most `limit`.
  base::Result<std::vector<TaskEntry>> open_tasks(std::uint64_t after, std::size_t limit) const;
  // Tasks of a requester, the latest first: those below `before`, at most `limit`.
  base::Result<std::vector<TaskEntry>> latest_tasks_of(const base::Address& requester, std::uint64_t before,
                                                       std::size_t limit) const;
  base::Result<TaskEntry> task(std::uint64_t number) const;
  base::Result<std::vector<PartEntry>> parts(std::uint64_t task) const;
  base::Result<PartEntry> part(std::uint64_t task, std::uint32_t index) const;
  // The same with a proof, as the gateway gave it: for keeping.
  base::Result<base::Json> proven_part(std::uint64_t task, std::uint32_t index) const;
  // What a provider has won and is not yet settled.
  base::Result<std::vector<PartEntry>> parts_of(const base::Address& provider) const;

  // Any other query: what the gateway answers to GET /v1/PATH.
  base::Result<base::Json> query(const std::string& path) const { return get("/v1/" + path); }

  // In order, when each is in a block that lasts or was refused. Sending the same transactions again does nothing but
  // tell what became of them. wait_for_nonce: whether those ahead of their account's nonce wait a moment there.
  base::Result<std::vector<Receipted>> submit(const std::vector<ledger::Transaction>& transactions,
                                              bool wait_for_nonce = true) const;

 private:
  base::Result<base::Json> get(const std::string& path, std::chrono::milliseconds time) const;
  base::Result<base::Json> get(const std::string& path) const;
  base::Result<std::vector<TaskEntry>> tasks(const std::string& query, std::size_t limit) const;
  base::Result<std::vector<PartEntry>> part_list(const std::string& path) const;

  HttpClient& http_;
  const std::string url_;
  const std::function<bool()> cancelled_;
};

}  // namespace starling::node
