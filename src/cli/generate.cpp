// starling generate: a prompt becomes a video, its receipt and its call outputs.
#include <charconv>
#include <chrono>
#include <filesystem>
#include <future>
#include <system_error>

#include "base/file.h"
#include "base/interrupt.h"
#include "base/memory.h"
#include "base/progress.h"
#include "base/temporary.h"
#include "base/utf8.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/paths.h"
#include "cli/setup.h"
#include "generate/video_check.h"
#include "generate/video_job.h"
#include "node/key_store.h"
#include "proof/receipt.h"
#include "proof/trace.h"
#include "video/writer.h"

namespace starling::cli {

namespace fs = std::filesystem;

namespace {

using Clock = std::chrono::steady_clock;

struct Arguments {
  std::string prompt;
  std::string output;
  std::string model;
  std::string negative;
  std::string size;
  std::string rate;
  std::optional<double> seconds;
  std::optional<std::int64_t> frames;
  std::optional<std::int64_t> steps;
  std::optional<double> guidance;
  std::optional<double> shift;
  std::uint64_t seed = 0;
  std::int64_t threads = 0;
  bool lossless = false;
  bool json = false;
};

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

base::Status check_text(const std::string& text, const char* what) {
  if (const auto at = base::first_invalid_utf8(text)) {
    return base::invalid("the " + std::string(what) + " is not UTF-8: byte " + std::to_string(*at + 1) +
                         " does not belong; write it in UTF-8");
  }
  return {};
}

base::Status check_prompt(const Arguments& arguments) {
  STARLING_TRY(check_text(arguments.prompt, "prompt"));
  STARLING_TRY(check_text(arguments.negative, "negative prompt"));
  if (arguments.prompt.find_first_not_of(" \t\r\n") == std::string::npos) {
    return base::invalid("the prompt is empty: say what the video shall show");
  }
  return {};
}

base::Status read_size(const std::string& text, generate::TextToVideo& request) {
  const std::size_t cross = text.find('x');
  const auto number = [&](std::string_view digits, std::int64_t& value) {
    const auto end = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return end.ec == std::errc() && end.ptr == digits.data() + digits.size() && value > 0;
  };
  const std::string_view view = text;
  if (cross == std::string::npos || !number(view.substr(0, cross), request.width) ||
      !number(view.substr(cross + 1), request.height)) {
    return base::invalid("\"" + text + "\" is not a size: give WIDTHxHEIGHT in pixels, such as 64x64");
  }
  return {};
}

base::Result<generate::TextToVideo> make_request(const Arguments& arguments, const models::ModelConfig& config,
                                                 video::FileType type) {
  generate::TextToVideo request = default_request(config);
  request.prompt = arguments.prompt;
  request.negative = arguments.negative;
  request.seed = arguments.seed;
  if (!arguments.size.empty()) STARLING_TRY(read_size(arguments.size, request));
  if (!arguments.rate.empty()) {
    STARLING_ASSIGN(request.rate, generate::FrameRate::from_text(arguments.rate));
  }
  if (arguments.frames && arguments.seconds) return base::invalid("give either --seconds or --frames, not both");
  request.frames = generate::frames_for_seconds(config, 2.0, request.rate);
  if (arguments.seconds) {
    STARLING_ASSIGN(request.frames, generate::frames_lasting(config, *arguments.seconds, request.rate));
  }
  if (type == video::FileType::kPng && !arguments.seconds) request.frames = 1;
  if (arguments.frames) request.frames = *arguments.frames;
  if (arguments.steps) request.steps = *arguments.steps;
  if (arguments.guidance) request.guidance = static_cast<float>(*arguments.guidance);
  if (arguments.shift) request.shift = static_cast<float>(*arguments.shift);
  STARLING_TRY(generate::check_request(config, request));
  if (type == video::FileType::kPng && request.frames != 1) {
    return base::invalid("a .png file holds one frame and this video has " + std::to_string(request.frames) +
                         ": write to a name such as frame-%04d.png, or ask for --frames 1");
  }
  return request;
}

// Files that are complete but whose companions may yet fail; removed unless all were written.
class Published {
 public:
  Published() = default;
  Published(const Published&) = delete;
  Published& operator=(const Published&) = delete;
  ~Published() {
    std::error_code error;
    for (const fs::path& path : paths_) fs::remove(path, error);
  }
  void add(fs::path path) {
    names_.emplace_back(path);
    paths_.push_back(std::move(path));
  }
  void keep() {
    paths_.clear();
    names_.clear();
  }

