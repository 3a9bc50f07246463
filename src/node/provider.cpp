#include "node/provider.h"

#include <algorithm>
#include <ctime>
#include <set>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "exact/kernels.h"
#include "generate/benchmark.h"
#include "ledger/json_fields.h"
#include "node/provider_run.h"
#include "node/provider_work.h"

namespace starling::node {

namespace market = ledger::market;

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kShortPoll{1'000};  // while something is to be tried again
constexpr std::chrono::seconds kAfterRefusal{60};       // after a message that was refused
constexpr std::chrono::seconds kTidying{60};

std::vector<std::string> backend_names() {
  std::vector<std::string> names;
  for (const exact::Kernels* kernels : exact::available_kernels()) names.emplace_back(kernels->name);
  return names;
}

// Of the auction that a bid is in.
std::optional<std::uint64_t> auction_end_of(const Receipted& bid) {
  for (const base::Json& event : bid.events.elements()) {
    const base::Json* const end = event.find("auction_end");
    if (end == nullptr) continue;
    const auto number = ledger::json_u64(*end);
    if (number.ok()) return *number;
  }
  return std::nullopt;
}

ProviderOptions completed(ProviderOptions options) {
  options.workers = std::max(1, options.workers);
  options.share = std::clamp(options.share, 0.05, 1.0);
  if (options.threads == 0) {
    options.threads = std::max(options.workers, static_cast<int>(std::thread::hardware_concurrency()));
  }
  if (options.slots == 0) options.slots = static_cast<std::uint32_t>(2 * options.workers);
  options.slots = std::min(options.slots, market::kMaxSlots);
  if (options.memory_mebibytes == 0) options.memory_mebibytes = base::usable_memory().bytes / 4 * 3 >> 20U;
  if (options.minimum_rate == 0) options.minimum_rate = options.rate;
  return options;
}

}  // namespace

Provider::Provider(ProviderOptions options, const ProviderNeeds& needs)
    : options_(completed(std::move(options))),
      needs_(needs),
      ledger_(needs_.http, options_.ledger, [this] { return stopped(); }),
      waiter_(needs_.http, options_.ledger, [this] { return stopped() || wake_.exchange(false); }),
      account_(ledger_, needs_.key),
      jobs_(needs_.models, needs_.blobs, options_.memory_mebibytes << 20U) {}

base::Result<std::unique_ptr<Provider>> Provider::start(ProviderOptions options, const ProviderNeeds& needs) {
  if (options.rate == 0 || options.minimum_rate > options.rate) {
    return base::invalid("a provider's rate is above zero, and its minimum rate no higher than its rate");
  }
  if (options.threads != 0 && options.threads < options.workers) {
    return base::invalid("each of the " + std::to_string(options.workers) + " workers needs a thread, and there are " +
                         std::to_string(options.threads) + ": give more --threads, or fewer --workers");
  }
  std::unique_ptr<Provider> provider(new Provider(std::move(options), needs));
  STARLING_TRY(provider->prepare());
  return provider;
}

base::Status Provider::prepare() {
  STARLING_TRY(base::make_directories(options_.home / "parts", base::FileMode::kPrivate));
  BidLimits limits;
  limits.models = options_.models;
  limits.any_model = options_.any_model;
  limits.memory_mebibytes = options_.memory_mebibytes;
  limits.minimum_rate = options_.minimum_rate;
  limits.rate = options_.rate;
  limits.most_result_bytes = options_.most_result_bytes;
  limits.disk = options_.home;
  limits.spare_disk_bytes = options_.spare_disk_mebibytes << 20U;
  bids_.emplace(limits, address(), ledger_, needs_.models, needs_.exchange, jobs_, [this] { return stopped(); });
  rate_now_ = bids_->rate_now();
  for (int i = 0; i < options_.workers; ++i) STARLING_TRY(add_worker());
  threads_.emplace_back([this] { settle_all(); });
  threads_.emplace_back([this] { watch(); });
  return {};
}

Provider::~Provider() { stop(); }

void Provider::stop() {
  {
    const std::scoped_lock lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  if (model_thread_.joinable()) model_thread_.join();
}

std::uint64_t Provider::chain_time() const {
  const std::scoped_lock lock(tip_mutex_);
  if (!tip_.has_value()) return 0;
  const auto since = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - tip_seen_);
  return tip_->time + static_cast<std::uint64_t>(since.count());
}

std::int64_t Provider::seconds() const { return static_cast<std::int64_t>(chain_time() / 1000); }

void Provider::see(const ChainTip& tip) {
  const std::scoped_lock lock(tip_mutex_);
  if (tip_.has_value() && tip_->height == tip.height) return;
  tip_ = tip;
  tip_seen_ = Clock::now();
}

PartFolder Provider::folder_of(const PartName& name) const { return {options_.home, chain_id_.value_or(0), name}; }

bool Provider::pause(std::chrono::milliseconds time) {
  std::unique_lock lock(mutex_);
  return !changed_.wait_for(lock, time, [this] { return stopped(); });
}

void Provider::watch() {
  std::optional<ChainTip> tip;
  std::string last_trouble;
  auto wait = kFirstPause;
  while (!stopped()) {
    const base::Status status = [&]() -> base::Status {
      if (!tip.has_value()) {
        STARLING_TRY(learn_chain());
        STARLING_ASSIGN(const ChainStatus chain, ledger_.status());
        tip = ChainTip{chain.height, chain.time};
        see(*tip);
      }
      STARLING_TRY(look(*tip));
      return wait_for_block(*tip);
    }();
    if (status.ok()) {
      wait = kFirstPause;
      last_trouble.clear();
      continue;
    }
    if (stopped()) return;
    if (status.error().message != last_trouble) {
      base::log(base::LogLevel::kWarning, "the ledger cannot be watched; trying again",
                {{"gateway", options_.ledger}, {"reason", status.error().message}});
    }
    last_trouble = status.error().message;
    if (!pause(wait)) return;
    wait = std::min(2 * wait, kLongestPause);
  }
}

// Or until something else is to be looked at.
base::Status Provider::wait_for_block(ChainTip& tip) {
  bool soon = bids_->waits();
  {
    const std::scoped_lock lock(mutex_);
    for (const auto& [name, work] : parts_) soon = soon || (work->listed && Clock::now() < work->not_before);
  }
  const auto next = waiter_.wait(tip.height, soon ? kShortPoll : kLongPoll);
  if (next.ok()) {
    tip = *next;
    see(tip);
  }
  if (next.ok() || (next.error().code == base::ErrorCode::kCancelled && !stopped())) return {};
  return next.error();
}

// The chain's number, and what is kept from before.
base::Status Provider::learn_chain() {
  if (chain_id_.has_value()) return {};
  STARLING_ASSIGN(const ChainStatus chain, ledger_.status());
  STARLING_ASSIGN(rules_, ledger_.market());
  const std::scoped_lock lock(mutex_);
  chain_id_ = chain.chain_id;
  for (const PartName& name : PartFolder::list(options_.home, chain.chain_id)) {
    const auto result = folder_of(name).load();
    if (!result.ok()) {
      base::log(base::LogLevel::kError, "a result cannot be read", {{"reason", result.error().message}});
      continue;
    }
    if (!result->has_value()) continue;
    const auto work = std::make_shared<Work>();
    work->name = name;
    work->input = (*result)->input;
    work->result = **result;
    parts_[name] = work;
  }
  return {};
}

base::Status Provider::look(const ChainTip& tip) {
  const auto self = ledger_.provider(address());
  const bool known = self.ok();
  if (!known && self.error().code != base::ErrorCode::kNotFound) return self.error();
  const market::Provider record = known ? *self : market::Provider();
  STARLING_TRY(keep_registered(record, known, tip));
  if (!known) return {};
  STARLING_ASSIGN(const std::vector<PartEntry> held, ledger_.parts_of(address()));
  STARLING_TRY(follow(held));
  STARLING_TRY(bid(record));
  fetch_wanted_model();
  forget_old();
  return {};
}

// Sends a message whose refusal costs a fee at most once a minute while it is refused.
void Provider::send_once_in_a_while(const ledger::Message& message) {
  const std::string name = ledger::message_name(message);
  if (const auto found = not_before_.find(name); found != not_before_.end() && Clock::now() < found->second) return;
  const auto sent = account_.carry_out(message);
  if (sent.ok()) {
    not_before_.erase(name);
    return;
  }
  not_before_[name] = Clock::now() + kAfterRefusal;
  base::log(base::LogLevel::kWarning, "the provider is not as it should be in the ledger",
            {{"reason", sent.error().message}});
}

base::Status Provider::keep_registered(const market::Provider& self, bool known, const ChainTip& tip) {
  const std::vector<std::string> backends = backend_names();
  if (!known || self.backends != backends || self.memory_mebibytes != options_.memory_mebibytes ||
      self.slots != options_.slots || self.rate != options_.rate || self.endpoint != options_.endpoint) {
    send_once_in_a_while(market::RegisterProvider{backends, options_.memory_mebibytes, options_.slots, options_.rate,
                                                  options_.endpoint});
    return {};  // its block is the next to look at
  }
  const ledger::Motes stake = std::max(options_.stake, rules_->minimum_stake);
  if (self.stake < stake) send_once_in_a_while(market::AddStake{stake - self.stake});
  if (self.benchmark_started != 0) return answer_benchmark(self);
  // A quarter of the age early, so that there is always one that is young enough.
  const bool old = self.measured_at != 0 && tip.time > self.measured_at &&
                   tip.time - self.measured_at > rules_->benchmark_age / 4 * 3;
  if (rules_->benchmark_age != 0 && old) send_once_in_a_while(market::StartBenchmark{});
  return {};
}

base::Status Provider::answer_benchmark(const market::Provider& self) {
  if (benchmarked_ != self.benchmark_seed) {
    exact::EngineOptions options;
    options.threads = options_.threads;
    options.stop = [this]() -> base::Status {
      return stopped() ? base::Status(base::cancelled("the provider stops")) : base::Status();
    };
    STARLING_ASSIGN(exact::Engine engine, exact::Engine::create(options));
    STARLING_ASSIGN(benchmark_root_, generate::run_benchmark(self.benchmark_seed, engine));
    benchmarked_ = self.benchmark_seed;
  }
  send_once_in_a_while(market::ReportBenchmark{benchmark_root_});
  return {};
}

base::Status Provider::follow(const std::vector<PartEntry>& held) {
  {
    const std::scoped_lock lock(mutex_);
    std::set<PartName> names;
    for (const PartEntry& entry : held) names.insert({entry.task, entry.index});
    for (const auto& [name, work] : parts_) {
      if (!work->listed || names.contains(name)) continue;
      work->cancel = true;  // taken away, if it still runs
      work->listed = false;
    }
  }
  for (const PartEntry& entry : held) STARLING_TRY(follow_part(entry));
  needs_.metrics.gauge("starling_provider_parts", "Parts won and not settled").set(static_cast<double>(held.size()));
  return {};
}

// A part that is new here, or new again after it was lost: then what is known of it still counts.
base::Result<Provider::WorkPointer> Provider::take_on(const PartEntry& entry) {
  STARLING_ASSIGN(const TaskEntry task, ledger_.task(entry.task));
  const PartName name{entry.task, entry.index};
  const std::scoped_lock lock(mutex_);
  WorkPointer& work = parts_[name];
  if (work != nullptr && work->input != entry.part.input) {
    // A task of this number on a chain that is no more.
    work->cancel = true;
    if (work->result.has_value()) unpin_result(name, *work->result, needs_.blobs);
    folder_of(name).remove();
    work.reset();
  }
  if (work == nullptr) work = std::make_shared<Work>();
  work->name = name;
  work->input = entry.part.input;
  work->task = task.task;
  work->state = entry.part.state;
  work->awarded = entry.part.awarded;
  work->reported = entry.part.calls;
  work->listed = true;
  return work;
}

base::Status Provider::follow_part(const PartEntry& entry) {
  WorkPointer work;
  {
    const std::scoped_lock lock(mutex_);
    const auto found = parts_.find({entry.task, entry.index});
    const bool known = found != parts_.end() && found->second->listed && found->second->awarded == entry.part.awarded &&
                       found->second->input == entry.part.input;
    if (known) work = found->second;
  }
  if (work == nullptr) {
    STARLING_ASSIGN(work, take_on(entry));
  }
  const market::PartState state = entry.part.state;
  const std::scoped_lock lock(mutex_);
  // A worker may be ahead of what was read.
  if (stage_of(work->state) < stage_of(state)) work->state = state;
  work->reported = std::max(work->reported, entry.part.calls);
  if (state == market::PartState::kStopped) work->cancel = true;
  if (work->busy || work->failed || work->state != state || Clock::now() < work->not_before) return {};
  if (state != market::PartState::kHeld && state != market::PartState::kCommitted &&
      state != market::PartState::kStopped) {
    return {};
  }
  const bool has_result = work->result.has_value();
  if (state == market::PartState::kCommitted && !has_result) {
    work->failed = true;
    base::log(base::LogLevel::kError, "the result of a part that was committed is lost",
              {{"task", std::to_string(entry.task)}, {"part", std::to_string(entry.index)}});
    return {};
  }
  // A result that is here is left over from a process that was killed, or from a gateway that did not answer.
  work->busy = true;
  work->cancel = state == market::PartState::kStopped;
  (state == market::PartState::kHeld && !has_result ? to_compute_ : to_settle_).push_back(work);
  changed_.notify_all();
  return {};
}

base::Status Provider::bid(const market::Provider& known) {
  if (known.held >= known.slots || known.stake < rules_->minimum_stake) return {};
  const std::time_t time = std::chrono::system_clock::to_time_t(options_.clock());
  std::tm parts{};
  ::localtime_r(&time, &parts);
  if (options_.hours.has_value() && !options_.hours->has(parts.tm_hour)) return {};
  STARLING_TRY(bids_->look());
  STARLING_ASSIGN(const market::Provider self, ledger_.provider(address()));
  if (self.held >= self.slots) return {};
  BidMoment moment;
  moment.seconds = seconds();
  moment.time = chain_time();
  if (moment.time < self.suspended_until) return {};
  if (rules_->benchmark_age != 0 &&
      (self.measured_at == 0 || moment.time - self.measured_at >= rules_->benchmark_age)) {
    return {};
  }
  moment.rules = *rules_;
  moment.self = self;
  moment.free_slots = self.slots - self.held;
  {
    const std::scoped_lock lock(mutex_);
    moment.work_per_second = work_per_second_;
    moment.workers = options_.workers;
    for (const auto& [name, work] : parts_) {
      if (work->busy) moment.queued_work += work->task.work_per_part;
    }
  }
  const bool fresh = model_came_.exchange(false);
  const std::vector<market::ClaimTask> claims = bids_->bids(moment, fresh);
  {
    const std::scoped_lock lock(mutex_);
    rate_now_ = bids_->rate_now();
  }
  if (claims.empty()) return {};
  const std::vector<ledger::Message> messages(claims.begin(), claims.end());
  const auto results = account_.send(messages);
  for (std::size_t i = 0; i < claims.size(); ++i) {
    const bool refused = !results.ok() || !(*results)[i].fine();
    bids_->told(claims[i].task, refused ? std::nullopt : auction_end_of((*results)[i]));
    needs_.metrics
        .counter("starling_provider_bids_total", "Bids by what became of them",
                 {{"outcome", refused ? "refused" : "made"}})
        .add();
    base::log(base::LogLevel::kInfo, refused ? "a bid was refused" : "a bid is made",
              {{"task", std::to_string(claims[i].task)},
               {"parts", std::to_string(claims[i].parts)},
               {"rate", std::to_string(claims[i].rate)},
               {"fault", results.ok() ? (*results)[i].fault : results.error().message}});
  }
  return {};
}

void Provider::fetch_wanted_model() {
  const auto wanted = bids_->wanted_model();
  if (!wanted.has_value() || fetching_model_.load()) return;
  const auto model = ledger_.model(*wanted);
  if (!model.ok()) return;
  std::vector<std::string> sources;
  for (const std::string& location : model->locations) {
    if (check_base_url(location).ok()) sources.push_back(location);
  }
  sources.push_back(options_.ledger);
  if (!options_.model_source.empty()) sources.push_back(options_.model_source);
  if (model_thread_.joinable()) model_thread_.join();
  fetching_model_ = true;
  model_thread_ = std::thread([this, root = *wanted, sources] {
    const base::Status fetched = needs_.models.fetch(
        root, sources, options_.most_model_bytes, needs_.http, needs_.exchange, [this] { return stopped(); },
        seconds());
    base::log(fetched.ok() ? base::LogLevel::kInfo : base::LogLevel::kWarning,
              fetched.ok() ? "a model was fetched" : "a model could not be fetched",
              {{"model", root.hex()}, {"reason", fetched.ok() ? "an open task asks for it" : fetched.error().message}});
    fetching_model_ = false;
    model_came_ = fetched.ok();
    wake_ = true;
  });
}

void Provider::forget_old() {
  if (Clock::now() < next_tidying_) return;
  next_tidying_ = Clock::now() + kTidying;
  const std::int64_t oldest = seconds() - options_.keep.count();
  const std::scoped_lock lock(mutex_);
  for (auto it = parts_.begin(); it != parts_.end();) {
    const Work& work = *it->second;
    const bool gone = !work.listed && !work.busy && (!work.result.has_value() || work.result->finished < oldest);
    if (gone) {
      if (work.result.has_value()) unpin_result(work.name, *work.result, needs_.blobs);
      folder_of(work.name).remove();
    }
    it = gone ? parts_.erase(it) : std::next(it);
  }
  // Journals of parts that were lost while nobody looked.
  for (const PartName& name : PartFolder::list(options_.home, chain_id_.value_or(0))) {
    if (!parts_.contains(name)) folder_of(name).remove();
  }
  const auto collected = needs_.blobs.collect(seconds());
  if (!collected.ok()) {
    base::log(base::LogLevel::kWarning, "blobs could not be thrown out", {{"reason", collected.error().message}});
  }
}

}  // namespace starling::node
