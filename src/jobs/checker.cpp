#include "jobs/checker.h"

#include <sys/resource.h>
#include <unistd.h>

#include <exception>
#include <utility>

#include "base/file.h"
#include "base/random.h"
#include "base/thread_pool.h"
#include "exact/engine.h"
#include "generate/video_check.h"
#include "generate/video_job.h"
#include "jobs/video_files.h"
#include "node/acceptance.h"
#include "proof/receipt.h"
#include "proof/trace.h"

namespace starling::jobs {
namespace {

constexpr int kCheckerNice = 10;

// A damaged file is a difference; a machine that cannot read it, or has no memory, is an error.
bool is_damage(const base::Error& error) {
  return error.code != base::ErrorCode::kNotFound && error.code != base::ErrorCode::kIo &&
         error.code != base::ErrorCode::kCancelled && error.code != base::ErrorCode::kLimit;
}

CheckResult differs(std::string message, std::size_t total = 0) {
  return {proof::Difference{std::move(message)}, 0, total};
}

// The file that the receipt names or, of a video that a network made, whoever fetched it.
base::Result<std::optional<proof::OutputFile>> written_file(const VideoPaths& paths, const proof::Receipt& receipt) {
  if (receipt.file) return receipt.file;
  const auto text = base::read_text_file(paths.acceptance, node::kMaxAcceptanceBytes);
  if (!text.ok()) return std::optional<proof::OutputFile>();
  STARLING_ASSIGN(const base::Json json, base::Json::parse(*text, "acceptance"));
  STARLING_ASSIGN(const node::Acceptance acceptance, node::read_acceptance(json));
  return acceptance.file;
}

}  // namespace

Checker::Checker(const CheckerOptions& options) : options_(options), thread_([this] { run(); }) {}

Checker::~Checker() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

bool Checker::submit(Check check) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || waiting_.size() >= options_.most_waiting) return false;
    waiting_.push_back(std::move(check));
  }
  changed_.notify_all();
  return true;
}

void Checker::run() {
  (void)::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kCheckerNice);  // and of the threads that it starts
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    const Check check = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    base::Result<CheckResult> result = base::cancelled("the server ends");
    try {
      result = run(check);
    } catch (const std::exception& exception) {
      result = base::internal_error(std::string("the check could not be run: ") + exception.what());
    }
    check.done(result);
    lock.lock();
  }
}

base::Result<CheckResult> Checker::run(const Check& check) const {
  const auto stop = [&]() -> base::Status {
    if (stopping_ || check.stopped()) return base::cancelled("nobody waits for this check any more");
    return {};
  };
  STARLING_TRY(stop());
  const VideoPaths paths(check.folder);
  STARLING_ASSIGN(const std::string text, base::read_text_file(paths.receipt, proof::kMaxReceiptBytes));
  const base::Result<proof::Receipt> receipt = proof::parse_receipt(text);
  if (!receipt.ok()) return differs("receipt: " + receipt.error().message);
  const std::size_t total = receipt->calls.size();
  if (auto difference = proof::check_receipt(*receipt)) return CheckResult{std::move(difference), 0, total};
  if (receipt->model_root != options_.model_root) return differs("model: the receipt is of another one", total);
  STARLING_ASSIGN(const auto written, written_file(paths, *receipt));
  STARLING_ASSIGN(const proof::OutputFile file, generate::describe_file(paths.video));
  if (written && !(*written == file)) return differs("video: the file is not the one that was written", total);

  const base::Result<generate::TextToVideo> request = generate::request_of(*receipt);
  if (!request.ok()) return differs("receipt: " + request.error().message, total);
  generate::GivenFrames given;
  if (request->has_given()) {
    STARLING_ASSIGN(const base::MappedFile pixels, base::MappedFile::open(paths.inputs));
    auto read = generate::given_from_pixels(*request, pixels.bytes());
    if (!read.ok() && !is_damage(read.error())) return read.error();
    if (!read.ok()) return differs("inputs: " + read.error().message, total);
    given = *std::move(read);
  }
  exact::EngineOptions engine_options;
  engine_options.threads = options_.threads;
  engine_options.stop = stop;
  STARLING_ASSIGN(exact::Engine engine, exact::Engine::create(engine_options));
  base::ThreadPool pool(engine.threads());
  const auto job = generate::VideoJob::prepare(*options_.model, *request, {options_.memory, options_.threads}, given);
  if (!job.ok() && !is_damage(job.error())) return job.error();
  if (!job.ok()) return differs("program: " + job.error().message, total);
  const auto trace = proof::TraceReader::open(paths.trace, job->program(), receipt->calls);
  if (!trace.ok() && !is_damage(trace.error())) return trace.error();
  if (!trace.ok()) return differs(trace.error().message, total);

  generate::CheckOptions options;
  options.sample = check.calls;
  options.random = base::random_u64;
  options.trace = &*trace;
  generate::Listener listener;
  listener.after_call = [&](std::uint32_t call) -> base::Status {
    check.passed(call, job->calls().describe(call));
    return stop();
  };
  listener.frame = [](std::size_t, const video::FrameView&) -> base::Status { return {}; };
  STARLING_ASSIGN(proof::ReplayResult replayed,
                  generate::check_video(*job, *receipt, engine, &pool, options, listener));
  return CheckResult{std::move(replayed.difference), replayed.checked_calls, total};
}

}  // namespace starling::jobs