 private:
  std::vector<fs::path> paths_;
  std::vector<base::TemporaryName> names_;
};

// The folder that a video and its receipt go into.
base::Status check_folder(const fs::path& receipt_file, const std::string& video) {
  const fs::path folder = receipt_file.parent_path();
  std::error_code ignored;
  if (folder.empty() || fs::is_directory(folder, ignored)) return {};
  const std::string problem = fs::exists(folder, ignored)
                                  ? folder.string() + " is not a folder: choose another"
                                  : "there is no folder " + folder.string() + ": make it, or choose another";
  return base::not_found("cannot write " + video + ": " + problem);
}

struct Outcome {
  proof::Receipt receipt;
  double seconds = 0.0;
};

base::Json result_json(const Arguments& arguments, const generate::TextToVideo& request, const Outcome& outcome) {
  base::Json work = base::Json::empty_object();
  work.set("f32_multiply_adds", outcome.receipt.work.f32_multiply_adds);
  work.set("i8_multiply_adds", outcome.receipt.work.i8_multiply_adds);
  work.set("elements", outcome.receipt.work.elements);
  base::Json json = base::Json::empty_object();
  json.set("video", arguments.output);
  json.set("receipt", receipt_path(arguments.output).string());
  json.set("model_root", outcome.receipt.model_root.hex());
  json.set("program_root", outcome.receipt.program_root.hex());
  json.set("output_root", outcome.receipt.output_root.hex());
  json.set("trace_root", outcome.receipt.trace_root.hex());
  json.set("frames", request.frames);
  json.set("width", request.width);
  json.set("height", request.height);
  json.set("fps", request.rate.per_second());
  json.set("seconds", outcome.seconds);
  json.set("peak_bytes", base::peak_memory_bytes());
  json.set("work", std::move(work));
  json.set("executor", outcome.receipt.executor.text());
  return json;
}

base::Result<int> run(const Arguments& arguments) {
  const Clock::time_point start = Clock::now();
  base::catch_interrupts();
  STARLING_TRY(check_prompt(arguments));
  STARLING_ASSIGN(const video::FileType type, video::file_type_of(arguments.output));
  STARLING_ASSIGN(const fs::path folder, find_model(arguments.model));
  STARLING_ASSIGN(const models::Checkpoint model, models::Checkpoint::open(folder));
  STARLING_ASSIGN(const generate::TextToVideo request, make_request(arguments, model.config(), type));

  // Everything that can refuse does so before the long part.
  const fs::path receipt_file = receipt_path(arguments.output);
  const fs::path trace_file = trace_path(receipt_file);
  STARLING_TRY(check_folder(receipt_file, arguments.output));
  if (const auto other = other_video_of_receipt(arguments.output)) {
    return base::invalid(receipt_file.string() + " is the receipt of " + other->string() +
                         ", which has the same name but for its ending: choose another name, or remove that video");
  }
  video::WriterOptions options;
  options.rate = {static_cast<int>(request.rate.numerator), static_cast<int>(request.rate.denominator)};
  options.lossless = arguments.lossless;
  STARLING_ASSIGN(
      const std::unique_ptr<video::Writer> writer,
      video::open_writer(arguments.output, static_cast<int>(request.width), static_cast<int>(request.height), options));
  STARLING_ASSIGN(base::AtomicFile receipt_output, base::AtomicFile::create(receipt_file));
  STARLING_ASSIGN(proof::TraceWriter trace, proof::TraceWriter::create(trace_file));
  STARLING_ASSIGN(Machine machine, start_machine(arguments.threads));
  // Opening the key takes a while and needs one thread only.
  auto key_result = std::async(std::launch::async, []() -> base::Result<base::SecretKey> {
    STARLING_ASSIGN(const node::KeyHome home, node::KeyHome::from_environment());
    return node::default_key(home);
  });
  STARLING_ASSIGN(const generate::VideoJob job, generate::VideoJob::prepare(model, request));
  STARLING_TRY(check_memory(job));
  STARLING_ASSIGN(const base::Hash model_root, model.root(machine.pool.get()));
  STARLING_ASSIGN(const base::SecretKey key, key_result.get());
  if (const std::string remark = unknown_words_remark(model, request.prompt + " " + request.negative); !remark.empty())
    note(remark);

  base::Progress progress("generate", job.program().calls().size(), "");
  generate::Listener listener;
  listener.after_call = [&](std::uint32_t call) -> base::Status {
    progress.update(call + 1, job.calls().describe(call));
    return base::check_interrupt();
  };
  listener.frame = [&](std::size_t, const video::FrameView& frame) { return writer->add(frame); };
  Outcome outcome;
  auto made = generate::make_video(job, machine.engine, machine.pool.get(), trace, listener);
  if (!made.ok() && made.error().code == base::ErrorCode::kNonFinite) {
    return base::Error{made.error().code, "the model makes numbers that are not finite (" + made.error().message +
                                              "): its weights are damaged or do not suit this request; fetch the "
                                              "model again, or ask for less guidance or another size"};
  }
  STARLING_ASSIGN(outcome.receipt, std::move(made));
  outcome.receipt.version = STARLING_VERSION;
  outcome.receipt.model_root = model_root;
  STARLING_TRY(base::check_interrupt());
  Published published;
  STARLING_TRY(writer->finish());
  if (type != video::FileType::kPngSequence) {
    published.add(arguments.output);
    STARLING_ASSIGN(outcome.receipt.file, generate::describe_file(arguments.output));
  }
  // The disk takes its time over each file; let it have both at once.
  published.add(trace_file);
  auto trace_done = std::async(std::launch::async, [&trace] { return trace.commit(); });
  STARLING_TRY(proof::sign_receipt(outcome.receipt, key));
  STARLING_ASSIGN(const std::string text, proof::receipt_text(outcome.receipt));
  STARLING_TRY(receipt_output.write(base::as_bytes(text)));
  published.add(receipt_file);
  STARLING_TRY(receipt_output.commit());
  STARLING_TRY(trace_done.get());
  published.keep();
  progress.finish();
  outcome.seconds = seconds_since(start);

  if (arguments.json) {
    print_json(result_json(arguments, request, outcome));
  } else {
    print("video    " + arguments.output);
    print("receipt  " + receipt_file.string());
    print("check it with: starling verify " + receipt_file.string() + " --video " + arguments.output);
  }
  return kFine;
}

}  // namespace

Action declare_generate(Options& options) {
  auto a = std::make_shared<Arguments>();
  options.text("PROMPT", a->prompt, "What the video shall show", Options::Presence::kRequired);
  options.text("-o,--output", a->output,
               "File to write: .mp4, .webm, .gif, .png (one frame), frame-%04d.png (a picture a frame) or a folder/",
               Options::Presence::kRequired);
  options.text("--model", a->model, "Folder of a Wan model in the diffusers layout; the bundled one if not given");
  options.number("--seconds", a->seconds, 0.0, 3600.0, "Duration, from the first frame to the last (2)");
  options.integer("--frames", a->frames, 1, 100'000, "Number of frames, instead of --seconds");
  options.text("--size", a->size, "WIDTHxHEIGHT in pixels (64x64 with the bundled model)");
  options.text("--fps", a->rate, "Frames a second, such as 8 or 30000/1001 (8 with the bundled model)");
  options.integer("--steps", a->steps, 1, generate::kMaxSteps, "Denoising steps (30 with the bundled model)");
  options.number("--guidance", a->guidance, 0.0, 100.0,
                 "How strongly the prompt leads; 1 is half the work (3 with the bundled model)");
  options.number("--shift", a->shift, 0.01, 100.0, "Shift of the noise schedule (the model's own)");
  options.unsigned_integer("--seed", a->seed, "Seed of the noise: another seed, another video");
  options.text("--negative", a->negative, "What the video shall not show");
  options.integer("--threads", a->threads, 0, 512, "Threads, 0 for one per core; the result is the same");
  options.flag("--lossless", a->lossless, "Keep every bit of the frames (.mp4, .webm; .png always does)");
  options.flag("--json", a->json, "Print one JSON object as the last line");
  return [a] { return run(*a); };
}

}  // namespace starling::cli
