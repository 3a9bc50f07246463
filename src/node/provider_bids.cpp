#include "node/provider_bids.h"

#include <algorithm>

#include "base/file.h"
#include "base/log.h"
#include "ledger/amount.h"
#include "ledger/market/auction.h"
#include "proof/trace.h"

namespace starling::node {

namespace market = ledger::market;

namespace {

constexpr std::chrono::seconds kBidAgain{2};  // after something that may change: a blob or a model that is not there
constexpr std::uint32_t kMaxDoublings = 5;    // of that, when it is still not there
constexpr std::chrono::seconds kChecking{2};  // of one look: what is left is checked with the next
// After a bid that the ledger refused, longer each time: what it was made for may have been gone by then.
constexpr std::chrono::milliseconds kRefused{50};
constexpr std::uint32_t kMaxRefusals = 9;

std::uint64_t result_bytes(const generate::TextToVideo& request) {
  return static_cast<std::uint64_t>(request.width) * static_cast<std::uint64_t>(request.height) * 3 *
         static_cast<std::uint64_t>(request.frames);
}

// What a part takes on the disk: the journal becomes the trace, beside the frames.
std::uint64_t disk_bytes(const generate::VideoJob& job) {
  const auto kept = [&job](std::uint32_t call) { return generate::is_kept(job.calls(), call); };
  return result_bytes(job.request()) + 2 * proof::trace_bytes(job.program(), kept);
}

// The rate at which a part of this work costs no more than the price.
std::uint64_t highest_rate(std::uint64_t price, std::uint64_t work) {
  return ledger::multiply_divide(price, market::kRateWork, work).value_or(~std::uint64_t{0});
}

}  // namespace

std::uint64_t ProviderBids::rate_now() const {
  std::uint64_t rate = limits_.minimum_rate;
  if (lowest_win_.has_value()) {
    const std::uint64_t below = *lowest_win_ - std::min(*lowest_win_, std::max<std::uint64_t>(1, *lowest_win_ / 100));
    rate = std::max(rate, below);
  }
  return std::min(rate, limits_.rate);
}

base::Result<PartInput> ProviderBids::part_input(const base::Hash& blob, std::int64_t now) {
  FetchOptions options;
  options.most_bytes = kMaxPartInputBytes;
  options.cancelled = cancelled_;
  STARLING_TRY(exchange_.fetch(blob, {ledger_.url()}, options));
  return jobs_.input(blob, now);
}

base::Status ProviderBids::check_part(const TaskEntry& task, const PartInput& input, const ReadyPart& first) const {
  if (input.model != task.task.model) return base::invalid("an input names another model than the task");
  if (!same_program(first.input.request, input.request)) return base::invalid("the parts have different programs");
  const auto model = models_.find(input.model);
  if (model == nullptr) return base::not_found("the model is not here any more");
  return generate::check_text(*model, input.request);
}

base::Status ProviderBids::check_disk(const generate::VideoJob& job) const {
  STARLING_ASSIGN(const std::uint64_t free, base::free_bytes(limits_.disk));
  const std::uint64_t needed = disk_bytes(job) + limits_.spare_disk_bytes;
  if (free >= needed) return {};
  return base::io_error("the disk of " + limits_.disk.string() + " has " + std::to_string(free >> 20U) +
                        " MiB free, and a part needs " + std::to_string(needed >> 20U) +
                        " with what is kept free (--spare-disk); make room there");
}

// What the task itself says, without a look at its inputs. Errors as those of check.
base::Status ProviderBids::check_terms(const market::Task& asked) {
  if (highest_rate(asked.max_price, asked.work_per_part) < limits_.minimum_rate) {
    return base::unsupported("it pays less than this provider's minimum rate");
  }
  if (asked.memory_mebibytes > limits_.memory_mebibytes) return base::limit_error("it needs too much memory");
  if (!limits_.models.empty() && std::ranges::find(limits_.models, asked.model) == limits_.models.end()) {
    return base::unsupported("its model is not among those that this provider runs");
  }
  if (models_.find(asked.model) == nullptr) {
    if (!limits_.any_model) return base::unsupported("its model is not here");
    wanted_ = asked.model;
    return base::not_found("its model is being fetched");
  }
  return {};
}

// kNotFound and kIo: something is missing that may come yet. Any other error: the task is not taken.
base::Status ProviderBids::check(const TaskEntry& task, std::int64_t now) {
  const market::Task& asked = task.task;
  STARLING_TRY(check_terms(asked));
  STARLING_ASSIGN(const std::vector<PartEntry> parts, ledger_.parts(task.number));
  std::optional<ReadyPart> first;
  for (const PartEntry& entry : parts) {
    if (entry.part.state != market::PartState::kOpen) continue;
    STARLING_ASSIGN(const PartInput input, part_input(entry.part.input, now));
    if (!first.has_value()) {
      if (result_bytes(input.request) > limits_.most_result_bytes) return base::limit_error("its videos are too large");
      if (input.model != asked.model) return base::invalid("an input names another model than the task");
      STARLING_ASSIGN(first, jobs_.ready(entry.part.input, now));
      const generate::VideoJob& job = *first->job;
      if (job.program_root() != asked.program) return base::invalid("its program is not that of its inputs");
      if (priced_work(job.program().work()) != asked.work_per_part || job.program().calls().size() != asked.calls) {
        return base::invalid("its work or calls are not those of its program");
      }
      if (needed_mebibytes(job) > std::min(asked.memory_mebibytes, limits_.memory_mebibytes)) {
        return base::limit_error("it needs more memory than it says, or than there is");
      }
      STARLING_TRY(check_disk(job));
    }
    STARLING_TRY(check_part(task, input, *first));
  }
  return {};
}

void ProviderBids::auction_closed(const TaskEntry& task) {
  const auto parts = ledger_.parts(task.number);
  if (!parts.ok()) return;
  std::uint64_t last = 0;
  for (const PartEntry& entry : *parts) last = std::max(last, entry.part.awarded);
  std::optional<std::uint64_t> lowest;
  bool own = false;
  for (const PartEntry& entry : *parts) {
    if (entry.part.awarded != last || last == 0) continue;
    own = own || entry.part.provider == self_;
    const std::uint64_t rate = highest_rate(entry.part.price, task.task.work_per_part);
    if (entry.part.provider != self_ && (!lowest.has_value() || rate < *lowest)) lowest = rate;
  }
  // Whoever wins something at its rate has no reason to change it.
  if (lowest.has_value() && !own) lowest_win_ = lowest;
}

std::uint32_t ProviderBids::parts_in_time(const BidMoment& moment, const TaskEntry& task) const {
  const std::uint32_t wanted = std::min(moment.free_slots, task.task.open);
  if (moment.work_per_second <= 0.0) return wanted;
  // Half of the time limit is left for what else the machine does.
  const std::uint64_t fit = limits_.memory_mebibytes / std::max<std::uint64_t>(1, task.task.memory_mebibytes);
  const auto at_once =
      static_cast<double>(std::clamp<std::uint64_t>(fit, 1, static_cast<std::uint64_t>(moment.workers)));
  const double work_in_time = moment.work_per_second * at_once * static_cast<double>(task.task.time_limit) / 2000.0;
  const double room = work_in_time - static_cast<double>(moment.queued_work);
  const double parts = room / static_cast<double>(std::max<std::uint64_t>(1, task.task.work_per_part));
  return parts < 1.0 ? 0 : static_cast<std::uint32_t>(std::min(parts, static_cast<double>(wanted)));
}

// How many the stake that backs nothing yet is enough for.
std::uint32_t ProviderBids::parts_backed(const BidMoment& moment, const TaskEntry& task) const {
  const auto collateral = market::collateral_for(moment.rules, task.task.max_price);
  if (!collateral.has_value()) return 0;
  const std::uint64_t free = moment.self.stake - std::min(moment.self.stake, moment.self.locked);
  if (*collateral == 0) return task.task.open;
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(task.task.open, free / *collateral));
}

