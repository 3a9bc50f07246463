#include "node/task_inputs.h"

#include <algorithm>
#include <limits>
#include <string>

#include "base/log.h"
#include "ledger/market/queries.h"

namespace starling::node {

namespace market = ledger::market;

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint64_t kLeastBytes = 4096;  // what a blob takes on a disk
constexpr std::chrono::milliseconds kLook{200};
constexpr std::string_view kOwner = "task-";

std::string owner_of(std::uint64_t task) { return std::string(kOwner) + std::to_string(task); }

std::uint64_t worth_of(ledger::Motes escrow, std::uint64_t bytes) { return bytes == 0 ? 0 : escrow / bytes; }

// Of two tasks that are worth as much the later one goes first; and back.
std::uint64_t rank_of(std::uint64_t task) { return std::numeric_limits<std::uint64_t>::max() - task; }

void say(const base::Status& status) {
  if (!status.ok()) {
    base::log(base::LogLevel::kError, "inputs of tasks cannot be kept", {{"reason", status.error().message}});
  }
}

}  // namespace

base::Result<std::unique_ptr<TaskInputs>> TaskInputs::start(const consensus::Chain& chain, store::Blobs& uploads,
                                                            const TaskInputsOptions& options) {
  std::unique_ptr<TaskInputs> inputs(new TaskInputs(chain, uploads, options));
  STARLING_TRY(inputs->begin());
  inputs->thread_ = std::thread([from = inputs.get()] { from->watch(); });
  return inputs;
}

TaskInputs::~TaskInputs() {
  stop_ = true;
  if (thread_.joinable()) thread_.join();
}

base::Status TaskInputs::begin() {
  STARLING_ASSIGN(const auto view, chain_.view());
  STARLING_ASSIGN(seen_, market::last_task(*view));
  STARLING_ASSIGN(std::set<std::uint64_t> tasks, market::unfinished_tasks(*view));
  const std::vector<store::BlobPin> pins = uploads_.pins();
  const auto task_of = [](const store::BlobPin& pin) -> std::uint64_t {
    return pin.owner.starts_with(kOwner) ? std::strtoull(pin.owner.c_str() + kOwner.size(), nullptr, 10) : 0;
  };
  for (const store::BlobPin& pin : pins) tasks.insert(task_of(pin));
  for (const std::uint64_t number : tasks) STARLING_TRY(take(*view, number));
  for (const store::BlobPin& pin : pins) {
    const auto found = kept_.find(task_of(pin));
    if (found == kept_.end() || !found->second.inputs.contains(pin.name)) {
      STARLING_TRY(uploads_.unpin(pin.name, pin.owner));
    }
  }
  return {};
}

void TaskInputs::watch() {
  while (!stop_) {
    const consensus::Height height = chain_.height();
    say(look());
    // A chain that was stopped does not wait.
    if (chain_.wait(height, kLook) == height && !stop_) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

base::Status TaskInputs::look() {
  STARLING_ASSIGN(const auto view, chain_.view());
  STARLING_ASSIGN(const std::uint64_t last, market::last_task(*view));
  while (seen_ < last && !stop_) {
    STARLING_TRY(take(*view, seen_ + 1));
    ++seen_;
  }
  if (Clock::now() < next_tidying_) return {};
  next_tidying_ = Clock::now() + options_.tidying;
  return let_go_of_old(*view);
}

bool TaskInputs::is_over(const consensus::ChainView& view, const market::Task& task) const {
  const std::uint64_t now = view.header().header.time;
  const auto keep = static_cast<std::uint64_t>(options_.keep.count());
  return task.unfinished == 0 && now > task.deadline && now - task.deadline > keep;
}

base::Status TaskInputs::take(const consensus::ChainView& view, std::uint64_t number) {
  STARLING_ASSIGN(const std::optional<market::Task> task, market::task(view, number));
  if (!task.has_value() || is_over(view, *task)) return {};
  Kept kept;
  for (std::uint32_t index = 0; index < task->parts; ++index) {
    STARLING_ASSIGN(const std::optional<market::Part> part, market::part(view, number, index));
    if (part.has_value()) kept.inputs.insert(part->input);
  }
  kept.escrow =
      ledger::checked_multiply(task->max_price, task->parts).value_or(std::numeric_limits<ledger::Motes>::max());
  Kept& entry = kept_[number] = std::move(kept);
  weigh(number, entry);
  keep_bounds();
  // An input that is not here yet may come: its pin waits for it.
  const auto found = kept_.find(number);
  if (found == kept_.end()) return {};
  for (const base::Hash& input : found->second.inputs) STARLING_TRY(uploads_.pin(input, owner_of(number)));
  return {};
}

void TaskInputs::weigh(std::uint64_t number, Kept& kept) {
  by_worth_.erase({worth_of(kept.escrow, kept.bytes), rank_of(number)});
  bytes_ -= kept.bytes;
  kept.bytes = 0;
  kept.whole = true;
  for (const base::Hash& input : kept.inputs) {
    const std::optional<store::BlobInfo> info = uploads_.find(input);
    kept.whole = kept.whole && info.has_value();
    kept.bytes += std::max(kLeastBytes, info.has_value() ? info->size : 0);
  }
  bytes_ += kept.bytes;
  by_worth_.emplace(worth_of(kept.escrow, kept.bytes), rank_of(number));
}

void TaskInputs::drop(std::uint64_t number) {
  const auto found = kept_.find(number);
  const Kept& kept = found->second;
  by_worth_.erase({worth_of(kept.escrow, kept.bytes), rank_of(number)});
  bytes_ -= kept.bytes;
  for (const base::Hash& input : kept.inputs) say(uploads_.unpin(input, owner_of(number)));
  kept_.erase(found);
}

void TaskInputs::keep_bounds() {
  while (bytes_ > options_.most_bytes) drop(rank_of(by_worth_.begin()->second));
}

base::Status TaskInputs::let_go_of_old(const consensus::ChainView& view) {
  std::vector<std::uint64_t> over;
  for (auto& [number, kept] : kept_) {
    if (!kept.whole) weigh(number, kept);
    STARLING_ASSIGN(const std::optional<market::Task> task, market::task(view, number));
    if (!task.has_value() || is_over(view, *task)) over.push_back(number);
  }
  for (const std::uint64_t number : over) drop(number);
  keep_bounds();
  return {};
}

}  // namespace starling::node
