#include "node/provider_work.h"

#include <algorithm>
#include <ctime>

#include "base/log.h"
#include "node/provider_run.h"

namespace starling::node {

namespace market = ledger::market;

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kWorkAgain{2};
constexpr double kWorthARest = 0.005;

double since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// Of processor time.
double thread_seconds() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

void say(base::LogLevel level, std::string_view message, const PartName& name, std::string reason = {}) {
  if (reason.empty()) {
    base::log(level, message, {{"task", std::to_string(name.task)}, {"part", std::to_string(name.part)}});
  } else {
    base::log(
        level, message,
        {{"task", std::to_string(name.task)}, {"part", std::to_string(name.part)}, {"reason", std::move(reason)}});
  }
}

}  // namespace

// What was stopped may be committed still, and what was committed is not stopped any more.
int stage_of(market::PartState state) {
  return state == market::PartState::kStopped ? 2 * static_cast<int>(market::PartState::kHeld) + 1
                                              : 2 * static_cast<int>(state);
}

base::Status Provider::add_worker() {
  // What does not divide goes to the first ones.
  const bool one_more = static_cast<int>(workers_.size()) < options_.threads % options_.workers;
  workers_.push_back(std::make_unique<Worker>());
  Worker& worker = *workers_.back();
  exact::EngineOptions options;
  options.threads = options_.threads / options_.workers + (one_more ? 1 : 0);
  options.stop = [this, &worker]() -> base::Status {
    const std::atomic<bool>* const cancel = worker.cancel.load();
    if (stopped() || (cancel != nullptr && cancel->load())) return base::cancelled("the part is not wanted any more");
    rest(worker);
    return {};
  };
  STARLING_ASSIGN(worker.engine, exact::Engine::create(options));
  worker.pool = std::make_unique<base::ThreadPool>(options.threads);
  threads_.emplace_back([this, &worker] { work(worker); });
  return {};
}

// Sleeps until what this thread has computed since the part began is no more than its share of the time since.
void Provider::rest(const Worker& worker) const {
  if (options_.share >= 1.0) return;
  const double computed = thread_seconds() - worker.computed_before;
  const double owed = computed / options_.share - since(worker.began);
  if (owed > kWorthARest) std::this_thread::sleep_for(std::chrono::duration<double>(owed));
}

Provider::WorkPointer Provider::take(std::deque<WorkPointer>& queue) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return stopped() || !queue.empty(); });
  if (stopped()) return nullptr;
  WorkPointer work = queue.front();
  queue.pop_front();
  return work;
}

// What the task says that a part needs, which is what it is checked for. One that the memory was made too small for
// since it was won takes all of it, and fails by itself.
std::uint64_t Provider::memory_of(const Work& work) const {
  return std::min(work.task.memory_mebibytes, options_.memory_mebibytes);
}

Provider::WorkPointer Provider::take_to_compute() {
  std::unique_lock lock(mutex_);
  // In their order, so that no large one waits for ever.
  changed_.wait(lock, [&] {
    return stopped() ||
           (!to_compute_.empty() && memory_of(*to_compute_.front()) <= options_.memory_mebibytes - memory_taken_);
  });
  if (stopped()) return nullptr;
  WorkPointer work = to_compute_.front();
  to_compute_.pop_front();
  memory_taken_ += memory_of(*work);
  return work;
}

void Provider::work(Worker& worker) {
  while (const WorkPointer work = take_to_compute()) {
    const std::uint64_t memory = memory_of(*work);
    const bool computed = compute_if_wanted(worker, *work);
    const std::scoped_lock lock(mutex_);
    memory_taken_ -= memory;
    work->running = false;
    work->busy = computed;
    if (computed) to_settle_.push_back(work);
    changed_.notify_all();
  }
}

