#include "jobs/runner.h"

#include <chrono>
#include <exception>
#include <utility>

#include "base/log.h"

namespace starling::jobs {
namespace {

constexpr std::chrono::milliseconds kPoll{100};
constexpr int kPausePolls = 10;

// A library that throws fails the video, not the server.
base::Result<Outcome> make(Maker& maker, const Making& making) {
  try {
    return maker.make(making);
  } catch (const std::bad_alloc&) {
    return base::limit_error("there is no memory for this video; ask for a smaller or shorter one");
  } catch (const std::exception& exception) {
    return base::internal_error(std::string("the video could not be made: ") + exception.what());
  }
}

}  // namespace

Runner::Runner(VideoQueue& queue, std::vector<std::unique_ptr<Maker>> makers, std::function<std::int64_t()> now)
    : queue_(queue), makers_(std::move(makers)), now_(std::move(now)) {
  for (const auto& maker : makers_) threads_.emplace_back([this, &maker] { run(*maker); });
}

Runner::~Runner() {
  stopping_ = true;
  for (std::thread& thread : threads_) thread.join();
}

void Runner::run(Maker& maker) {
  while (!stopping_) {
    if (const auto claim = queue_.claim(kPoll)) work_on(maker, *claim);
  }
}

void Runner::write_down(const std::string& id, const std::function<base::Status()>& write) const {
  for (bool said = false; true; said = true) {
    const base::Status written = write();
    // A process that ends leaves it to the next one, which makes again what is missing.
    if (written.ok() || stopping_) return;
    if (!said) {
      base::log(base::LogLevel::kError, "what became of a video cannot be written down; trying again",
                {{"id", id}, {"reason", written.error().message}});
    }
    for (int i = 0; i < kPausePolls && !stopping_; ++i) std::this_thread::sleep_for(kPoll);
  }
}

void Runner::work_on(Maker& maker, const VideoQueue::Claim& claim) const {
  const std::string& id = claim.video->id;
  Video video = *claim.video;
  const auto forget = [&]() -> base::Status {
    STARLING_ASSIGN(const std::uint64_t paid, maker.abandon(video));
    return queue_.forget(id, paid);
  };
  if (*claim.removed) return write_down(id, forget);
  Making making;
  making.video = claim.video;
  making.begun_before = claim.begun_before;
  making.folder = queue_.folder(id);
  making.stopped = [&] { return stopping_.load() || claim.removed->load(); };
  making.progress = [&](const Progress& progress) { queue_.set_progress(id, progress); };
  making.waits = [&](WaitsFor what) { queue_.set_waiting(id, what); };
  making.watched = [&] { return queue_.is_watched(id); };
  making.show = [&](const Preview& preview) { queue_.show_preview(id, preview); };
  bool over_budget = false;
  making.reserve = [&](std::uint64_t motes) {
    base::Status reserved = queue_.reserve(id, motes);
    over_budget = !reserved.ok() && reserved.error().code == base::ErrorCode::kLimit;
    return reserved;
  };
  making.submitted = [&](std::uint64_t task) {
    video.task = task;
    return queue_.set_task(id, task);
  };
  const base::Result<Outcome> made = make(maker, making);
  if (!made.ok() && stopping_ && !*claim.removed) return queue_.give_up(id);
  Failure failure;
  if (!made.ok()) failure = failure_of(made.error());
  if (over_budget) failure.code = kOverBudget;
  write_down(id, [&]() -> base::Status {
    if (*claim.removed) return forget();
    return made.ok() ? queue_.complete(id, *made, now_()) : queue_.fail(id, failure, now_());
  });
}

}  // namespace starling::jobs
