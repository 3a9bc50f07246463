// starling verify: does a receipt hold, and is a video the one it is of?
#include <array>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <system_error>

#include "base/file.h"
#include "base/interrupt.h"
#include "base/memory.h"
#include "base/progress.h"
#include "base/random.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/paths.h"
#include "cli/setup.h"
#include "cli/verify_training.h"
#include "generate/provenance.h"
#include "generate/video_check.h"
#include "generate/video_job.h"
#include "models/fast_model.h"
#include "node/acceptance.h"
#include "proof/receipt.h"
#include "proof/replay.h"
#include "proof/trace.h"
#include "train/training_receipt.h"
#include "video/xmp.h"

namespace starling::cli {

namespace fs = std::filesystem;

namespace {

using Clock = std::chrono::steady_clock;

struct VerifyArguments {
  std::string receipt;
  std::string video;
  bool lossy = false;
  std::string model;
  std::string header;
  std::string orderer;
  std::optional<std::int64_t> sample;
  std::optional<std::int64_t> steps;
  std::optional<std::int64_t> within;
  std::string vae;
  std::string start;
  std::string checkpoints;
  std::int64_t threads = 0;
  bool json = false;
};

struct Verdict {
  std::optional<proof::Difference> difference;
  std::uint32_t checked_calls = 0;
  std::size_t total_calls = 0;
  std::optional<double> psnr_db;
  bool identical = false;                          // every bit of the video
  std::optional<generate::Provenance> provenance;  // that the video's file says
  std::optional<node::Acceptance> acceptance;      // that holds
};

// An error that a damaged file causes is a difference: what was handed over does not hold. One of the machine (no such
// file, unreadable, no memory, interrupted) means that nothing can be said.
bool is_damage(const base::Error& error) {
  return error.code != base::ErrorCode::kNotFound && error.code != base::ErrorCode::kIo &&
         error.code != base::ErrorCode::kCancelled;
}

// The model of the receipt, or why what is there is not it.
base::Result<std::optional<models::Checkpoint>> open_model(const VerifyArguments& arguments,
                                                           const proof::Receipt& receipt, base::ThreadPool& pool,
                                                           Verdict& verdict) {
  using Found = std::optional<models::Checkpoint>;
  STARLING_ASSIGN(const fs::path found, find_model(arguments.model));
  std::error_code error;
  // In full: what is wrong with it is told by a sentence that begins with its name.
  const fs::path folder = fs::absolute(found, error);
  if (!fs::exists(folder / "model_index.json", error)) {
    return base::not_found("there is no model in " + folder.string() + ": name the folder of model " +
                           receipt.model_root.hex() + " with --model");
  }
  base::Result<models::Checkpoint> model = models::Checkpoint::open(folder);
  if (!model.ok()) {
    if (model.error().code == base::ErrorCode::kIo || model.error().code == base::ErrorCode::kCancelled) {
      return model.error();
    }
    verdict.difference = proof::Difference{"model: " + model.error().message};
    return Found();
  }
  const base::Result<base::Hash> root = model->root(&pool);
  if (!root.ok() && !is_damage(root.error())) return root.error();
  if (!root.ok()) {
    verdict.difference = proof::Difference{"model: " + root.error().message};
    return Found();
  }
  if (*root != receipt.model_root) {
    if (Found kin = models::kin_of_root(folder, receipt.model_root, &pool)) return kin;
    verdict.difference = proof::Difference{"model: the receipt is of " + receipt.model_root.hex() + " and " +
                                           folder.string() + " is " + root->hex()};
    return Found();
  }
  return Found(*std::move(model));
}

// The frames that the video goes on from, which the receipt names by their root.
base::Result<generate::GivenFrames> open_inputs(const VerifyArguments& arguments, const generate::TextToVideo& request,
                                                Verdict& verdict) {
  if (!request.has_given()) return generate::GivenFrames();
  const fs::path file = inputs_path(arguments.receipt);
  const base::Result<base::MappedFile> pixels = base::MappedFile::open(file);
  if (!pixels.ok() && pixels.error().code == base::ErrorCode::kNotFound) {
    return base::not_found(file.string() + " is not there: this video goes on from given frames, and whoever made it " +
                           "has them in that file; put it beside the receipt");
  }
  if (!pixels.ok()) return pixels.error();
  base::Result<generate::GivenFrames> given = generate::given_from_pixels(request, pixels->bytes());
  if (given.ok()) return given;
  if (!is_damage(given.error())) return given.error();
  verdict.difference = proof::Difference{"inputs: " + given.error().message + " (" + file.string() + ")"};
  return generate::GivenFrames();
}

bool begins_as_mp4(const std::string& path) {
  const base::Result<base::MappedFile> file = base::MappedFile::open(path);
  return file.ok() && video::is_mp4(file->bytes());
}

// What a video's file says of its origin, if it does.
base::Result<std::optional<generate::Provenance>> provenance_in(const std::string& path) {
  using Said = std::optional<generate::Provenance>;
  const base::Result<base::MappedFile> file = base::MappedFile::open(path);
  if (!file.ok()) return file.error();
  if (!video::is_mp4(file->bytes())) return Said();
  STARLING_ASSIGN(const std::optional<std::string> packet, video::read_xmp(file->bytes()));
  if (!packet) return Said();
  base::Result<generate::Provenance> provenance = generate::read_provenance(*packet);
  if (!provenance.ok() && provenance.error().code == base::ErrorCode::kNotFound) return Said();
  if (!provenance.ok()) return provenance.error();
  return Said(*provenance);
}

// Sets the receipt of a video that is given instead of it: the one beside it.
base::Status take_video(VerifyArguments& arguments) {
  std::error_code error;
  if (arguments.video.empty()) arguments.video = arguments.receipt;
  const fs::path receipt = receipt_path(arguments.receipt);
  if (!fs::exists(receipt, error)) {
    const auto said = provenance_in(arguments.receipt);
    std::string message = receipt.string() + " is not there: ask whoever gave you the video for its receipt";
    if (said.ok() && *said) {
      message += ". The file says that it was made by model " + (*said)->model.hex() + ", program " +
                 (*said)->program.hex() + ", from a prompt whose SHA-256 is " + (*said)->prompt.hex() +
                 ", and that its frames are " + (*said)->output.hex() + ": its receipt holds these";
    }
    return base::not_found(message);
  }
  arguments.receipt = receipt.string();
  return {};
}

// Whether the file of the video is of this receipt, by its own word.
base::Status check_provenance(const VerifyArguments& arguments, const proof::Receipt& receipt, Verdict& verdict) {
  const auto said = provenance_in(arguments.video);
  if (!said.ok() && !is_damage(said.error())) return said.error();
  if (!said.ok()) {
    verdict.difference = proof::Difference{"video: " + said.error().message};
    return {};
  }
  verdict.provenance = *said;
  if (verdict.provenance) verdict.difference = generate::compare_provenance(*verdict.provenance, receipt);
  return {};
}

base::Json provenance_json(const generate::Provenance& provenance) {
  base::Json json = base::Json::empty_object();
  json.set("model_root", provenance.model.hex());
  json.set("program_root", provenance.program.hex());
  json.set("trace_root", provenance.trace.hex());
  json.set("output_root", provenance.output.hex());
  json.set("prompt_sha256", provenance.prompt.hex());
  return json;
}

std::string likeness(double psnr, bool identical) {
  if (identical) return "every bit is equal";
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), "PSNR %.1f dB, no more than encoding loses", psnr);
  return text.data();
}

