#include "jobs/local_maker.h"

#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <system_error>
#include <vector>

#include "base/file.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "jobs/video_files.h"
#include "node/part_input.h"
#include "proof/journal.h"
#include "proof/trace.h"

namespace starling::jobs {
namespace {

// Requests are answered first.
constexpr int kMakerNice = 10;

// Measures the calls of a run.
class Stopwatch {
 public:
  explicit Stopwatch(const exact::Program& program) : program_(program) {
    for (const exact::Graph& graph : program.graphs()) works_.push_back(graph.work());
  }
  void see(std::uint32_t call) {
    const exact::Work& work = works_[program_.calls()[call].graph];
    done_.f32_multiply_adds += work.f32_multiply_adds;
    done_.i8_multiply_adds += work.i8_multiply_adds;
    took_ = std::chrono::steady_clock::now() - began_;
  }
  void tell(Pace* pace) const {
    if (pace != nullptr) pace->note(done_, took_.count());
  }

 private:
  const exact::Program& program_;
  std::vector<exact::Work> works_;
  exact::Work done_;
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
  std::chrono::duration<double> took_{};
};

}  // namespace

base::Status LocalMaker::begin() {
  if (engine_) return {};
  (void)::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kMakerNice);  // and of the threads that it starts
  exact::EngineOptions options;
  options.threads = options_.threads;
  options.stop = [this]() -> base::Status {
    if (making_ != nullptr && making_->stopped()) return base::cancelled("nobody wants this video any more");
    return base::check_interrupt();
  };
  STARLING_ASSIGN(engine_, exact::Engine::create(options));
  pool_ = std::make_unique<base::ThreadPool>(engine_->threads());
  return {};
}

base::Result<generate::VideoJob> LocalMaker::prepare(const Making& making) {
  const generate::TextToVideo& request = making.video->request;
  generate::GivenFrames given;
  if (request.has_given()) {
    STARLING_ASSIGN(const base::MappedFile pixels, base::MappedFile::open(VideoPaths(making.folder).inputs));
    STARLING_ASSIGN(given, generate::given_from_pixels(request, pixels.bytes()));
  }
  const bool same = last_ && node::same_program(last_->request(), request);
  previews_.begin(same);
  if (same) {
    return last_->with_other_text(*options_.model, request, given);
  }
  last_.reset();
  STARLING_ASSIGN(generate::VideoJob job,
                  generate::VideoJob::prepare(*options_.model, request, {options_.memory, options_.threads}, given));
  last_ = job;
  return job;
}

base::Result<Outcome> LocalMaker::make(const Making& making) {
  STARLING_TRY(begin());
  STARLING_ASSIGN(const generate::VideoJob job, prepare(making));
  making_ = &making;
  base::Result<Outcome> made = run(job, making);
  if (!made.ok() && made.error().code == base::ErrorCode::kCorrupt) {
    base::log(base::LogLevel::kWarning, "a journal is damaged; the video is made from the beginning",
              {{"id", making.video->id}, {"reason", made.error().message}});
    std::error_code ignored;
    std::filesystem::remove(VideoPaths(making.folder).journal, ignored);
    made = run(job, making);
  }
  making_ = nullptr;
  if (!made.ok() && made.error().code == base::ErrorCode::kNonFinite) {
    return base::Error{made.error().code, "the model makes numbers that are not finite (" + made.error().message +
                                              "): ask for less guidance or another size"};
  }
  return made;
}

base::Result<Outcome> LocalMaker::run(const generate::VideoJob& job, const Making& making) {
  const VideoPaths paths(making.folder);
  STARLING_ASSIGN(const std::unique_ptr<VideoFiles> files, VideoFiles::open(paths, making.video->request));
  STARLING_ASSIGN(proof::Journal journal,
                  proof::Journal::open(paths.journal, job.program(), generate::journal_run(job, options_.model_root)));
  STARLING_ASSIGN(proof::TraceWriter trace, proof::TraceWriter::create(paths.trace));
  const ProgressScale scale(job);
  Stopwatch stopwatch(job.program());
  generate::Listener listener;
  listener.frame = [&](std::size_t index, const video::FrameView& frame) { return files->add(index, frame); };
  listener.after_call = [&](std::uint32_t call) -> base::Status {
    stopwatch.see(call);
    making.progress(scale.after(call + std::size_t{1}));
    return {};
  };
  listener.denoised = [&](std::uint32_t call, const exact::Tensor& latent) {
    return previews_.see(making, job.calls(), call, latent, *engine_);
  };
  auto made = generate::make_video(job, *engine_, pool_.get(), trace, journal, listener);
  stopwatch.tell(options_.pace);  // also of one that was stopped
  STARLING_ASSIGN(proof::Receipt receipt, std::move(made));
  receipt.version = STARLING_VERSION;
  receipt.model_root = options_.model_root;
  STARLING_ASSIGN(receipt.file, files->finish(receipt));
  STARLING_TRY(proof::sign_receipt(receipt, *options_.key));
  STARLING_ASSIGN(const std::string text, proof::receipt_text(receipt));
  STARLING_TRY(trace.commit());
  STARLING_TRY(write_program(paths, job));
  STARLING_TRY(base::write_file(paths.receipt, base::as_bytes(text)));
  std::error_code ignored;
  std::filesystem::remove(paths.journal, ignored);
  Outcome outcome;
  outcome.receipt = base::sha256(base::as_bytes(text)).hex();
  outcome.provider = receipt.executor.text();
  outcome.work = receipt.work;
  return outcome;
}

base::Result<std::uint64_t> LocalMaker::abandon(const Video& /*video*/) { return std::uint64_t{0}; }

}  // namespace starling::jobs