// What is missing may come; nothing else changes.
void ProviderBids::judge_later(std::uint64_t task, Seen& seen, const base::Error& why) const {
  const bool later = why.code == base::ErrorCode::kNotFound || why.code == base::ErrorCode::kIo ||
                     why.code == base::ErrorCode::kCancelled;
  if (later) seen.not_before = Clock::now() + kBidAgain * (1U << std::min(seen.tries++, kMaxDoublings));
  seen.refused = !later;
  if (seen.last_trouble == why.message) return;
  seen.last_trouble = why.message;
  base::log(base::LogLevel::kInfo, later ? "a task cannot be judged yet" : "a task is not taken",
            {{"task", std::to_string(task)}, {"reason", why.message}});
}

bool ProviderBids::waits() const {
  return std::ranges::any_of(seen_, [](const auto& entry) { return entry.second.not_before.has_value(); });
}

base::Result<bool> ProviderBids::may_bid(const TaskEntry& task) const {
  if (task.task.auction_end == 0) return true;
  const auto claim = ledger_.query("tasks/" + std::to_string(task.number) + "/claims/" + self_.text());
  if (claim.ok()) return false;
  if (claim.error().code != base::ErrorCode::kNotFound) return claim.error();
  // Claims go when their auction ends: that there is none says something only while it is still on.
  STARLING_ASSIGN(const TaskEntry now, ledger_.task(task.number));
  return now.task.auction_end == task.task.auction_end;
}