// Compares the receipt with what a ledger accepted, with a block's header alone.
base::Status check_accepted(const VerifyArguments& arguments, const std::string& receipt, Verdict& verdict) {
  const fs::path file = acceptance_path(arguments.receipt);
  base::Result<std::string> text = base::read_text_file(file, node::kMaxAcceptanceBytes);
  if (!text.ok() && text.error().code == base::ErrorCode::kNotFound) {
    return base::not_found(file.string() + " is not there: only videos that a network made have one, and it belongs " +
                           "beside the receipt");
  }
  if (!text.ok()) return text.error();
  STARLING_ASSIGN(const std::string header_text, base::read_text_file(arguments.header, node::kMaxAcceptanceBytes));
  STARLING_ASSIGN(const base::Json header_object, base::Json::parse(header_text, arguments.header));
  STARLING_ASSIGN(const consensus::SignedHeader header, consensus::read_header_json(header_object));
  std::optional<base::Address> orderer;
  if (!arguments.orderer.empty()) {
    STARLING_ASSIGN(orderer, base::Address::from_text(arguments.orderer));
  }
  const base::Result<base::Json> json = base::Json::parse(*text, file.string());
  if (!json.ok()) {
    verdict.difference = proof::Difference{"acceptance: " + json.error().message};
    return {};
  }
  base::Result<node::Acceptance> acceptance = node::read_acceptance(*json);
  if (!acceptance.ok()) {
    verdict.difference = proof::Difference{"acceptance: " + acceptance.error().message};
    return {};
  }
  verdict.difference = node::check_acceptance(*acceptance, header, orderer, receipt);
  if (!verdict.difference) verdict.acceptance = *std::move(acceptance);
  return {};
}

