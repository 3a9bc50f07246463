#include "jobs/network_maker.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "base/file.h"
#include "base/log.h"
#include "base/wall_clock.h"
#include "jobs/video_files.h"
#include "node/acceptance.h"
#include "node/part_input.h"
#include "store/blob_manifest.h"

namespace starling::jobs {

namespace market = ledger::market;

namespace {

constexpr std::chrono::seconds kAccountPatience{30};  // of the account, for a gateway that does not answer
constexpr std::chrono::milliseconds kTryPause{500};   // between two tries
constexpr std::chrono::seconds kProviderPause{2};     // between two looks for a provider
constexpr std::chrono::milliseconds kLook{200};       // between two looks at a provider's progress
constexpr std::size_t kCopyBytes = std::size_t{1} << 20;
constexpr std::size_t kTasksAtATime = 100;

base::Status copy_blob(store::Blobs& blobs, const base::Hash& name, const std::filesystem::path& path) {
  STARLING_ASSIGN(const store::BlobReader reader, blobs.read(name, base::unix_seconds()));
  STARLING_ASSIGN(base::AtomicFile file, base::AtomicFile::create(path));
  std::vector<std::uint8_t> bytes(kCopyBytes);
  for (std::uint64_t at = 0; at < reader.size(); at += bytes.size()) {
    const std::span<std::uint8_t> piece(bytes.data(), std::min<std::uint64_t>(bytes.size(), reader.size() - at));
    STARLING_TRY(reader.read(at, piece));
    STARLING_TRY(file.write(piece));
  }
  return file.commit(base::Durability::kWhole);
}

// Asks the provider that holds a part how far it is, apart from following the ledger.
class ProgressWatch {
 public:
  ProgressWatch(const node::Requester& requester, const Making& making, const generate::VideoJob& job)
      : requester_(requester), making_(making), scale_(job), thread_([this] { run(); }) {}
  ~ProgressWatch() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }
  ProgressWatch(const ProgressWatch&) = delete;
  ProgressWatch& operator=(const ProgressWatch&) = delete;

  void see(const node::TaskView& view) {
    const std::lock_guard lock(mutex_);
    held_.reset();
    if (view.parts.size() == 1 && view.parts[0].part.state == market::PartState::kHeld) held_ = view.parts[0];
  }

 private:
  void run() {
    std::unique_lock lock(mutex_);
    while (!stop_) {
      changed_.wait_for(lock, kLook, [this] { return stop_; });
      const std::optional<node::PartEntry> part = held_;
      if (stop_ || !part) continue;
      lock.unlock();
      const auto progress = requester_.progress(*part);
      if (progress.ok()) making_.progress(scale_.after(progress->calls_done));
      lock.lock();
    }
  }
  const node::Requester& requester_;
  const Making& making_;
  const ProgressScale scale_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stop_ = false;
  std::optional<node::PartEntry> held_;
  std::thread thread_;
};

}  // namespace

NetworkMaker::NetworkMaker(const NetworkMakerOptions& options)
    : options_(options),
      ledger_(http_, options.url, options.stopping),
      account_(ledger_, *options.key, kAccountPatience, options.lock) {}

base::Result<std::unique_ptr<NetworkMaker>> NetworkMaker::open(const NetworkMakerOptions& options) {
  std::unique_ptr<NetworkMaker> maker(new NetworkMaker(options));
  STARLING_ASSIGN(maker->blobs_, store::Blobs::open(options.blobs));
  maker->exchange_.emplace(maker->http_, *maker->blobs_, base::unix_seconds);
  maker->requester_.emplace(maker->http_, maker->ledger_, maker->account_, *maker->exchange_, *maker->blobs_,
                            options.orders, [self = maker.get()] {
                              return self->options_.stopping() ||
                                     (self->making_ != nullptr && self->making_->stopped());
                            });
  return maker;
}

template <typename Ask>
auto NetworkMaker::patiently(const Ask& ask) -> decltype(ask()) {
  for (bool said = false; true; said = true) {
    auto answer = ask();
    const bool away = !answer.ok() && answer.error().code == base::ErrorCode::kIo;
    if (away || said) making_->waits(away ? WaitsFor::kNetwork : waits_for_);
    if (!away) return answer;
    if (options_.stopping() || making_->stopped()) return base::cancelled("nobody wants this video any more");
    if (!said) {
      base::log(base::LogLevel::kWarning, "the network does not answer; the video waits",
                {{"id", making_->video->id}, {"reason", answer.error().message}});
    }
    std::this_thread::sleep_for(kTryPause);
  }
}

