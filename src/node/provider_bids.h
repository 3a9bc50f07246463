#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/signature.h"
#include "ledger/market/messages.h"
#include "node/blob_exchange.h"
#include "node/ledger_client.h"
#include "node/model_store.h"
#include "node/open_tasks.h"
#include "node/provider_jobs.h"

namespace starling::node {

// What a provider takes.
struct BidLimits {
  std::vector<base::Hash> models;  // empty: any
  bool any_model = false;          // also registered ones that are not here: they are fetched
  std::uint64_t memory_mebibytes = 0;
  std::uint64_t minimum_rate = 1;  // motes for 10^12 multiply-adds
  std::uint64_t rate = 1;          // the most it asks, as registered
  std::uint64_t most_result_bytes = std::uint64_t{4} << 30;
  std::filesystem::path disk;          // a folder on the disk that takes what is computed
  std::uint64_t spare_disk_bytes = 0;  // left free beside that
};

// What is known when bids are made.
struct BidMoment {
  std::uint64_t time = 0;    // milliseconds since 1970
  std::int64_t seconds = 0;  // Unix
  ledger::market::Parameters rules;
  ledger::market::Provider self;
  std::uint32_t free_slots = 0;
  std::uint64_t queued_work = 0;  // multiply-adds won and not done
  double work_per_second = 0.0;   // of a worker; 0: not known
  int workers = 1;                // that compute at a time, as far as there is memory
};

// Looks at open tasks and decides what to bid. A task is bid for only when each open part of it was read and is what
// the task says: the same model, program, work and calls, and no more memory. Not thread safe.
//
// The rate that is bid is the minimum rate; or, when the lowest rate that somebody else won with in the last auction
// that was seen is above that, a hundredth less than it. Never above the registered rate, nor above what the task pays.
class ProviderBids {
 public:
  // The objects named outlive this.
  ProviderBids(BidLimits limits, const base::Address& self, const LedgerClient& ledger, ModelStore& models,
               BlobExchange& exchange, ProviderJobs& jobs, std::function<bool()> cancelled)
      : limits_(std::move(limits)),
        self_(self),
        ledger_(ledger),
        models_(models),
        exchange_(exchange),
        jobs_(jobs),
        cancelled_(std::move(cancelled)),
        open_([this](std::uint64_t after, std::size_t limit) { return ledger_.open_tasks(after, limit); }) {}
  ProviderBids(const ProviderBids&) = delete;
  ProviderBids& operator=(const ProviderBids&) = delete;

  // Reads the open tasks. The moment of the bids that follow is read after that: then what an auction gave is in it.
  base::Status look();
  // fresh: something is here that was missing, so that no task waits before it is looked at again.
  std::vector<ledger::market::ClaimTask> bids(const BidMoment& moment, bool fresh);
  // What became of a bid: the end of the auction that it is in; nothing: it was refused, or nobody knows, and it waits
  // before it is made again.
  void told(std::uint64_t task, std::optional<std::uint64_t> auction_end);
  // A model that an open task asks for, that may be fetched and is not here.
  std::optional<base::Hash> wanted_model() const { return wanted_; }
  // Whether a task is looked at again later though no block comes.
  bool waits() const;
  std::uint64_t rate_now() const;

 private:
  using Clock = std::chrono::steady_clock;
  struct Seen {
    bool checked = false;
    bool refused = false;     // it is not taken
    std::uint32_t tries = 0;  // that found something missing
    std::string last_trouble;
    std::optional<Clock::time_point> not_before;
    std::uint32_t refusals = 0;     // of bids, in a row
    bool unsure = true;             // whether the ledger has a bid that is not known here
    bool claimed = false;           // in an auction
    std::uint64_t auction_end = 0;  // of that
  };
  base::Status check_disk(const generate::VideoJob& job) const;
  base::Status check_terms(const ledger::market::Task& asked);
  base::Status check(const TaskEntry& task, std::int64_t now);
  void judge_later(std::uint64_t task, Seen& seen, const base::Error& why) const;
  base::Status check_part(const TaskEntry& task, const PartInput& input, const ReadyPart& first) const;
  base::Result<PartInput> part_input(const base::Hash& blob, std::int64_t now);
  // Whether no bid that a life before this one made counts in the auction that is on.
  base::Result<bool> may_bid(const TaskEntry& task) const;
  void auction_closed(const TaskEntry& task);
  std::uint32_t parts_backed(const BidMoment& moment, const TaskEntry& task) const;
  std::uint32_t parts_in_time(const BidMoment& moment, const TaskEntry& task) const;

  const BidLimits limits_;
  const base::Address self_;
  const LedgerClient& ledger_;
  ModelStore& models_;
  BlobExchange& exchange_;
  ProviderJobs& jobs_;
  const std::function<bool()> cancelled_;
  OpenTasks open_;
  std::vector<TaskEntry> open_tasks_;
  std::map<std::uint64_t, Seen> seen_;  // open tasks by number, but those that are put aside
  std::optional<base::Hash> wanted_;
  std::optional<std::uint64_t> lowest_win_;  // of others
};

}  // namespace starling::node