base::Status ProviderBids::look() {
  STARLING_ASSIGN(open_tasks_, open_.look(Clock::now()));
  return {};
}

std::vector<market::ClaimTask> ProviderBids::bids(const BidMoment& moment, bool fresh) {
  std::vector<TaskEntry> open = std::move(open_tasks_);
  open_tasks_.clear();
  // What waits for something that is missing comes after everything else.
  std::stable_partition(open.begin(), open.end(), [this](const TaskEntry& task) {
    const auto known = seen_.find(task.number);
    return known == seen_.end() || known->second.tries == 0 || known->second.checked;
  });
  const Clock::time_point checked_until = Clock::now() + kChecking;
  std::vector<market::ClaimTask> claims;
  std::map<std::uint64_t, Seen> still;
  wanted_.reset();
  BidMoment left = moment;
  for (const TaskEntry& task : open) {
    const auto known = seen_.extract(task.number);
    Seen& seen = still[task.number];
    if (!known.empty()) seen = known.mapped();
    // A bid of the last time is in the ledger by now: no auction, or another one, means that its own is over.
    if (seen.claimed && task.task.auction_end != seen.auction_end) {
      seen.claimed = false;
      seen.auction_end = 0;
      auction_closed(task);
    }
    if (seen.claimed) continue;
    if (seen.not_before.has_value() && Clock::now() < *seen.not_before && !fresh) continue;
    seen.not_before.reset();
    const std::uint64_t end =
        task.task.auction_end != 0 ? task.task.auction_end : moment.time + moment.rules.auction_time;
    if (moment.time > end || end + task.task.time_limit > task.task.deadline) continue;
    const std::uint32_t parts = std::min(parts_in_time(left, task), parts_backed(left, task));
    if (parts == 0) continue;
    if (!seen.checked) {
      if (Clock::now() > checked_until) {
        seen.not_before = Clock::now();
        continue;
      }
      const base::Status fits = check(task, moment.seconds);
      if (!fits.ok()) {
        judge_later(task.number, seen, fits.error());
        if (seen.refused) open_.put_aside(task.number);
        continue;
      }
      seen.checked = true;
    }
    if (seen.unsure) {
      const base::Result<bool> may = may_bid(task);
      if (!may.ok()) {
        judge_later(task.number, seen, may.error());
        continue;
      }
      seen.unsure = false;
      if (!*may) {
        seen.claimed = true;
        seen.auction_end = task.task.auction_end;
        continue;
      }
    }
    const std::uint64_t rate = std::min(rate_now(), highest_rate(task.task.max_price, task.task.work_per_part));
    if (rate < limits_.minimum_rate) continue;
    const auto price = market::part_price(task.task.work_per_part, rate);
    if (!price.has_value() || *price > task.task.max_price) continue;
    left.free_slots -= parts;
    left.self.locked += parts * market::collateral_for(moment.rules, task.task.max_price).value_or(0);
    left.queued_work += parts * task.task.work_per_part;
    claims.push_back({task.number, parts, rate});
  }
  // What is not open any more and was bid for shows who won.
  for (const auto& [number, seen] : seen_) {
    if (!seen.claimed) continue;
    const auto task = ledger_.task(number);
    if (task.ok()) auction_closed(*task);
  }
  seen_ = std::move(still);
  return claims;
}

void ProviderBids::told(std::uint64_t task, std::optional<std::uint64_t> auction_end) {
  const auto found = seen_.find(task);
  if (found == seen_.end()) return;
  Seen& seen = found->second;
  if (auction_end.has_value()) {
    seen.claimed = true;
    seen.auction_end = *auction_end;
    seen.refusals = 0;
  } else {
    seen.unsure = true;
    seen.not_before = Clock::now() + kRefused * (1U << std::min(seen.refusals++, kMaxRefusals));
  }
}

}  // namespace starling::node