base::Result<Verdict> check(const VerifyArguments& arguments) {
  Verdict verdict;
  const base::Result<std::string> read = base::read_text_file(arguments.receipt, proof::kMaxReceiptBytes);
  if (!read.ok() && read.error().code == base::ErrorCode::kLimit) {
    verdict.difference = proof::Difference{"receipt: " + read.error().message};
    return verdict;
  }
  if (!read.ok()) return read.error();
  const std::string& text = *read;
  const base::Result<proof::Receipt> receipt = proof::parse_receipt(text);
  if (!receipt.ok()) {
    verdict.difference = proof::Difference{"receipt: " + receipt.error().message};
    return verdict;
  }
  verdict.total_calls = receipt->calls.size();
  verdict.difference = proof::check_receipt(*receipt);
  if (verdict.difference) return verdict;
  if (!arguments.video.empty() && begins_as_mp4(arguments.video)) {
    STARLING_TRY(check_provenance(arguments, *receipt, verdict));
    if (verdict.difference) return verdict;
  }
  if (!arguments.header.empty()) {
    STARLING_TRY(check_accepted(arguments, text, verdict));
    // The ledger's word is enough unless more is asked for.
    if (verdict.difference || (arguments.video.empty() && !arguments.sample)) return verdict;
  }

  STARLING_ASSIGN(Machine machine, start_machine(arguments.threads));
  STARLING_ASSIGN(std::optional<models::Checkpoint> model, open_model(arguments, *receipt, *machine.pool, verdict));
  if (!model) return verdict;
  const base::Result<generate::TextToVideo> asked = generate::request_of(*receipt);
  if (!asked.ok()) {
    // Another task may be one of a newer program.
    if (asked.error().code == base::ErrorCode::kUnsupported) return asked.error();
    verdict.difference = proof::Difference{"receipt: " + asked.error().message};
    return verdict;
  }
  const generate::TextToVideo& request = *asked;
  base::Status possible = generate::check_request(model->config(), request);
  if (possible.ok()) possible = generate::check_text(*model, request);
  if (!possible.ok()) {
    if (!is_damage(possible.error())) return possible.error();
    verdict.difference = proof::Difference{"program: " + possible.error().message};
    return verdict;
  }
  STARLING_ASSIGN(const generate::GivenFrames given, open_inputs(arguments, request, verdict));
  if (verdict.difference) return verdict;
  STARLING_TRY(use_packed_weights(*model, receipt->model_root, machine));
  const base::UsableMemory usable = base::usable_memory();
  const generate::Room room{usable.bytes, static_cast<int>(arguments.threads), false, usable.limit};
  base::Result<generate::VideoJob> job = generate::VideoJob::prepare(*model, request, room, given);
  if (!job.ok()) {
    if (!is_damage(job.error()) || job.error().code == base::ErrorCode::kLimit) return job.error();
    verdict.difference = proof::Difference{"program: " + job.error().message};
    return verdict;
  }
  verdict.total_calls = job->program().calls().size();

  std::optional<proof::TraceReader> trace;
  std::error_code error;
  const fs::path trace_file = trace_path(arguments.receipt);
  if (fs::exists(trace_file, error)) {
    base::Result<proof::TraceReader> opened = proof::TraceReader::open(trace_file, job->program(), receipt->calls);
    if (!opened.ok() && !is_damage(opened.error())) return opened.error();
    if (!opened.ok()) {
      verdict.difference = proof::Difference{opened.error().message};
      return verdict;
    }
    trace = *std::move(opened);
  } else if (arguments.sample) {
    note("note: " + trace_file.string() + " is not there, so all calls before the drawn ones are run as well");
  }

  std::optional<generate::VideoCheck> video;
  if (!arguments.video.empty()) {
    STARLING_ASSIGN(video, generate::VideoCheck::open(arguments.video, request, arguments.lossy));
  }
  generate::CheckOptions options;
  options.all_frames = video.has_value();
  if (arguments.sample) options.sample = static_cast<std::size_t>(*arguments.sample);
  options.random = base::random_u64;
  options.trace = trace ? &*trace : nullptr;
  base::Progress progress("verify", verdict.total_calls, "");
  generate::Listener listener;
  listener.after_call = [&](std::uint32_t call) -> base::Status {
    progress.update(call + 1, job->calls().describe(call));
    return base::check_interrupt();
  };
  listener.frame = [&](std::size_t, const video::FrameView& frame) -> base::Status {
    return video ? video->add(frame) : base::Status();
  };
  STARLING_ASSIGN(const proof::ReplayResult result,
                  generate::check_video(*job, *receipt, machine.engine, machine.pool.get(), options, listener));
  verdict.difference = result.difference;
  verdict.checked_calls = result.checked_calls;
  if (!verdict.difference && video) {
    STARLING_TRY(video->finish(written_file(arguments.receipt, *receipt, text)));
    verdict.difference = video->difference();
    verdict.psnr_db = video->psnr_db();
    verdict.identical = video->identical();
  }
  if (!verdict.difference && trace) {
    const base::Status kept = trace->check_all();
    if (!kept.ok()) verdict.difference = proof::Difference{kept.error().message};
  }
  return verdict;
}

