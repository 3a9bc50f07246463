#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/thread_pool.h"
#include "exact/program.h"
#include "generate/given.h"
#include "generate/text_to_video.h"
#include "models/checkpoint.h"
#include "proof/journal.h"
#include "proof/receipt.h"
#include "proof/replay.h"
#include "proof/trace.h"
#include "video/frames.h"

namespace starling::generate {

// What a job may take.
struct Room {
  std::uint64_t memory = std::numeric_limits<std::uint64_t>::max();  // bytes
  int threads = 0;                                                   // of its engine; 0: one per core
  // Whether a refusal names the nearest size and duration that fit, which takes as long as preparing some such videos.
  bool names_nearest = false;
  // What of the process keeps it from having more ("ulimit -v"); empty: nothing.
  std::string limit = {};
};

// A request made ready to run on a model: the program, planned, with its inputs and weights.
class VideoJob {
 public:
  // Errors: the prompt has more tokens than the model reads, or is not UTF-8; the size does not work (check_request);
  // kLimit when it takes more memory than there is, which for most such requests shows before anything is built;
  // kCancelled once interrupted; kCorrupt when `given` are not the frames that the request goes on from. Without them
  // such a job says what it takes, and cannot be run.
  static base::Result<VideoJob> prepare(const models::Checkpoint& model, const TextToVideo& request,
                                        const Room& room = {}, const GivenFrames& given = nullptr);
  // A job of the same program, which is shared: other prompts, another seed, other given frames. Precondition: `model`
  // is the one that this was prepared with, and the requests differ in nothing else.
  base::Result<VideoJob> with_other_text(const models::Checkpoint& model, const TextToVideo& request,
                                         const GivenFrames& given = nullptr) const;

  const TextToVideo& request() const { return request_; }
  const exact::Program& program() const { return program_->program(); }
  const CallLayout& calls() const { return calls_; }
  // In the order of program().inputs(), and which of them lie among the given frames.
  const std::vector<exact::Tensor>& inputs() const { return inputs_; }
  const std::vector<GivenInput>& given_inputs() const { return given_inputs_; }
  const base::Hash& program_root() const { return program_root_; }
  // Bytes at the worst moment on the room's threads, the weights and the given frames among them.
  std::size_t peak_bytes() const;
  std::map<std::string, base::Hash> input_roots() const;
  proof::Job on(exact::Engine& engine, base::ThreadPool* pool) const;

  // The pixels of the frames that a call makes; none for most calls.
  struct Part {
    std::size_t first = 0;
    video::Frames frames;
  };
  base::Result<Part> frames_of(std::uint32_t call, const std::vector<exact::Tensor>& outputs) const;

 private:
  explicit VideoJob(std::shared_ptr<const exact::PreparedProgram> program) : program_(std::move(program)) {}
  // Without the program's root. plans: as an observer of planning has them.
  static base::Result<VideoJob> plan(const models::Checkpoint& model, const TextToVideo& request, const Room& room,
                                     const GivenFrames& given, std::map<base::Hash, exact::Plan>* plans = nullptr);
  std::size_t weight_bytes() const;
  base::Status take_inputs(const models::Checkpoint& model, const TextToVideo& request, const GivenFrames& given);
  TextToVideo request_;
  std::shared_ptr<const exact::PreparedProgram> program_;
  CallLayout calls_;
  base::Hash program_root_;
  int threads_ = 0;
  std::vector<GivenInput> given_inputs_;
  bool has_given_ = false;  // whether they are among the inputs
  std::vector<exact::Tensor> inputs_;
  std::vector<exact::Tensor> weights_;
};

// As prepare() says of the size from its shapes alone, before anything is made ready for it.
base::Status check_size(const models::Checkpoint& model, const TextToVideo& request, std::uint64_t memory);

// As prepare() says of the prompts, without preparing anything.
base::Status check_text(const models::Checkpoint& model, const TextToVideo& request);

// What a run tells of itself; an error ends it.
struct Listener {
  std::function<base::Status(std::uint32_t call)> after_call;  // with the call's index
  std::function<base::Status(std::size_t index, const video::FrameView& frame)> frame;
  std::function<void(const exact::Tensor& latent)> latent;  // optional: what the last step gave; of run_video() only
  // Optional, of make_video() only: what calls gave that make noise or a step.
  std::function<base::Status(std::uint32_t call, const exact::Tensor& latent)> denoised;
};

// Runs the job. The receipt lacks model_root and version, and is not signed. trace gets every call; not committed.
base::Result<proof::Receipt> make_video(const VideoJob& job, exact::Engine& engine, base::ThreadPool* pool,
                                        proof::TraceWriter& trace, const Listener& listener);

// The same with a journal of this run (journal_run()): goes on after the calls that it has, and adds those that are
// run. The decodes are always run, since their frames are not in it, and whatever they need; the listener is told of
// the calls that are run and gets every frame. kCorrupt when a call that is run again differs from the journal's: throw
// it away.
base::Result<proof::Receipt> make_video(const VideoJob& job, exact::Engine& engine, base::ThreadPool* pool,
                                        proof::TraceWriter& trace, proof::Journal& journal, const Listener& listener);
// What names a run of the job on the model of this root.
base::Hash journal_run(const VideoJob& job, const base::Hash& model_root);

// Runs the job without commitments, for measurements.
base::Status run_video(const VideoJob& job, exact::Engine& engine, const Listener& listener);

struct CheckOptions {
  // Calls to draw and run again; nothing: all of them.
  std::optional<std::size_t> sample;
  std::function<std::uint64_t()> random;  // for the draw
  const proof::TraceReader* trace = nullptr;
  bool all_frames = false;  // make every frame, also those whose calls were not drawn
};

// Runs a job again and compares it with a receipt that passed proof::check_receipt: first what was asked for (program,
// inputs, work), then calls and frames. The listener gets the frames that were made and are as in the receipt.
base::Result<proof::ReplayResult> check_video(const VideoJob& job, const proof::Receipt& receipt, exact::Engine& engine,
                                              base::ThreadPool* pool, const CheckOptions& options,
                                              const Listener& listener);

// The request of a receipt whose task is text_to_video.
base::Result<TextToVideo> request_of(const proof::Receipt& receipt);

}  // namespace starling::generate