// What the ledger is told of parts goes through one thread, so that the next part is computed meanwhile.
void Provider::settle_all() {
  while (const WorkPointer work = take(to_settle_)) {
    const auto [state, has_result] = [&] {
      const std::scoped_lock lock(mutex_);
      return std::pair(work->state, work->result.has_value());
    }();
    const bool unfinished = state == market::PartState::kStopped && !has_result;
    const base::Status settled = unfinished ? report_calls(*work) : settle(*work, state);
    const std::scoped_lock lock(mutex_);
    work->busy = false;
    if (settled.ok() || settled.error().code == base::ErrorCode::kCancelled) continue;
    work->not_before = Clock::now() + kWorkAgain;
    say(base::LogLevel::kWarning, "the ledger did not take what was sent for a part", work->name,
        settled.error().message);
  }
}

// Whether the ledger is to be told of the part now.
bool Provider::compute_if_wanted(Worker& worker, Work& work) {
  {
    const std::scoped_lock lock(mutex_);
    if (!work.listed) return false;
    if (work.state != market::PartState::kHeld || work.result.has_value()) return true;
    work.running = true;
    work.began = Clock::now();
  }
  worker.cancel = &work.cancel;
  worker.began = Clock::now();
  worker.computed_before = thread_seconds();
  const auto made = compute(worker, work);
  worker.cancel = nullptr;
  if (made.ok()) return true;
  const std::scoped_lock lock(mutex_);
  const base::ErrorCode code = made.error().code;
  if (code == base::ErrorCode::kCancelled) return work.state == market::PartState::kStopped && !stopped();
  // What is missing may come, and a full disk may be emptied; nothing else gets better.
  work.failed = code != base::ErrorCode::kNotFound && code != base::ErrorCode::kIo;
  work.not_before = Clock::now() + kWorkAgain;
  needs_.metrics.counter("starling_provider_failures_total", "Runs of parts that failed").add();
  say(base::LogLevel::kError, "a part could not be computed", work.name, made.error().message);
  return false;
}

base::Result<ReadyPart> Provider::ready(const Work& work) {
  FetchOptions fetch;
  fetch.most_bytes = kMaxPartInputBytes;
  fetch.cancelled = [this] { return stopped(); };
  STARLING_TRY(needs_.exchange.fetch(work.input, {options_.ledger}, fetch));
  return jobs_.ready(work.input, seconds());
}

base::Result<PartResult> Provider::compute(Worker& worker, Work& work) {
  STARLING_ASSIGN(const ReadyPart part, ready(work));
  if (part.input.model != work.task.model || part.job->program_root() != work.task.program) {
    return base::invalid("the program of its input is not the task's");
  }
  const PartFolder folder = folder_of(work.name);
  std::optional<std::uint32_t> first;
  PartRun run{needs_.blobs, needs_.key, folder, work.name, work.input, part, seconds(), nullptr};
  run.progress = [&](std::uint32_t calls) -> base::Status {
    if (!first.has_value()) first = calls;
    work.calls_done = calls;
    if (calls == *first) {
      const std::scoped_lock lock(mutex_);
      work.calls_before = calls - 1;
    }
    return stopped() || work.cancel ? base::Status(base::cancelled("the part is not wanted any more")) : base::Status();
  };
  say(base::LogLevel::kInfo, "a part is computed", work.name);
  base::Result<PartResult> result = run_part(run, *worker.engine, worker.pool.get());
  if (!result.ok()) return result;
  const double elapsed = since(work.began);
  needs_.metrics.histogram("starling_provider_run_seconds", "Time that runs of parts took").observe(elapsed);
  const std::scoped_lock lock(mutex_);
  work.result = *result;
  // A run that only went on says little of the speed.
  if (first == 1U && elapsed > 0.0) {
    const double speed = static_cast<double>(work.task.work_per_part) / elapsed;
    work_per_second_ = work_per_second_ == 0.0 ? speed : 0.7 * work_per_second_ + 0.3 * speed;
  }
  return result;
}

// Commits and reveals a result, from where the ledger is.
base::Status Provider::settle(Work& work, market::PartState state) {
  market::RevealResult reveal;
  {
    const std::scoped_lock lock(mutex_);
    if (!work.result.has_value()) return {};
    reveal = work.result->reveal(work.name);
  }
  if (state == market::PartState::kHeld || state == market::PartState::kStopped) {
    STARLING_TRY(account_.carry_out(
        market::CommitResult{work.name.task, work.name.part, market::result_commitment(reveal, address())}));
    const std::scoped_lock lock(mutex_);
    work.state = market::PartState::kCommitted;
  } else if (state != market::PartState::kCommitted) {
    return {};
  }
  STARLING_TRY(account_.carry_out(reveal));
  needs_.metrics.counter("starling_provider_parts_total", "Parts whose result was revealed").add();
  say(base::LogLevel::kInfo, "a part is done", work.name);
  const std::scoped_lock lock(mutex_);
  work.state = market::PartState::kRevealed;
  return {};
}