base::Json accepted_json(const node::Acceptance& acceptance) {
  base::Json json = base::Json::empty_object();
  json.set("task", acceptance.task);
  json.set("part", acceptance.part);
  json.set("chain_id", acceptance.header.header.chain_id);
  json.set("height", acceptance.header.header.height);
  return json;
}

base::Result<int> run(VerifyArguments arguments) {
  const Clock::time_point start = Clock::now();
  base::catch_interrupts();
  if (arguments.header.empty() && !arguments.orderer.empty()) {
    return base::invalid("--orderer says who signed a header: give the header too, with --header");
  }
  if (begins_as_mp4(arguments.receipt)) STARLING_TRY(take_video(arguments));
  const base::Result<std::string> text = base::read_text_file(arguments.receipt, train::kMaxTrainingReceiptBytes);
  if (text.ok() && train::is_training_receipt(*text)) {
    return verify_training({.receipt = arguments.receipt,
                            .model = arguments.model,
                            .vae = arguments.vae,
                            .start = arguments.start,
                            .checkpoints = arguments.checkpoints,
                            .steps = arguments.steps,
                            .within = arguments.within,
                            .threads = arguments.threads,
                            .json = arguments.json},
                           *text);
  }
  if (arguments.steps || arguments.within || !arguments.vae.empty() || !arguments.start.empty() ||
      !arguments.checkpoints.empty()) {
    return base::invalid("--steps, --within, --vae, --from and --checkpoints are for the receipt of a training");
  }
  STARLING_ASSIGN(const Verdict verdict, check(arguments));
  const bool valid = !verdict.difference.has_value();
  if (arguments.json) {
    base::Json json = base::Json::empty_object();
    json.set("valid", valid);
    json.set("checked_calls", verdict.checked_calls);
    json.set("total_calls", verdict.total_calls);
    json.set("first_difference", valid ? base::Json() : base::Json(verdict.difference->message));
    json.set("psnr_db", verdict.psnr_db ? base::Json(*verdict.psnr_db) : base::Json());
    json.set("seconds", std::chrono::duration<double>(Clock::now() - start).count());
    if (verdict.provenance) json.set("provenance", provenance_json(*verdict.provenance));
    if (verdict.acceptance) json.set("accepted", accepted_json(*verdict.acceptance));
    print_json(json);
  } else if (valid) {
    if (verdict.acceptance) {
      const node::Acceptance& accepted = *verdict.acceptance;
      print("The ledger accepted this receipt for part " + std::to_string(accepted.part) + " of task " +
            std::to_string(accepted.task) + ", as of block " + std::to_string(accepted.header.header.height) + ".");
      if (verdict.checked_calls == 0) return kFine;
    }
    print("The receipt holds: " + std::to_string(verdict.checked_calls) + " of " + std::to_string(verdict.total_calls) +
          " calls were run again and gave the same bits.");
    if (verdict.provenance) print("The video's file says that it is of this receipt.");
    if (verdict.psnr_db)
      print("The video shows the frames of the receipt: " + likeness(*verdict.psnr_db, verdict.identical) + ".");
  } else {
    print("The check failed. First difference: " + verdict.difference->message);
  }
  return valid ? kFine : kCheckFailed;
}

}  // namespace

