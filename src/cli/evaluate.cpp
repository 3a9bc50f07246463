// starling evaluate: what share of its videos shows what the captions say.
#include <chrono>
#include <cstdio>
#include <filesystem>

#include "base/interrupt.h"
#include "base/progress.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/setup.h"
#include "generate/video_job.h"
#include "train/first_world/evaluation.h"

namespace starling::cli {

namespace fs = std::filesystem;

namespace {

struct Arguments {
  std::string model;
  std::int64_t clips = 100;
  std::optional<std::int64_t> steps;
  std::optional<double> guidance;
  std::uint64_t seed = 0;
  std::int64_t threads = 0;
  bool json = false;
};

// The pixels of one item's video, made as generate would make it.
base::Result<std::vector<std::uint8_t>> make_clip(const models::Checkpoint& model, Machine& machine,
                                                  const generate::TextToVideo& request) {
  STARLING_ASSIGN(const generate::VideoJob job, generate::VideoJob::prepare(model, request));
  std::vector<std::uint8_t> pixels;
  generate::Listener listener;
  listener.after_call = [](std::uint32_t) { return base::check_interrupt(); };
  listener.frame = [&](std::size_t, const video::FrameView& frame) -> base::Status {
    pixels.insert(pixels.end(), frame.rgb.begin(), frame.rgb.end());
    return {};
  };
  STARLING_TRY(generate::run_video(job, machine.engine, listener));
  return pixels;
}

// A score by which nothing was judged has no number.
std::string percent(const generate::Score& score, double share) {
  if (score.count == 0) return "      -";
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "%5.1f %%", 100.0 * share);
  return text.data();
}

void print_table(const train::EvaluationReport& report) {
  print("            value     95 % interval        floor    ceiling  (real clips)");
  for (std::size_t i = 0; i < generate::kMeasures; ++i) {
    const std::string name(generate::name(static_cast<generate::Measure>(i)));
    const generate::Score& score = report.scores[i];
    const generate::Score& floor = report.floor[i];
    const generate::Score& ceiling = report.ceiling[i];
    print(name + std::string(10 - std::min<std::size_t>(10, name.size()), ' ') + percent(score, score.value) + "   " +
          percent(score, score.low) + " - " + percent(score, score.high) + "   " + percent(floor, floor.value) + "   " +
          percent(ceiling, ceiling.value));
  }
}

base::Result<int> run(const Arguments& arguments) {
  base::catch_interrupts();
  STARLING_ASSIGN(const fs::path folder, find_model(arguments.model));
  STARLING_ASSIGN(const models::Checkpoint model, models::Checkpoint::open(folder));
  STARLING_ASSIGN(Machine machine, start_machine(arguments.threads));
  generate::TextToVideo request = default_request(model.config());
  if (arguments.steps) request.steps = *arguments.steps;
  if (arguments.guidance) request.guidance = static_cast<float>(*arguments.guidance);
  train::EvaluationOptions options;
  options.clips = static_cast<std::size_t>(arguments.clips);
  options.split = train::Split::kHeldOut;
  options.seed = arguments.seed;
  options.shape = {static_cast<int>(request.width), static_cast<int>(request.height), static_cast<int>(request.frames),
                   request.rate.per_second()};

  const auto start = std::chrono::steady_clock::now();
  base::Progress progress("evaluate", options.clips, "clip");
  const auto make = [&](const train::EvaluationItem& item, const train::ClipShape&) {
    generate::TextToVideo one = request;
    one.prompt = item.caption;
    one.seed = item.seed;
    return make_clip(model, machine, one);
  };
  STARLING_ASSIGN(const train::EvaluationReport report,
                  train::evaluate_world(options, make, [&](std::size_t done) -> base::Status {
                    progress.update(done);
                    return base::check_interrupt();
                  }));
  progress.finish();
  if (arguments.json) {
    base::Json json = train::evaluation_json(report, folder.string());
    json.set("steps", request.steps);
    json.set("guidance", static_cast<double>(request.guidance));
    json.set("seconds", std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    print_json(json);
  } else {
    print_table(report);
  }
  return kFine;
}

}  // namespace

Action declare_evaluate(Options& options) {
  auto a = std::make_shared<Arguments>();
  options.text("MODEL", a->model, "Folder of the model; the bundled one if not given");
  options.integer("--clips", a->clips, 1, 100'000, "Captions that no training used, one video each");
  options.integer("--steps", a->steps, 1, generate::kMaxSteps, "Denoising steps (as generate)");
  options.number("--guidance", a->guidance, 0.0, 100.0, "As generate");
  options.unsigned_integer("--seed", a->seed, "Another seed draws other captions");
  options.integer("--threads", a->threads, 0, 512, "Threads, 0 for one per core; the result is the same");
  options.flag("--json", a->json, "Print one JSON object as the last line");
  return [a] { return run(*a); };
}

}  // namespace starling::cli