base::Result<generate::GivenFrames> NetworkMaker::given_of(const Video& video) const {
  if (!video.request.has_given()) return generate::GivenFrames();
  const VideoPaths paths(options_.videos / video.id);
  STARLING_ASSIGN(const base::MappedFile pixels, base::MappedFile::open(paths.inputs));
  return generate::given_from_pixels(video.request, pixels.bytes());
}

// Of a video whose process was killed between the submission and the record of it.
base::Result<std::optional<std::uint64_t>> NetworkMaker::find_task(const Video& video) {
  STARLING_ASSIGN(const generate::GivenFrames given, given_of(video));
  const base::Bytes input = node::encode_part_input({options_.model_root, video.request, given});
  const base::Hash name = store::BlobManifest::of_piece(input).name();
  constexpr std::uint64_t kMilliseconds = 1000;
  constexpr std::uint64_t kAnHour = 3'600'000;
  const std::uint64_t asked = static_cast<std::uint64_t>(video.created_at) * kMilliseconds;
  for (std::uint64_t before = ~std::uint64_t{0};;) {
    STARLING_ASSIGN(const std::vector<node::TaskEntry> tasks,
                    ledger_.latest_tasks_of(account_.address(), before, kTasksAtATime));
    for (const node::TaskEntry& task : tasks) {
      before = task.number;
      // The chain's time stands still while nothing happens.
      if (task.task.submitted + kAnHour < asked) return std::optional<std::uint64_t>();
      if (task.task.parts != 1 || options_.taken(video.id, task.number)) continue;
      STARLING_ASSIGN(const node::PartEntry part, ledger_.part(task.number, 0));
      if (part.part.input == name) return std::optional(task.number);
    }
    if (tasks.size() < kTasksAtATime) return std::optional<std::uint64_t>();
  }
}

// Waits for somebody who can make it, unless somebody waits for the answer.
base::Result<node::Quote> NetworkMaker::quote(const node::Order& order) {
  const std::chrono::seconds patience = making_->video->awaited ? std::chrono::seconds(0) : options_.provider_patience;
  const auto end = std::chrono::steady_clock::now() + patience;
  while (true) {
    STARLING_ASSIGN(node::Quote quote, patiently([&] { return requester_->quote(order, options_.wishes); }));
    if (quote.lowest_price != 0 || std::chrono::steady_clock::now() >= end) return quote;
    const auto next = std::chrono::steady_clock::now() + kProviderPause;
    while (std::chrono::steady_clock::now() < next) {
      if (options_.stopping() || making_->stopped()) return base::cancelled("nobody wants this video any more");
      std::this_thread::sleep_for(kTryPause);
    }
  }
}

base::Result<std::uint64_t> NetworkMaker::order(const Making& making, const node::Order& order) {
  waits_for_ = making.video->task ? WaitsFor::kNothing : WaitsFor::kProvider;
  making.waits(waits_for_);
  if (making.video->task) return *making.video->task;
  if (making.begun_before) {
    const std::unique_lock lock(*options_.ordering);
    STARLING_ASSIGN(const std::optional<std::uint64_t> found, patiently([&] { return find_task(*making.video); }));
    if (found) {
      STARLING_TRY(making.submitted(*found));
      return *found;
    }
  }
  STARLING_ASSIGN(const node::Quote quote, this->quote(order));
  if (quote.lowest_price == 0) {
    return base::not_found("no provider of the network can make this video now: ask for a smaller one, or try later");
  }
  if (quote.terms.max_price < quote.lowest_price || quote.providers == 0) {
    return base::limit_error("no provider makes this video for what it may cost; the cheapest asks " +
                             std::to_string(quote.lowest_price) + " motes");
  }
  STARLING_TRY(making.reserve(quote.terms.max_price));
  const std::shared_lock lock(*options_.ordering);
  STARLING_ASSIGN(const std::uint64_t task, requester_->submit(order, quote.terms));
  STARLING_TRY(making.submitted(task));
  return task;
}

