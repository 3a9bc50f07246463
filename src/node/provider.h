#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/json.h"
#include "base/metrics.h"
#include "base/signature.h"
#include "node/account.h"
#include "node/key_store.h"
#include "node/ledger_client.h"
#include "node/model_store.h"
#include "node/provider_bids.h"
#include "node/provider_jobs.h"
#include "node/provider_part.h"
#include "store/blobs.h"

namespace starling::node {

// Hours of the day, local time, from 0 to 24: from 22 to 6 is the night. Equal: always.
struct Hours {
  int from = 0;
  int to = 0;
  bool has(int hour) const {
    return from <= to ? from == to || (hour >= from && hour < to) : hour >= from || hour < to;
  }
};

struct ProviderOptions {
  std::filesystem::path home;      // journals and results
  std::string ledger;              // URL of a gateway
  std::string endpoint;            // where peers reach this node
  std::vector<base::Hash> models;  // that it runs; empty: any
  bool any_model = false;          // fetch registered models that are not here
  std::string model_source;        // a node that may have them, beside the gateway and their locations; may be empty
  std::uint64_t most_model_bytes = std::uint64_t{64} << 30;
  int workers = 1;                     // parts computed at a time
  double share = 1.0;                  // of a core for each thread, from 0.05
  int threads = 0;                     // of all workers together, at least one each; 0: one per core
  std::uint32_t slots = 0;             // parts held at a time; 0: two a worker, so that none waits for an auction
  std::uint64_t memory_mebibytes = 0;  // for all parts that run together; 0: three quarters of the machine's
  std::uint64_t rate = 1000;           // the most it asks: motes for 10^12 multiply-adds
  std::uint64_t minimum_rate = 0;      // the least it takes; 0: the rate
  ledger::Motes stake = 0;             // topped up to so much
  std::optional<Hours> hours;          // when it bids; what it has won goes on
  std::uint64_t most_result_bytes = std::uint64_t{4} << 30;  // of a part's frames
  std::uint64_t spare_disk_mebibytes = 16;                   // left free by what it computes
  std::chrono::seconds keep{24 * 3600};                      // how long results are served
  WallClock clock = std::chrono::system_clock::now;          // for the hours
};

// What a provider works with. All of it outlives the provider.
struct ProviderNeeds {
  HttpClient& http;
  const base::SecretKey& key;
  store::Blobs& blobs;
  ModelStore& models;
  BlobExchange& exchange;
  base::Metrics& metrics;
};

// How far a part is, as this provider knows it.
struct PartProgress {
  std::string state;  // "waiting", "running", "done", "failed"
  std::uint32_t calls_done = 0;
  std::uint32_t calls = 0;
  std::optional<double> seconds_left;  // nothing while there is no telling
  base::Json json() const;
};

// Watches the ledger, bids for tasks that suit it, computes what it wins, commits, reveals, and keeps results for those
// who fetch them (docs/node.md). Killed at any moment it goes on where it was: runs are journaled, and a result is on
// the disk with its salt before the ledger hears of it. Thread safe.
class Provider {
 public:
  // Does not wait for the ledger: what cannot be done yet is tried again.
  static base::Result<std::unique_ptr<Provider>> start(ProviderOptions options, const ProviderNeeds& needs);
  ~Provider();  // stops
  Provider(const Provider&) = delete;
  Provider& operator=(const Provider&) = delete;
  // Ends within about a second; runs stay in their journals. Fine to call twice.
  void stop();

  const base::Address& address() const { return account_.address(); }
  // kNotFound for parts that are not here.
  base::Result<PartResult> result(const PartName& name) const;
  base::Result<PartProgress> progress(const PartName& name) const;
  // What is queued and running, which models it runs, the rate that it would bid.
  base::Json status() const;

 private:
  struct Work;
  struct Worker;
  using WorkPointer = std::shared_ptr<Work>;

  Provider(ProviderOptions options, const ProviderNeeds& needs);
  base::Status prepare();
  // The thread that watches.
  void watch();
  base::Status look(const ChainTip& tip);
  base::Status learn_chain();
  base::Status wait_for_block(ChainTip& tip);
  base::Status keep_registered(const ledger::market::Provider& self, bool known, const ChainTip& tip);
  base::Status answer_benchmark(const ledger::market::Provider& self);
  base::Status follow(const std::vector<PartEntry>& held);
  base::Status follow_part(const PartEntry& entry);
  base::Result<WorkPointer> take_on(const PartEntry& entry);
  base::Status bid(const ledger::market::Provider& known);
  void fetch_wanted_model();
  void forget_old();
  void send_once_in_a_while(const ledger::Message& message);
  // Threads that compute.
  base::Status add_worker();
  void rest(const Worker& worker) const;
  void work(Worker& worker);
  bool compute_if_wanted(Worker& worker, Work& work);
  base::Result<PartResult> compute(Worker& worker, Work& work);
  base::Result<ReadyPart> ready(const Work& work);
  // The thread that tells the ledger.
  void settle_all();
  base::Status settle(Work& work, ledger::market::PartState state);
  base::Status report_calls(Work& work);
  // From any of them. The next of a queue, once there is one; nothing when the provider stops.
  WorkPointer take(std::deque<WorkPointer>& queue);
  // The same of those to compute, once its memory is free beside what the others that run take. Then it is taken.
  WorkPointer take_to_compute();
  std::uint64_t memory_of(const Work& work) const;
  PartFolder folder_of(const PartName& name) const;
  // The time of the last block and what has gone by since it was seen, in milliseconds and seconds since 1970:
  // deadlines and what is kept go by the ledger's clock, not by this machine's, which may be wrong.
  std::uint64_t chain_time() const;
  std::int64_t seconds() const;
  void see(const ChainTip& tip);
  bool stopped() const { return stop_.load(); }
  bool pause(std::chrono::milliseconds time);

  const ProviderOptions options_;
  ProviderNeeds needs_;
  std::atomic<bool> stop_ = false;
  mutable std::mutex tip_mutex_;  // of the next two
  std::optional<ChainTip> tip_;
  std::chrono::steady_clock::time_point tip_seen_;
  std::atomic<bool> wake_ = false;  // the watching thread looks again before the next block
  std::atomic<bool> model_came_ = false;
  LedgerClient ledger_;
  LedgerClient waiter_;
  Account account_;
  ProviderJobs jobs_;
  // Of the watching thread.
  std::optional<ProviderBids> bids_;
  std::optional<ledger::market::Parameters> rules_;
  std::map<std::string, std::chrono::steady_clock::time_point> not_before_;  // of messages that were refused
  base::Hash benchmarked_;                                                   // the seed whose root follows
  base::Hash benchmark_root_;
  std::chrono::steady_clock::time_point next_tidying_{};

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<std::uint64_t> chain_id_;
  std::map<PartName, WorkPointer> parts_;
  std::deque<WorkPointer> to_compute_;
  std::uint64_t memory_taken_ = 0;  // MiB, by the parts that workers have
  std::deque<WorkPointer> to_settle_;
  double work_per_second_ = 0.0;
  std::uint64_t rate_now_ = 0;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::thread> threads_;
  std::thread model_thread_;
  std::atomic<bool> fetching_model_ = false;
};

}  // namespace starling::node
