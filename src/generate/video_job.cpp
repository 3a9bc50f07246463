#include "generate/video_job.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <numeric>

#include "base/encoding.h"
#include "base/interrupt.h"
#include "base/utf8.h"
#include "exact/packed_operand.h"
#include "generate/nearest.h"
#include "models/prompt.h"
#include "proof/commitment.h"

namespace starling::generate {

using exact::Tensor;
using exact::Type;

namespace {

constexpr const char* kTask = "text_to_video";

// The prompt, and with guidance the negative prompt below it, as tokens and mask of the program.
struct TextInputs {
  Tensor tokens;
  Tensor mask;
};

// Far more characters than any text of as many tokens has; tokenizers fold long nonsense into few tokens.
constexpr std::int64_t kMaxCharactersPerToken = 40;

base::Result<models::Tokens> encode(const models::Checkpoint& model, const std::string& text, const char* what) {
  STARLING_ASSIGN(const std::string clean, models::clean_prompt(text));
  const std::int64_t length = model.config().text_length;
  const bool endless = static_cast<std::int64_t>(base::count_code_points(clean)) > kMaxCharactersPerToken * length;
  STARLING_ASSIGN(models::Tokens tokens, model.tokenizer().encode(endless ? "" : clean, length));
  if (endless || tokens.truncated) {
    return base::limit_error("the " + std::string(what) + " is too long: this model reads " + std::to_string(length) +
                             " tokens, about as many words; shorten it");
  }
  return tokens;
}

base::Result<TextInputs> text_inputs(const models::Checkpoint& model, const TextToVideo& request) {
  std::vector<models::Tokens> rows;
  STARLING_ASSIGN(models::Tokens prompt, encode(model, request.prompt, "prompt"));
  rows.push_back(std::move(prompt));
  if (request.guidance != 1.0F) {
    STARLING_ASSIGN(models::Tokens negative, encode(model, request.negative, "negative prompt"));
    rows.push_back(std::move(negative));
  }
  const std::int64_t length = model.config().text_length;
  std::vector<std::int32_t> ids;
  std::vector<float> mask;
  for (const models::Tokens& row : rows) {
    const Tensor row_ids = row.padded_ids(length);
    const Tensor row_mask = row.mask(length);
    ids.insert(ids.end(), row_ids.i32().begin(), row_ids.i32().end());
    mask.insert(mask.end(), row_mask.f32().begin(), row_mask.f32().end());
  }
  const exact::Shape shape{static_cast<std::int64_t>(rows.size()), length};
  return TextInputs{Tensor::from_i32(shape, ids), Tensor::from_f32(shape, mask)};
}

Tensor seed_tensor(std::uint64_t seed) {
  const std::array<std::int32_t, 2> halves{static_cast<std::int32_t>(static_cast<std::uint32_t>(seed)),
                                           static_cast<std::int32_t>(static_cast<std::uint32_t>(seed >> 32U))};
  return Tensor::from_i32({2}, halves);
}

std::string gibibytes(std::uint64_t bytes) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f GiB", static_cast<double>(bytes) / static_cast<double>(1U << 30U));
  return text.data();
}

base::Status check_memory(const char* at_least, std::uint64_t needed, const Room& room) {
  if (needed <= room.memory) return {};
  const std::string what = "this video needs " + (at_least + gibibytes(needed)) + " of memory and ";
  return base::limit_error(
      what + (room.limit.empty() ? "there are " + gibibytes(room.memory)
                                 : "the limit of this process (" + room.limit + ") leaves " + gibibytes(room.memory)));
}

}  // namespace

base::Result<VideoJob> VideoJob::prepare(const models::Checkpoint& model, const TextToVideo& request, const Room& room,
                                         const GivenFrames& given) {
  STARLING_TRY(check_request(model.config(), request));
  STARLING_TRY(check_text(model, request));
  auto job = plan(model, request, room, given);
  if (job.ok()) job->program_root_ = job->program().root();
  if (job.ok() || job.error().code != base::ErrorCode::kLimit) return job;
  std::string fits;
  if (room.names_nearest) {
    std::map<base::Hash, exact::Plan> plans;
    const auto need = [&](const TextToVideo& other) -> base::Result<Need> {
      STARLING_ASSIGN(const VideoJob planned, plan(model, other, {.threads = room.threads}, nullptr, &plans));
      return Need{planned.peak_bytes(), planned.weight_bytes()};
    };
    fits = nearest_that_fits(model.config(), request, room.memory, need);
  }
  return base::limit_error(job.error().message + ": " + (fits.empty() ? "ask for a smaller or shorter one" : fits));
}

