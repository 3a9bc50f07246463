// starling evaluate: what share of its videos shows what the captions say.
#include "cli/evaluate.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <optional>
#include <span>

#include "base/interrupt.h"
#include "base/progress.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/setup.h"
#include "generate/video_job.h"
#include "train/first_world/evaluation.h"
#include "train/world/stage.h"

namespace starling::cli {

namespace fs = std::filesystem;

namespace {

using Arguments = EvaluateArguments;

// How near the numbers of one model's videos are to another's.
class Nearness {
 public:
  template <typename T>
  void add(std::span<const T> ours, std::span<const T> theirs) {
    for (std::size_t i = 0; i < theirs.size(); ++i) {
      const auto value = static_cast<double>(theirs[i]);
      const double difference = static_cast<double>(ours[i]) - value;
      squares_ += difference * difference;
      low_ = std::min(low_, value);
      high_ = std::max(high_, value);
    }
    count_ += static_cast<double>(theirs.size());
  }
  // Against this range of values, or the one that was there; nothing if all are equal.
  std::optional<double> psnr_db(std::optional<double> range = std::nullopt) const {
    if (squares_ == 0) return std::nullopt;
    const double peak = range.value_or(high_ - low_);
    return 10 * std::log10(peak * peak * count_ / squares_);
  }

