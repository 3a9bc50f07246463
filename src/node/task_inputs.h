#pragma once

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "consensus/chain.h"
#include "ledger/market/state.h"
#include "store/blobs.h"

namespace starling::node {

// What strangers may put on a gateway, and how much of it tasks may keep there.
inline constexpr std::uint64_t kUploadBytes = std::uint64_t{512} << 20;
inline constexpr std::size_t kMostUploads = 131'072;
inline constexpr std::uint64_t kTaskInputBytes = kUploadBytes / 2;

struct TaskInputsOptions {
  std::uint64_t most_bytes = kTaskInputBytes;  // of all inputs that are kept; each counts as at least 4 KiB
  std::chrono::milliseconds keep{std::chrono::hours(24)};
  std::chrono::milliseconds tidying{5'000};  // how often those are looked for that may go
};

// Keeps the inputs of tasks among a gateway's uploads, by pins: until the task's last part is settled, and for `keep`
// after its deadline. When there is not room for all, those go first whose task puts least into escrow for each byte.
// What was kept before, and tasks that came while nobody looked, are found in the pins and in the ledger when it
// starts.
class TaskInputs {
 public:
  // Both outlive this.
  static base::Result<std::unique_ptr<TaskInputs>> start(const consensus::Chain& chain, store::Blobs& uploads,
                                                         const TaskInputsOptions& options = {});
  ~TaskInputs();
  TaskInputs(const TaskInputs&) = delete;
  TaskInputs& operator=(const TaskInputs&) = delete;

 private:
  struct Kept {
    std::set<base::Hash> inputs;
    ledger::Motes escrow = 0;
    std::uint64_t bytes = 0;
    bool whole = false;  // all inputs are here, so that their bytes are known
  };
  TaskInputs(const consensus::Chain& chain, store::Blobs& uploads, const TaskInputsOptions& options)
      : chain_(chain), uploads_(uploads), options_(options) {}
  base::Status begin();
  void watch();
  base::Status look();
  base::Status take(const consensus::ChainView& view, std::uint64_t number);
  base::Status let_go_of_old(const consensus::ChainView& view);
  bool is_over(const consensus::ChainView& view, const ledger::market::Task& task) const;
  void weigh(std::uint64_t number, Kept& kept);
  void drop(std::uint64_t number);
  void keep_bounds();

  const consensus::Chain& chain_;
  store::Blobs& uploads_;
  const TaskInputsOptions options_;
  std::uint64_t seen_ = 0;  // tasks up to this number
  std::map<std::uint64_t, Kept> kept_;
  std::set<std::pair<std::uint64_t, std::uint64_t>> by_worth_;  // motes a byte; tasks, the latest first
  std::uint64_t bytes_ = 0;
  std::chrono::steady_clock::time_point next_tidying_{};
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

}  // namespace starling::node
