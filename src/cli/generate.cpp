// starling generate: a prompt becomes a video, its receipt and its call outputs.
#include <algorithm>
#include <cctype>
#include <chrono>
#include <filesystem>
#include <future>

#include "base/interrupt.h"
#include "base/memory.h"
#include "base/progress.h"
#include "cli/commands.h"
#include "cli/credits.h"
#include "cli/customer.h"
#include "cli/output.h"
#include "cli/paths.h"
#include "cli/prompt_expansion.h"
#include "cli/setup.h"
#include "cli/sheet.h"
#include "cli/video_files.h"
#include "cli/video_request.h"
#include "exact/backend.h"
#include "generate/video_job.h"
#include "proof/receipt.h"
#include "proof/trace.h"

namespace starling::cli {

namespace fs = std::filesystem;

namespace {

using Clock = std::chrono::steady_clock;

struct GenerateArguments {
  VideoArguments video;
  std::string output;
  std::string network;
  Bargain bargain;
  std::int64_t threads = 0;
  std::int64_t count = 1;
  std::string sheet;
  bool lossless = false;
  bool dry_run = false;
  bool json = false;
};

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// A path as a shell takes it, and no option.
std::string as_argument(const std::string& path) {
  std::string safe = path.starts_with('-') ? "./" + path : path;
  const auto is_plain = [](unsigned char c) {
    return std::isalnum(c) != 0 || c >= 0x80 ||
           std::string_view("_./-+,:@%=").find(static_cast<char>(c)) != std::string_view::npos;
  };
  if (std::all_of(safe.begin(), safe.end(), is_plain)) return safe;
  std::string quoted = "'";
  for (const char c : safe) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

// One of the videos that are made.
struct Wanted {
  generate::TextToVideo request;
  std::string output;
};

// Of several videos, what tells one from the others stands before the ending: out-1.mp4, out-2.mp4.
std::string numbered(const std::string& output, std::int64_t number) {
  const fs::path named = fs::path(output).has_filename() ? fs::path(output) : fs::path(output).parent_path();
  std::string name = named.stem().string() + "-" + std::to_string(number) + named.extension().string();
  if (output.ends_with('/')) name += '/';
  return (named.parent_path() / name).string();
}

// With the seeds that follow.
std::vector<Wanted> all_wanted(const GenerateArguments& arguments, const generate::TextToVideo& request) {
  if (arguments.count == 1) return {{request, arguments.output}};
  std::vector<Wanted> all;
  for (std::int64_t i = 0; i < arguments.count; ++i) {
    all.push_back({request, numbered(arguments.output, i + 1)});
    all.back().request.seed += static_cast<std::uint64_t>(i);
  }
  return all;
}

struct Outcome {
  Wanted wanted;
  proof::Receipt receipt;
  // On a network.
  std::optional<std::uint64_t> task;
  ledger::Motes price = 0;
};

base::Json result_json(const Outcome& outcome, double seconds) {
  const generate::TextToVideo& request = outcome.wanted.request;
  base::Json work = base::Json::empty_object();
  work.set("f32_multiply_adds", outcome.receipt.work.f32_multiply_adds);
  work.set("i8_multiply_adds", outcome.receipt.work.i8_multiply_adds);
  work.set("elements", outcome.receipt.work.elements);
  base::Json json = base::Json::empty_object();
  json.set("video", outcome.wanted.output);
  json.set("prompt", request.prompt);
  json.set("receipt", receipt_path(outcome.wanted.output).string());
  json.set("model_root", outcome.receipt.model_root.hex());
  json.set("program_root", outcome.receipt.program_root.hex());
  json.set("output_root", outcome.receipt.output_root.hex());
  json.set("trace_root", outcome.receipt.trace_root.hex());
  json.set("frames", request.frames);
  json.set("width", request.width);
  json.set("height", request.height);
  json.set("fps", request.rate.per_second());
  json.set("seconds", seconds);
  json.set("peak_bytes", base::peak_memory_bytes());
  json.set("work", std::move(work));
  json.set("executor", outcome.receipt.executor.text());
  if (outcome.task.has_value()) {
    json.set("task", *outcome.task);
    json.set("price", std::to_string(outcome.price));
    json.set("acceptance", acceptance_path(receipt_path(outcome.wanted.output)).string());
  }
  return json;
}

// Whether the files can be written.
base::Status check_outputs(const GenerateArguments& arguments, const std::vector<Wanted>& all) {
  for (const Wanted& wanted : all) STARLING_TRY(VideoFiles::open(wanted.output, wanted.request, arguments.lossless));
  return {};
}

// What videos are made with here.
struct Workshop {
  const generate::VideoJob& job;
  Machine& machine;
  base::Hash model_root;
  const base::SecretKey& key;
  base::Progress& progress;
};

base::Result<Outcome> make_one(const GenerateArguments& arguments, const Workshop& shop, const Wanted& wanted,
                               const generate::GivenFrames& given, std::uint64_t done, Sheet& sheet) {
  STARLING_ASSIGN(const std::unique_ptr<VideoFiles> files,
                  VideoFiles::open(wanted.output, wanted.request, arguments.lossless));
  files->keep(given);
  STARLING_ASSIGN(proof::TraceWriter trace, proof::TraceWriter::create(files->trace()));
  sheet.begin(wanted.request);
  generate::Listener listener;
  listener.after_call = [&](std::uint32_t call) -> base::Status {
    shop.progress.update(done + call + 1, shop.job.calls().describe(call));
    return base::check_interrupt();
  };
  listener.frame = [&](std::size_t index, const video::FrameView& frame) {
    sheet.add(index, frame);
    return files->add(frame);
  };
  Outcome outcome;
  outcome.wanted = wanted;
  auto made = generate::make_video(shop.job, shop.machine.engine, shop.machine.pool.get(), trace, listener);
  if (!made.ok() && made.error().code == base::ErrorCode::kNonFinite) {
    return base::Error{made.error().code, "the model makes numbers that are not finite (" + made.error().message +
                                              "): its weights are damaged or do not suit this request; fetch the "
                                              "model again, or ask for less guidance or another size"};
  }
  STARLING_ASSIGN(outcome.receipt, std::move(made));
  outcome.receipt.version = STARLING_VERSION;
  outcome.receipt.model_root = shop.model_root;
  STARLING_TRY(base::check_interrupt());
  STARLING_ASSIGN(outcome.receipt.file, files->finish_video(outcome.receipt));
  STARLING_TRY(files->publish([&] { return trace.commit(); },
                              [&]() -> base::Result<std::string> {
                                STARLING_TRY(proof::sign_receipt(outcome.receipt, shop.key));
                                return proof::receipt_text(outcome.receipt);
                              }));
  return outcome;
}

// On this machine, one after another: they share the program.
base::Result<std::vector<Outcome>> make_here(const GenerateArguments& arguments, models::Checkpoint model,
                                             const std::vector<Wanted>& all, const generate::GivenFrames& given,
                                             Sheet& sheet) {
  // Opening the key takes a while and needs one thread only. One that has to be made waits until nothing is refused.
  std::future<base::Result<base::SecretKey>> key_result;
  const auto open_key = [&] { key_result = std::async(std::launch::async, open_account_key); };
  if (has_account_key()) open_key();
  const base::UsableMemory usable = base::usable_memory();
  const generate::Room room{usable.bytes, static_cast<int>(arguments.threads), true, usable.limit};
  if (!generate::check_size(model, all[0].request, room.memory).ok()) {
    // Before its weights are packed.
    const auto refused = generate::VideoJob::prepare(model, all[0].request, room, given);
    if (!refused.ok()) return refused.error();
  }
  STARLING_TRY(check_outputs(arguments, all));
  STARLING_ASSIGN(Machine machine, start_machine(arguments.threads));
  STARLING_ASSIGN(const base::Hash model_root, model.root(machine.pool.get()));
  STARLING_TRY(use_packed_weights(model, model_root, machine));
  STARLING_ASSIGN(const generate::VideoJob job, generate::VideoJob::prepare(model, all[0].request, room, given));
  if (!key_result.valid()) open_key();
  STARLING_ASSIGN(const base::SecretKey key, key_result.get());
  const std::size_t calls = job.program().calls().size();
  base::Progress progress("generate", calls * all.size(), "");
  std::vector<Outcome> outcomes;
  for (const Wanted& wanted : all) {
    STARLING_ASSIGN(const generate::VideoJob one, job.with_other_text(model, wanted.request, given));
    const Workshop shop{one, machine, model_root, key, progress};
    STARLING_ASSIGN(Outcome outcome, make_one(arguments, shop, wanted, given, calls * outcomes.size(), sheet));
    outcomes.push_back(std::move(outcome));
  }
  progress.finish();
  return outcomes;
}

// By providers of a network.
base::Result<std::vector<Outcome>> make_there(const GenerateArguments& arguments, const models::Checkpoint& model,
                                              const std::vector<Wanted>& all, const generate::GivenFrames& given,
                                              Sheet& sheet) {
  STARLING_ASSIGN(const std::unique_ptr<Customer> customer, Customer::open(arguments.network));
  // What cannot be written is not paid for.
  STARLING_TRY(check_outputs(arguments, all));
  STARLING_ASSIGN(const base::Hash model_root, model.root());
  std::vector<generate::TextToVideo> requests;
  for (const Wanted& wanted : all) requests.push_back(wanted.request);
  STARLING_ASSIGN(const node::Order order,
                  node::prepare_order(model, model_root, requests, std::vector(all.size(), given)));
  STARLING_ASSIGN(const node::Quote quote, agree(*customer, order, arguments.bargain));
  STARLING_TRY(base::check_interrupt());
  STARLING_ASSIGN(const std::uint64_t task, customer->requester().submit(order, quote.terms));
  std::vector<Outcome> outcomes;
  TaskProgress progress(*customer, task, quote.calls, all.size());
  const auto collected = customer->requester().collect(
      task, order,
      [&](const node::Delivery& delivery) -> base::Status {
        const Wanted& wanted = all[delivery.part];
        STARLING_ASSIGN(SavedVideo saved, save_delivery(*customer, task, delivery, wanted.output,
                                                        order.parts[delivery.part].input, arguments.lossless));
        sheet.begin(wanted.request);
        STARLING_TRY(customer->requester().each_frame(delivery, [&](std::size_t index, const video::FrameView& frame) {
          sheet.add(index, frame);
          return base::Status();
        }));
        outcomes.push_back({wanted, std::move(saved.contents), task, saved.price});
        return {};
      },
      [&](const node::TaskView& view) -> base::Status {
        progress.see(view);
        return base::check_interrupt();
      });
  if (!collected.ok() && collected.error().code == base::ErrorCode::kCancelled) return customer->cancelled(task);
  if (!collected.ok()) return collected.error();
  if (!collected->failed.empty()) {
    const base::Error& error = collected->failed.begin()->second;
    return base::Error{error.code, "task " + std::to_string(task) + " is done, but " + error.message + ": " +
                                       undelivered_advice(task, as_argument(arguments.output))};
  }
  if (collected->lost > 0) {
    return base::not_found("nobody made " +
                           (all.size() == 1 ? std::string("the video") : std::to_string(collected->lost) + " videos") +
                           " in time, and the price is refunded: allow more with --max-price, or " +
                           ("look at task " + std::to_string(task) + " with starling job show"));
  }
  progress.finish();
  return outcomes;
}

void print_results(const std::vector<Outcome>& outcomes, double seconds) {
  if (outcomes.size() == 1) {
    print_json(result_json(outcomes[0], seconds));
    return;
  }
  base::Json videos = base::Json::empty_array();
  for (const Outcome& outcome : outcomes) videos.push(result_json(outcome, seconds));
  base::Json json = base::Json::empty_object();
  json.set("videos", std::move(videos));
  json.set("seconds", seconds);
  print_json(json);
}

void show(const Outcome& outcome) {
  const std::string receipt = receipt_path(outcome.wanted.output).string();
  print("video    " + outcome.wanted.output);
  print("receipt  " + receipt);
  if (outcome.task.has_value()) {
    print("made by  " + outcome.receipt.executor.text() + " for " + show_credits(outcome.price) + " credits, task " +
          std::to_string(*outcome.task));
  }
  print("check it with: starling verify " + as_argument(receipt) + " --video " + as_argument(outcome.wanted.output));
}

base::Result<int> run(const GenerateArguments& arguments) {
  const Clock::time_point start = Clock::now();
  base::catch_interrupts();
  if (arguments.network.empty() && !arguments.dry_run &&
      (arguments.bargain.yes || !arguments.bargain.max_price.empty() || arguments.bargain.time_limit.has_value())) {
    return base::invalid(
        "--max-price, --time-limit and --yes are for a video that a network makes: give --network too, or none of "
        "them");
  }
  STARLING_TRY(check_prompt(arguments.video));
  if (arguments.network.empty()) STARLING_TRY(exact::check_backend());
  STARLING_ASSIGN(const video::FileType type, video::file_type_of(arguments.output));
  STARLING_ASSIGN(const fs::path folder, find_model(arguments.video.model, arguments.video.fast));
  STARLING_ASSIGN(const models::Checkpoint model, models::Checkpoint::open(folder));
  STARLING_ASSIGN(const ReadyRequest ready, make_request(arguments.video, folder, model.config(), type));
  const generate::TextToVideo& request = ready.request;
  STARLING_TRY(generate::check_text(model, request));
  STARLING_ASSIGN(Sheet sheet, Sheet::open(arguments.sheet));
  const std::vector<Wanted> all = all_wanted(arguments, request);
  if (arguments.dry_run) {
    STARLING_TRY(check_outputs(arguments, all));
    if (arguments.json) print_json(base::Json::empty_object());
    return kFine;
  }
  if (const std::string remark = unknown_words_remark(model, request.prompt + " " + request.negative); !remark.empty())
    note(remark);
  auto made = arguments.network.empty() ? make_here(arguments, model, all, ready.given, sheet)
                                        : make_there(arguments, model, all, ready.given, sheet);
  if (!made.ok()) return made.error();
  STARLING_TRY(sheet.write());
  if (arguments.json) {
    print_results(*made, seconds_since(start));
    return kFine;
  }
  for (const Outcome& outcome : *made) show(outcome);
  return kFine;
}

}  // namespace

Action declare_generate(Options& options) {
  auto a = std::make_shared<GenerateArguments>();
  options.text("PROMPT", a->video.prompt, "What the video shall show", Options::Presence::kRequired);
  options.text("-o,--output", a->output,
               "File to write: .mp4, .webm, .gif, .png (one frame), frame-%04d.png (a picture a frame) or a folder/",
               Options::Presence::kRequired);
  declare_video_options(options, a->video);
  options.unsigned_integer("--seed", a->video.seed, "Seed of the noise: another seed, another video");
  options.integer("--count", a->count, 1, 1000, "So many videos, with this seed and those that follow: out-1.mp4, ...");
  options.text("--contact-sheet", a->sheet, "Also a .png that shows frames of the videos side by side");
  options.integer("--threads", a->threads, 0, 512, "Threads, 0 for one per core; the result is the same");
  options.flag("--lossless", a->lossless, "Keep every bit of the frames (.mp4, .webm; .png always does)");
  options.text("--network", a->network, "URL of a network's gateway: a provider makes the video, and is paid for it");
  declare_bargain(options, a->bargain, ", on a network");
  options.flag("--dry-run", a->dry_run, "Only say whether the video could be made; write nothing");
  options.json(a->json);
  return [a] { return run(*a); };
}

}  // namespace starling::cli
