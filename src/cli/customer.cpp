#include "cli/customer.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <iostream>
#include <mutex>
#include <thread>
#include <vector>

#include "base/file.h"
#include "base/interrupt.h"
#include "base/progress.h"
#include "base/wall_clock.h"
#include "cli/credits.h"
#include "cli/output.h"
#include "cli/video_files.h"
#include "node/acceptance.h"

namespace starling::cli {

namespace market = ledger::market;

namespace {

constexpr std::chrono::milliseconds kProgressPause{150};
constexpr std::size_t kCopyBytes = std::size_t{1} << 20;

bool is_running(market::PartState state) { return state == market::PartState::kHeld; }
bool is_computed(market::PartState state) {
  return state == market::PartState::kCommitted || state == market::PartState::kRevealed ||
         state == market::PartState::kPaid;
}

base::Status copy_blob(store::Blobs& blobs, const base::Hash& name, base::AtomicFile& file) {
  STARLING_ASSIGN(const store::BlobReader reader, blobs.read(name, base::unix_seconds()));
  std::vector<std::uint8_t> bytes(kCopyBytes);
  for (std::uint64_t at = 0; at < reader.size(); at += bytes.size()) {
    const std::span<std::uint8_t> piece(bytes.data(), std::min<std::uint64_t>(bytes.size(), reader.size() - at));
    STARLING_TRY(reader.read(at, piece));
    STARLING_TRY(file.write(piece));
  }
  return {};
}

}  // namespace

base::Result<std::unique_ptr<Customer>> Customer::open(const std::string& network) {
  std::unique_ptr<Customer> customer(new Customer());
  STARLING_ASSIGN(customer->network_, open_network(network));
  STARLING_ASSIGN(customer->key_, open_account_key());
  STARLING_ASSIGN(customer->room_, TemporaryHome::make("customer"));
  STARLING_ASSIGN(customer->blobs_, store::Blobs::open(customer->room_->path() / "blobs"));
  STARLING_ASSIGN(const std::filesystem::path lock, sending_lock(customer->key_->address()));
  STARLING_ASSIGN(const std::filesystem::path orders, orders_folder());
  customer->account_.emplace(customer->network_->ledger, *customer->key_, kSendingPatience, lock);
  customer->exchange_.emplace(customer->network_->http, *customer->blobs_, base::unix_seconds);
  customer->requester_.emplace(customer->network_->http, customer->network_->ledger, *customer->account_,
                               *customer->exchange_, *customer->blobs_, orders, base::interrupted);
  return customer;
}

base::Error Customer::cancelled(std::uint64_t task) {
  base::clear_interrupt();
  const std::string number = std::to_string(task);
  const base::Status status = requester_->cancel(task);
  if (!status.ok()) {
    const bool over = status.error().message.find("TASK_OVER") != std::string::npos;
    return base::cancelled(over ? "interrupted, after task " + number + " was done: fetch it with starling job wait " +
                                      number
                                : "interrupted, and task " + number + " could not be cancelled (" +
                                      status.error().message + "): try starling job cancel " + number);
  }
  return base::cancelled("interrupted: task " + number +
                         " is cancelled; what nobody had begun is refunded, the rest is paid as far as it was done");
}

void declare_bargain(Options& options, Bargain& bargain, const std::string& remark) {
  options.text("--max-price", bargain.max_price, "Credits that each video may cost" + remark);
  options.integer("--time-limit", bargain.time_limit, 1, static_cast<std::int64_t>(node::kMostTimeLimit / 1000),
                  "Seconds that a provider has for a video before it goes to another" + remark);
  options.flag("-y,--yes", bargain.yes, "Agree to the price beforehand" + remark);
}

base::Result<node::Quote> agree(const Customer& customer, const node::Order& order, const Bargain& bargain) {
  node::Wishes wishes;
  if (!bargain.max_price.empty()) {
    STARLING_ASSIGN(wishes.max_price, read_credits(bargain.max_price));
  }
  if (bargain.time_limit.has_value()) wishes.time_limit = static_cast<std::uint64_t>(*bargain.time_limit) * 1000;
  STARLING_ASSIGN(const node::Quote quote, customer.requester().quote(order, wishes));
  const node::Terms& terms = quote.terms;
  if (quote.lowest_price == 0) {
    return base::not_found("no provider of this network could make this: it takes one that answers, runs model " +
                           order.model.hex() + " and has " + std::to_string(quote.memory_mebibytes) +
                           " MiB of memory; ask for a smaller video, or try again when more providers are there");
  }
  if (terms.max_price < quote.lowest_price) {
    return base::invalid("nobody makes this for " + show_credits(terms.max_price) +
                         " credits: the cheapest provider asks up to " + show_credits(quote.lowest_price) +
                         "; allow more with --max-price");
  }
  if (quote.providers == 0) {
    return base::invalid("no provider has the stake that backs " + show_credits(terms.max_price) +
                         " credits for a video: allow less with --max-price, from " + show_credits(quote.lowest_price));
  }
  const std::size_t videos = order.parts.size();
  std::array<char, 96> work{};
  std::snprintf(work.data(), work.size(), "%.2f x 10^9 multiply-adds", static_cast<double>(quote.work_per_part) * 1e-9);
  const std::string each = videos > 1 ? " each" : "";
  note("work     " + std::string(work.data()) + each + ", by one of " + std::to_string(quote.providers) + " providers");
  note("price    at most " + show_credits(terms.max_price) + " credits" + each + ", and a fee of " +
       show_credits(quote.fee));
  note("time     " +
       (quote.seconds ? "about " + base::format_duration(*quote.seconds)
                      : std::string("not known yet: no provider has been measured")) +
       ", and for each try of a video at most " +
       base::format_duration(static_cast<double>(terms.time_limit) / 1000.0));
  if (bargain.yes) return quote;
  if (::isatty(STDIN_FILENO) == 0) {
    return base::invalid("nobody is there to say yes to this price: give --yes to agree beforehand");
  }
  std::cerr << "Go on? [y/N] " << std::flush;
  std::string answer;
  std::getline(std::cin, answer);
  if (answer == "y" || answer == "Y" || answer == "yes") return quote;
  return base::cancelled("nothing was ordered and nothing paid");
}

std::string undelivered_advice(std::uint64_t task, const std::string& output) {
  return "the ledger pays for a result that is revealed and sees no delivery, and only its provider has it, for a day "
         "unless it says otherwise; once the provider is back it costs nothing more to fetch it: starling job wait " +
         std::to_string(task) + " -o " + output;
}

struct TaskProgress::Watch {
  Watch(Customer& from, std::uint32_t calls_each, std::size_t parts)
      : customer(from), calls(calls_each), done(parts, 0), bar("generate", calls_each * parts, "") {}
  void run();
  void show();