Action declare_verify(Options& options) {
  auto a = std::make_shared<VerifyArguments>();
  options.text("RECEIPT", a->receipt,
               "The receipt, out.receipt.json or training.receipt.json, or an .mp4 beside its receipt",
               Options::Presence::kRequired);
  options.text("--video", a->video, "A video to compare with the frames that the receipt is of");
  options.flag("--lossy", a->lossy, "Let a lossless video be one that was made of a lossy copy");
  options.text("--model", a->model, "Folder of the model; the bundled one if not given");
  options.integer("--steps", a->steps, 1, 1'000'000, "Of a training: make so many steps again, drawn at random");
  options.integer("--within", a->within, 1, 1'000'000,
                  "Of a training: draw steps at most so far after a checkpoint (default: 20)");
  options.text("--vae", a->vae, "Of a transformer's training: folder of the autoencoder it was trained on");
  options.text("--from", a->start, "Of a training: folder of what it started from");
  options.text("--checkpoints", a->checkpoints, "Of a training: folder of its checkpoints (default: the receipt's)");
  options.text("--header", a->header,
               "A block's header that you trust: checks that the ledger accepted the receipt, from "
               "out.acceptance.json beside it, and runs nothing again unless --video or --sample asks for it");
  options.text("--orderer", a->orderer, "The account that must have signed the header");
  options.integer("--sample", a->sample, 1, 1'000'000, "Check so many calls, drawn at random, instead of all");
  options.integer("--threads", a->threads, 0, 512, "Threads, 0 for one per core; the result is the same");
  options.json(a->json);
  return [a] { return run(*a); };
}

}  // namespace starling::cli