base::Result<Outcome> NetworkMaker::make(const Making& making) {
  making_ = &making;
  const std::unique_ptr<const Making*, void (*)(const Making**)> forget(&making_,
                                                                        [](const Making** one) { *one = nullptr; });
  STARLING_ASSIGN(const generate::GivenFrames given, given_of(*making.video));
  STARLING_ASSIGN(const node::Order wanted,
                  node::prepare_order(*options_.model, options_.model_root, {making.video->request}, {given}));
  STARLING_ASSIGN(const std::uint64_t task, order(making, wanted));
  waits_for_ = WaitsFor::kNothing;
  making.waits(waits_for_);
  ProgressWatch watch(*requester_, making, *wanted.parts[0].job);
  std::optional<Outcome> outcome;
  const auto collect = [&] {
    return requester_->collect(
        task, wanted,
        [&](const node::Delivery& delivery) -> base::Status {
          STARLING_ASSIGN(outcome, save(making, task, delivery));
          STARLING_TRY(write_program(VideoPaths(making.folder), *wanted.parts[0].job));
          return {};
        },
        [&](const node::TaskView& view) -> base::Status {
          watch.see(view);
          if (making.stopped()) return base::cancelled("nobody wants this video any more");
          return {};
        });
  };
  STARLING_ASSIGN(const node::Requester::Collected collected, patiently(collect));
  if (outcome) return *outcome;
  if (!collected.failed.empty()) return collected.failed.begin()->second;
  return base::not_found("nobody made the video in time, and its price is refunded: try again, or allow more");
}

base::Result<Outcome> NetworkMaker::save(const Making& making, std::uint64_t task, const node::Delivery& delivery) {
  const VideoPaths paths(making.folder);
  STARLING_ASSIGN(const std::unique_ptr<VideoFiles> files, VideoFiles::open(paths, making.video->request));
  STARLING_TRY(requester_->each_frame(
      delivery, [&](std::size_t index, const video::FrameView& frame) { return files->add(index, frame); }));
  STARLING_ASSIGN(const base::Json proven, ledger_.proven_part(task, delivery.part));
  STARLING_ASSIGN(node::Acceptance acceptance, node::acceptance_from_gateway(task, delivery.part, proven));
  if (const auto difference =
          node::check_acceptance(acceptance, acceptance.header, std::nullopt, delivery.receipt_text)) {
    return base::corrupt("the gateway's proof does not hold: " + difference->message);
  }
  STARLING_ASSIGN(const market::Part part, ledger::decode_record<market::Part>(acceptance.record));
  STARLING_ASSIGN(acceptance.file, files->finish(delivery.receipt));
  STARLING_TRY(copy_blob(*blobs_, delivery.files.trace.name, paths.trace));
  STARLING_TRY(base::write_file(paths.acceptance, base::as_bytes(node::acceptance_json(acceptance).to_text() + "\n")));
  STARLING_TRY(base::write_file(paths.receipt, base::as_bytes(delivery.receipt_text)));
  Outcome outcome;
  outcome.receipt = base::sha256(base::as_bytes(delivery.receipt_text)).hex();
  outcome.provider = part.provider.text();
  outcome.price = part.price;
  outcome.work = delivery.receipt.work;
  outcome.task = task;
  const auto collected = blobs_->collect(base::unix_seconds());
  if (!collected.ok()) base::log(base::LogLevel::kWarning, collected.error().message);
  return outcome;
}

base::Result<std::uint64_t> NetworkMaker::abandon(const Video& video) {
  std::optional<std::uint64_t> task = video.task;
  if (!task) {
    const std::unique_lock lock(*options_.ordering);
    STARLING_ASSIGN(task, find_task(video));
  }
  if (!task) return std::uint64_t{0};
  const base::Status cancelled = requester_->cancel(*task);
  if (!cancelled.ok() && cancelled.error().code == base::ErrorCode::kIo) return cancelled.error();
  // What nobody had begun is refunded; of what was held, as much is paid as was done, which shows later: all of it
  // counts until then.
  STARLING_ASSIGN(const node::PartEntry part, ledger_.part(*task, 0));
  return part.part.state == market::PartState::kRefunded ? std::uint64_t{0} : part.part.price;
}

}  // namespace starling::jobs