 private:
  double squares_ = 0;
  double count_ = 0;
  double low_ = std::numeric_limits<double>::infinity();
  double high_ = -std::numeric_limits<double>::infinity();
};

std::string decibels(const std::optional<double>& value) {
  if (!value) return "equal";
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "%.1f dB", *value);
  return text.data();
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

// That a quantised model is compared with what it was made of, if with a model that is not quantised.
base::Status check_source(const models::Checkpoint& quantised, const fs::path& folder, const models::Checkpoint& other,
                          const fs::path& other_folder, const Machine& machine) {
  const auto& quantisation = quantised.config().transformer.quantisation;
  if (!quantisation || other.config().transformer.quantisation) return {};
  STARLING_ASSIGN(const base::Hash root, other.root(machine.pool.get()));
  if (root == quantisation->source) return {};
  return base::invalid(folder.string() + " was made of the model " + quantisation->source.hex() + ", and " +
                       other_folder.string() + " is " + root.hex() + "; compare it with the model that it was made of");
}

base::Result<int> run(const Arguments& arguments) {
  if (arguments.world == 2) return evaluate_world(arguments);
  if (arguments.source != "model" || !arguments.vae.empty() || arguments.trained || arguments.diversity ||
      arguments.fast || !arguments.plot.empty() || !arguments.html.empty()) {
    return base::invalid("--source, --vae, --fast, --plot, --trained, --diversity and --html are for --world 2");
  }
  base::catch_interrupts();
  STARLING_ASSIGN(const fs::path folder, find_model(arguments.model));
  STARLING_ASSIGN(models::Checkpoint model, models::Checkpoint::open(folder));
  STARLING_ASSIGN(Machine machine, start_machine(arguments.threads));
  STARLING_TRY(use_packed_weights(model, machine));
  std::optional<models::Checkpoint> other;
  if (!arguments.against.empty()) {
    STARLING_ASSIGN(other, models::Checkpoint::open(arguments.against));
    STARLING_TRY(check_source(model, folder, *other, arguments.against, machine));
    STARLING_TRY(check_source(*other, arguments.against, model, folder, machine));
    STARLING_TRY(use_packed_weights(*other, machine));
  }
  Nearness latents;
  Nearness pixels;
  generate::TextToVideo request = default_request(model.config());
  if (arguments.steps) request.steps = *arguments.steps;
  if (arguments.guidance) request.guidance = static_cast<float>(*arguments.guidance);
  if (arguments.width) request.width = *arguments.width;
  if (arguments.height) request.height = *arguments.height;
  if (arguments.frames) request.frames = *arguments.frames;
  train::EvaluationOptions options;
  options.clips = static_cast<std::size_t>(arguments.clips);
  options.split = train::Split::kHeldOut;
  options.seed = arguments.seed;
  options.shape = {static_cast<int>(request.width), static_cast<int>(request.height), static_cast<int>(request.frames),
                   request.rate.per_second()};

  const auto start = std::chrono::steady_clock::now();
  base::Progress progress("evaluate", options.clips, "clip");
  const auto make = [&](const train::EvaluationItem& item,
                        const train::ClipShape&) -> base::Result<std::vector<std::uint8_t>> {
    generate::TextToVideo one = request;
    one.prompt = item.caption;
    one.seed = item.seed;
    STARLING_ASSIGN(MadeClip made, make_clip(model, machine, one));
    if (other) {
      STARLING_ASSIGN(const MadeClip reference, make_clip(*other, machine, one));
      if (!(made.latent.shape() == reference.latent.shape())) {
        return base::invalid("the model in " + arguments.against + " has other latents; name one of the same shape");
      }
      latents.add<float>(made.latent.f32(), reference.latent.f32());
      pixels.add<std::uint8_t>(made.pixels, reference.pixels);
    }
    return std::move(made.pixels);
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
    if (other) {
      const auto number = [](const std::optional<double>& value) { return value ? base::Json(*value) : base::Json(); };
      json.set("against", arguments.against);
      json.set("latent_psnr_db", number(latents.psnr_db()));
      json.set("pixel_psnr_db", number(pixels.psnr_db(255)));
    }
    print_json(json);
  } else {
    print_table(report);
    if (other) {
      print("against " + arguments.against + ": latents " + decibels(latents.psnr_db()) + ", pixels " +
            decibels(pixels.psnr_db(255)) + " PSNR");
    }
  }
  return kFine;
}

}  // namespace

base::Result<MadeClip> make_clip(const models::Checkpoint& model, Machine& machine,
                                 const generate::TextToVideo& request) {
  STARLING_ASSIGN(const generate::VideoJob job, generate::VideoJob::prepare(model, request));
  MadeClip made;
  generate::Listener listener;
  listener.after_call = [](std::uint32_t) { return base::check_interrupt(); };
  listener.frame = [&](std::size_t, const video::FrameView& frame) -> base::Status {
    made.pixels.insert(made.pixels.end(), frame.rgb.begin(), frame.rgb.end());
    return {};
  };
  listener.latent = [&](const exact::Tensor& latent) { made.latent = latent; };
  STARLING_TRY(generate::run_video(job, machine.engine, listener));
  return made;
}

Action declare_evaluate(Options& options) {
  auto a = std::make_shared<Arguments>();
  options.text("MODEL", a->model, "Folder of the model; the bundled one if not given");
  options.text("--against", a->against, "Another model, to say how near the same videos are to its own");
  options.integer("--world", a->world, 1, 2, "Version of the world that captions are drawn from");
  options.choice("--source", a->source, {"model", "world"}, "Whose videos: a model's, or only the world's own");
  options.text("--vae", a->vae, "Folder of an autoencoder that clips are sent through, besides (default: the model's)");
  options.integer("--clips", a->clips, 1, 100'000, "Captions that no training used, one video each");
  options.integer("--steps", a->steps, 1, generate::kMaxSteps, "Denoising steps (as generate)");
  options.number("--guidance", a->guidance, 0.0, 100.0, "As generate");
  options.integer("--width", a->width, 32, 1024, "Pixels (as generate)");
  options.integer("--height", a->height, 32, 1024, "Pixels (as generate)");
  options.integer("--frames", a->frames, 1, 4096, "Frames of each video");
  std::vector<std::string> plots;
  for (std::size_t i = 0; i < train::world::kPlots; ++i) {
    plots.emplace_back(train::world::name(static_cast<train::world::Plot>(i)));
  }
  options.choice("--plot", a->plot, plots, "Clips of one plot (default: of any)");
  options.flag("--fast", a->fast, "Also the videos of the model's kin of few steps, and how they compare");
  options.flag("--trained", a->trained, "Compositions that training shows, instead of those held out");
  options.flag("--diversity", a->diversity, "Make a second video of each caption, with another seed, to compare");
  options.text("--html", a->html, "File for a page with the table and videos beside their captions");
  options.integer("--shown", a->shown, 0, 1000, "How many clips that page shows");
  options.unsigned_integer("--seed", a->seed, "Another seed draws other captions");
  options.integer("--threads", a->threads, 0, 512, "Threads, 0 for one per core; the result is the same");
  options.json(a->json);
  return [a] { return run(*a); };
}

}  // namespace starling::cli