base::Result<VideoJob> VideoJob::plan(const models::Checkpoint& model, const TextToVideo& request, const Room& room,
                                      const GivenFrames& given, std::map<base::Hash, exact::Plan>* plans) {
  STARLING_TRY(check_memory("at least ", least_memory(model.config(), request), room));
  STARLING_ASSIGN(TextToVideoProgram built, text_to_video_program(model.config(), request));
  exact::PlanningObserver observer;
  observer.plans = plans;
  observer.stop = base::check_interrupt;
  observer.plan = [&](std::size_t bytes) { return check_memory("at least ", bytes, room); };
  STARLING_ASSIGN(exact::PreparedProgram prepared, exact::PreparedProgram::make(std::move(built.program), observer));
  VideoJob job(std::make_shared<const exact::PreparedProgram>(std::move(prepared)));
  job.calls_ = std::move(built.calls);
  job.given_inputs_ = std::move(built.given);
  job.threads_ = room.threads;
  STARLING_TRY(job.take_inputs(model, request, given));
  STARLING_ASSIGN(job.weights_, model.weights(job.program().weights()));
  STARLING_TRY(check_memory("", job.peak_bytes(), room));
  return job;
}

base::Result<VideoJob> VideoJob::with_other_text(const models::Checkpoint& model, const TextToVideo& request,
                                                 const GivenFrames& given) const {
  VideoJob job = *this;
  STARLING_TRY(job.take_inputs(model, request, given));
  return job;
}

base::Status VideoJob::take_inputs(const models::Checkpoint& model, const TextToVideo& request,
                                   const GivenFrames& given) {
  STARLING_ASSIGN(const TextInputs text, text_inputs(model, request));
  std::map<std::string, Tensor> inputs{
      {"tokens", text.tokens}, {"mask", text.mask}, {"seed", seed_tensor(request.seed)}};
  // Those that are here already are shared.
  const bool here = has_given_ && request.given == request_.given;
  for (std::size_t i = 0; here && i < inputs_.size(); ++i) inputs.emplace(program().inputs()[i].name, inputs_[i]);
  if (given) STARLING_TRY(check_given(request, *given));
  request_ = request;
  has_given_ = here || given != nullptr;
  for (const GivenInput& input : given_inputs_) {
    if (!given || here) break;
    STARLING_ASSIGN(Tensor pixels, Tensor::allocate(Type::kU8, {1, input.frames, request.height, request.width, 3}));
    const std::size_t size = given->frame_bytes();
    std::ranges::copy(std::span(given->rgb).subspan(static_cast<std::size_t>(input.first) * size, pixels.byte_size()),
                      pixels.mutable_bytes().begin());
    inputs[input.name] = std::move(pixels);
  }
  inputs_.clear();
  for (const exact::GraphInput& input : program().inputs()) inputs_.push_back(inputs[input.name]);
  return {};
}

base::Status check_size(const models::Checkpoint& model, const TextToVideo& request, std::uint64_t memory) {
  return check_memory("at least ", least_memory(model.config(), request), {.memory = memory});
}

base::Status check_text(const models::Checkpoint& model, const TextToVideo& request) {
  const auto text = text_inputs(model, request);
  if (!text.ok()) return text.error();
  return {};
}

std::size_t VideoJob::peak_bytes() const {
  const auto given = static_cast<std::size_t>(request_.given_frames() * request_.width * request_.height * 3);
  return program_->peak_bytes(threads_) + given + weight_bytes();
}

std::size_t VideoJob::weight_bytes() const {
  return std::accumulate(weights_.begin(), weights_.end(), std::size_t{0}, [](std::size_t sum, const Tensor& weight) {
    // What is packed is read there alone, as it is stored.
    if (weight.packed() != nullptr) return sum + weight.packed()->panels.size();
    const bool widened = weight.type() != exact::Type::kF32;
    const auto elements = static_cast<std::size_t>(weight.elements());
    return sum + weight.byte_size() + (widened ? elements * sizeof(float) : 0);
  });
}

std::map<std::string, base::Hash> VideoJob::input_roots() const {
  std::map<std::string, base::Hash> roots;
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    if (!inputs_[i].empty()) roots[program().inputs()[i].name] = proof::tensor_root(inputs_[i]);
  }
  return roots;
}