// Of a part whose task was cancelled before it was done: what was done is paid.
base::Status Provider::report_calls(Work& work) {
  STARLING_ASSIGN(const ReadyPart part, ready(work));
  const PartFolder folder = folder_of(work.name);
  STARLING_ASSIGN(const PartCalls done,
                  calls_done({needs_.blobs, needs_.key, folder, work.name, work.input, part, 0, nullptr}));
  {
    const std::scoped_lock lock(mutex_);
    if (done.calls <= work.reported) return {};
  }
  say(base::LogLevel::kInfo, "a part was cancelled; what was done is reported", work.name);
  STARLING_TRY(account_.carry_out(market::ReportProgress{work.name.task, work.name.part, done.calls, done.root}));
  const std::scoped_lock lock(mutex_);
  work.reported = std::max(work.reported, done.calls);
  return {};
}

base::Json PartProgress::json() const {
  base::Json json = base::Json::empty_object();
  json.set("state", state);
  json.set("calls_done", calls_done);
  json.set("calls", calls);
  json.set("seconds_left", seconds_left.has_value() ? base::Json(*seconds_left) : base::Json());
  return json;
}

base::Result<PartResult> Provider::result(const PartName& name) const {
  const std::scoped_lock lock(mutex_);
  const auto found = parts_.find(name);
  // Nobody sees a result before the ledger has bound this provider to it.
  if (found == parts_.end() || !found->second->result.has_value() ||
      (found->second->listed && stage_of(found->second->state) < stage_of(market::PartState::kCommitted))) {
    return base::not_found("there is no result of part " + name.text() + " here");
  }
  return *found->second->result;
}

base::Result<PartProgress> Provider::progress(const PartName& name) const {
  const std::scoped_lock lock(mutex_);
  const auto found = parts_.find(name);
  if (found == parts_.end()) return base::not_found("part " + name.text() + " is not here");
  const Work& work = *found->second;
  PartProgress progress;
  progress.calls = work.task.calls;
  progress.calls_done = work.calls_done;
  progress.state = work.result.has_value() ? "done" : work.failed ? "failed" : work.running ? "running" : "waiting";
  if (work.result.has_value()) progress.calls_done = progress.calls;
  if (work.running && progress.calls_done > work.calls_before && progress.calls > 0) {
    const double each = since(work.began) / (progress.calls_done - work.calls_before);
    progress.seconds_left = each * (progress.calls - std::min(progress.calls, progress.calls_done));
  }
  return progress;
}

base::Json Provider::status() const {
  base::Json models = base::Json::empty_array();
  for (const base::Hash& root : needs_.models.roots()) {
    const bool runs = options_.models.empty() || std::ranges::find(options_.models, root) != options_.models.end();
    if (runs) models.push("0x" + root.hex());
  }
  const std::scoped_lock lock(mutex_);
  base::Json list = base::Json::empty_array();
  for (const auto& [name, work] : parts_) {
    if (!work->listed) continue;
    base::Json item = base::Json::empty_object();
    item.set("task", std::to_string(name.task));
    item.set("part", name.part);
    item.set("state", market::name_of(work->state));
    item.set("running", work->running);
    item.set("failed", work->failed);
    item.set("calls_done", work->calls_done.load());
    item.set("calls", work->task.calls);
    list.push(std::move(item));
  }
  base::Json json = base::Json::empty_object();
  json.set("address", address().text());
  json.set("models", std::move(models));
  json.set("any_model", options_.any_model);
  json.set("parts", std::move(list));
  json.set("rate_now", std::to_string(rate_now_));
  json.set("work_per_second", std::to_string(static_cast<std::uint64_t>(work_per_second_)));
  return json;
}

}  // namespace starling::node