  Customer& customer;
  const std::uint32_t calls;
  std::mutex mutex;
  std::condition_variable changed;
  bool stop = false;
  std::vector<node::PartEntry> running;
  std::vector<std::uint32_t> done;  // calls, by part
  std::string word = "waiting for a provider";
  base::Progress bar;
  std::thread thread;
};

// Asks the providers, apart from following the ledger, so that neither waits for the other.
void TaskProgress::Watch::run() {
  std::unique_lock lock(mutex);
  while (!stop) {
    changed.wait_for(lock, kProgressPause);
    const std::vector<node::PartEntry> parts = running;
    for (const node::PartEntry& part : parts) {
      if (stop) break;
      lock.unlock();
      const auto progress = customer.requester().progress(part);
      lock.lock();
      if (progress.ok() && part.index < done.size()) {
        done[part.index] = std::max(done[part.index], std::min(progress->calls_done, calls));
      }
    }
    show();
  }
}

void TaskProgress::Watch::show() {
  std::uint64_t all = 0;
  for (const std::uint32_t part : done) all += part;
  bar.update(all, word);
}

TaskProgress::TaskProgress(Customer& customer, std::uint64_t task, std::uint32_t calls, std::size_t parts)
    : watch_(std::make_unique<Watch>(customer, calls, parts)) {
  watch_->word = "task " + std::to_string(task) + " waits for a provider";
  watch_->thread = std::thread([this] { watch_->run(); });
}

TaskProgress::~TaskProgress() {
  {
    const std::lock_guard lock(watch_->mutex);
    watch_->stop = true;
  }
  watch_->changed.notify_all();
  watch_->thread.join();
}

void TaskProgress::see(const node::TaskView& view) {
  const std::lock_guard lock(watch_->mutex);
  watch_->running.clear();
  std::size_t computed = 0;
  for (const node::PartEntry& part : view.parts) {
    if (is_running(part.part.state)) watch_->running.push_back(part);
    if (is_computed(part.part.state) && part.index < watch_->done.size()) {
      ++computed;
      watch_->done[part.index] = watch_->calls;
    }
    // Given to somebody else, it begins anew.
    if (part.part.state == market::PartState::kOpen && part.index < watch_->done.size()) watch_->done[part.index] = 0;
  }
  const std::string number = "task " + std::to_string(view.task.number);
  if (view.parts.size() == 1) {
    watch_->word = !watch_->running.empty() ? number + " at " + watch_->running[0].part.provider.text()
                   : computed > 0           ? number + " is done"
                                            : number + " waits for a provider";
  } else {
    watch_->word = number + ": " + std::to_string(computed) + " of " + std::to_string(view.parts.size()) + " done, " +
                   std::to_string(watch_->running.size()) + " in work";
  }
  watch_->show();
}

void TaskProgress::finish() {
  const std::lock_guard lock(watch_->mutex);
  watch_->stop = true;
  for (std::uint32_t& part : watch_->done) part = watch_->calls;
  watch_->show();
  watch_->bar.finish();
}

base::Result<SavedVideo> save_delivery(Customer& customer, std::uint64_t task, const node::Delivery& delivery,
                                       const std::string& output, const node::PartInput& wanted, bool lossless) {
  STARLING_ASSIGN(const std::unique_ptr<VideoFiles> files, VideoFiles::open(output, wanted.request, lossless));
  files->keep(wanted.given);
  STARLING_ASSIGN(base::AtomicFile trace, base::AtomicFile::create(files->trace()));
  STARLING_TRY(customer.requester().each_frame(
      delivery, [&](std::size_t, const video::FrameView& frame) { return files->add(frame); }));
  STARLING_TRY(copy_blob(customer.blobs(), delivery.files.trace.name, trace));
  STARLING_ASSIGN(const base::Json proven, customer.ledger().proven_part(task, delivery.part));
  STARLING_ASSIGN(node::Acceptance acceptance, node::acceptance_from_gateway(task, delivery.part, proven));
  if (const auto difference =
          node::check_acceptance(acceptance, acceptance.header, std::nullopt, delivery.receipt_text)) {
    return base::corrupt("the gateway's proof does not hold: " + difference->message);
  }
  STARLING_ASSIGN(const market::Part part, ledger::decode_record<market::Part>(acceptance.record));
  STARLING_ASSIGN(acceptance.file, files->finish_video(delivery.receipt));
  STARLING_TRY(files->publish([&] { return trace.commit(); },
                              [&]() -> base::Result<std::string> { return delivery.receipt_text; },
                              node::acceptance_json(acceptance).to_text() + "\n"));
  return SavedVideo{files->receipt(), delivery.receipt, part.provider.text(), part.price};
}

}  // namespace starling::cli