proof::Job VideoJob::on(exact::Engine& engine, base::ThreadPool* pool) const {
  return {program_.get(), &engine, &inputs_, &weights_, pool};
}

base::Result<VideoJob::Part> VideoJob::frames_of(std::uint32_t call, const std::vector<Tensor>& outputs) const {
  Part part;
  if (!calls_.is_decode(call)) return part;
  const exact::Graph& graph = program().graphs()[program().calls()[call].graph];
  const Tensor& values = outputs[static_cast<std::size_t>(graph.find_output("frames"))];
  part.first = static_cast<std::size_t>(calls_.roles[call].first_frame);
  const video::Rate rate{static_cast<int>(request_.rate.numerator), static_cast<int>(request_.rate.denominator)};
  STARLING_ASSIGN(part.frames, video::frames_from_values(values.f32(), static_cast<int>(request_.width),
                                                         static_cast<int>(request_.height),
                                                         static_cast<int>(values.shape()[1]), rate));
  return part;
}

namespace {

proof::Receipt empty_receipt(const VideoJob& job) {
  proof::Receipt receipt;
  receipt.task = kTask;
  receipt.parameters = to_json(job.request());
  receipt.program_root = job.program_root();
  receipt.inputs = job.input_roots();
  receipt.work = job.program().work();
  return receipt;
}

std::vector<bool> kept_of(const VideoJob& job, std::uint32_t call, std::size_t outputs) {
  return std::vector<bool>(outputs, is_kept(job.calls(), call));
}

base::Status tell(const VideoJob& job, std::uint32_t call, const std::vector<Tensor>& outputs, const Listener& listener,
                  std::vector<base::Hash>& hashes) {
  const CallKind kind = job.calls().roles[call].kind;
  if (listener.denoised && (kind == CallKind::kNoise || kind == CallKind::kStep)) {
    STARLING_TRY(listener.denoised(call, outputs[0]));
  }
  STARLING_ASSIGN(const VideoJob::Part part, job.frames_of(call, outputs));
  for (int i = 0; i < part.frames.count; ++i) {
    hashes.push_back(video::frame_hash(part.frames.frame(i)));
    STARLING_TRY(listener.frame(part.first + static_cast<std::size_t>(i), part.frames.frame(i)));
  }
  return {};
}

// Enters the calls that the journal has, with what it kept of them.
base::Status take_journal(const VideoJob& job, const proof::Journal& journal, proof::Receipt& receipt,
                          proof::TraceWriter& trace) {
  for (std::uint32_t call = 0; call < journal.calls(); ++call) {
    const proof::OutputRoots roots = journal.roots(call);
    std::vector<Tensor> outputs(roots.size());
    const std::vector<bool> kept = kept_of(job, call, roots.size());
    for (std::uint32_t output = 0; output < roots.size(); ++output) {
      if (kept[output] != journal.has(call, output)) return base::corrupt("the journal does not keep what a run keeps");
      if (!kept[output]) continue;
      STARLING_ASSIGN(outputs[output], journal.read(call, output));
    }
    receipt.calls.push_back(proof::list_root(roots));
    STARLING_TRY(trace.add(roots, outputs, kept));
  }
  return {};
}

}  // namespace

base::Result<proof::Receipt> make_video(const VideoJob& job, exact::Engine& engine, base::ThreadPool* pool,
                                        proof::TraceWriter& trace, const Listener& listener) {
  proof::Receipt receipt = empty_receipt(job);
  const std::vector<bool> all(job.program().calls().size(), true);
  const auto after_call = [&](std::uint32_t call, const std::vector<Tensor>& outputs,
                              const proof::OutputRoots& roots) -> base::Status {
    receipt.calls.push_back(proof::list_root(roots));
    STARLING_TRY(trace.add(roots, outputs, kept_of(job, call, outputs.size())));
    STARLING_TRY(tell(job, call, outputs, listener, receipt.frames));
    return listener.after_call(call);
  };
  STARLING_TRY(proof::run_calls(job.on(engine, pool), all, nullptr, after_call));
  return receipt;
}

base::Result<proof::Receipt> make_video(const VideoJob& job, exact::Engine& engine, base::ThreadPool* pool,
                                        proof::TraceWriter& trace, proof::Journal& journal, const Listener& listener) {
  proof::Receipt receipt = empty_receipt(job);
  STARLING_TRY(take_journal(job, journal, receipt, trace));
  const std::uint32_t done = journal.calls();
  std::vector<bool> calls(job.program().calls().size(), false);
  for (std::uint32_t call = 0; call < calls.size(); ++call) {
    calls[call] = call >= done || job.calls().is_decode(call);
  }
  calls = proof::with_needed_calls(job.program(), std::move(calls), &journal);
  const auto after_call = [&](std::uint32_t call, const std::vector<Tensor>& outputs,
                              const proof::OutputRoots& roots) -> base::Status {
    if (call < done) {
      if (roots != journal.roots(call)) {
        return base::corrupt("call " + std::to_string(call) + " gives other bits than the journal says");
      }
    } else {
      const std::vector<bool> kept = kept_of(job, call, outputs.size());
      receipt.calls.push_back(proof::list_root(roots));
      STARLING_TRY(trace.add(roots, outputs, kept));
      STARLING_TRY(journal.add(roots, outputs, kept));
    }
    STARLING_TRY(tell(job, call, outputs, listener, receipt.frames));
    return listener.after_call(call);
  };
  STARLING_TRY(proof::run_calls(job.on(engine, pool), calls, &journal, after_call));
  return receipt;
}

base::Hash journal_run(const VideoJob& job, const base::Hash& model_root) {
  base::Encoder encoder;
  encoder.text("starling video run");
  encoder.hash(model_root);
  encoder.hash(job.program_root());
  for (const auto& [name, root] : job.input_roots()) {
    encoder.text(name);
    encoder.hash(root);
  }
  return base::sha256(encoder.data());
}

base::Status run_video(const VideoJob& job, exact::Engine& engine, const Listener& listener) {
  exact::RunObserver observer;
  observer.after_call = [&](std::uint32_t call, const std::vector<Tensor>& outputs) -> base::Status {
    STARLING_ASSIGN(const VideoJob::Part part, job.frames_of(call, outputs));
    for (int i = 0; i < part.frames.count; ++i) {
      STARLING_TRY(listener.frame(part.first + static_cast<std::size_t>(i), part.frames.frame(i)));
    }
    if (listener.latent && call == job.calls().last_step) listener.latent(outputs[0]);
    return listener.after_call(call);
  };
  const proof::Job run = job.on(engine, nullptr);
  const std::vector<bool> all(job.program().calls().size(), true);
  return run.program->run_calls(engine, all, *run.inputs, *run.weights, nullptr, observer);
}

base::Result<TextToVideo> request_of(const proof::Receipt& receipt) {
  if (receipt.task != kTask) {
    return base::unsupported("the receipt is of a task \"" + receipt.task +
                             "\", which this program does not know: use a newer starling");
  }
  return text_to_video_from_json(receipt.parameters);
}

base::Result<proof::ReplayResult> check_video(const VideoJob& job, const proof::Receipt& receipt, exact::Engine& engine,
                                              base::ThreadPool* pool, const CheckOptions& options,
                                              const Listener& listener) {
  const std::size_t total = job.program().calls().size();
  const proof::Rebuilt rebuilt{job.program_root(), job.input_roots(), job.program().work(), total,
                               static_cast<std::size_t>(job.request().frames)};
  if (auto difference = proof::check_rebuilt(receipt, rebuilt)) return proof::ReplayResult{std::move(difference), 0};
  std::vector<bool> calls(total, true);
  if (options.sample) {
    calls = proof::sample_calls(total, *options.sample, options.random);
    for (std::uint32_t call = 0; options.all_frames && call < total; ++call) {
      if (job.calls().is_decode(call)) calls[call] = true;
    }
  }
  const auto frames_of = [&](std::uint32_t call,
                             const std::vector<Tensor>& outputs) -> base::Result<proof::MadeFrames> {
    STARLING_ASSIGN(const VideoJob::Part part, job.frames_of(call, outputs));
    proof::MadeFrames made{part.first, {}};
    for (int i = 0; i < part.frames.count; ++i) {
      const std::size_t index = part.first + static_cast<std::size_t>(i);
      made.hashes.push_back(video::frame_hash(part.frames.frame(i)));
      if (made.hashes.back() != receipt.frames[index]) return made;  // the difference is named by the caller
      STARLING_TRY(listener.frame(index, part.frames.frame(i)));
    }
    STARLING_TRY(listener.after_call(call));
    return made;
  };
  STARLING_ASSIGN(proof::ReplayResult result, proof::replay(job.on(engine, pool), receipt, calls,
                                                            options.sample ? options.trace : nullptr, frames_of));
  return result;
}

}  // namespace starling::generate
