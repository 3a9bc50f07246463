// starling evaluate --world 2: models, autoencoders and the world itself, by what their videos show.
#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <utility>

#include "base/file.h"
#include "base/interrupt.h"
#include "base/progress.h"
#include "base/temporary.h"
#include "cli/evaluate.h"
#include "cli/output.h"
#include "models/fast_model.h"
#include "train/evaluation/evaluation.h"
#include "train/evaluation/html.h"
#include "train/vae_reconstruction.h"
#include "video/writer.h"

namespace starling::cli {

namespace fs = std::filesystem;
namespace evaluation = train::evaluation;

namespace {

// A model whose videos are measured.
struct Maker {
  models::Checkpoint model;
  generate::TextToVideo request;
  double seconds = 0;  // that its videos took
  std::size_t made = 0;
};

// The sources that a command line names, and what they are made of.
struct Sources {
  std::unique_ptr<Maker> model, fast;
  std::optional<train::VaeReconstruction> vae;
  std::vector<evaluation::Source> list;
};

base::Result<std::unique_ptr<Maker>> open_maker(const EvaluateArguments& a, const fs::path& folder, Machine& machine) {
  STARLING_ASSIGN(models::Checkpoint model, models::Checkpoint::open(folder));
  STARLING_TRY(use_packed_weights(model, machine));
  generate::TextToVideo request = default_request(model.config());
  if (a.guidance) request.guidance = static_cast<float>(*a.guidance);
  if (a.width) request.width = *a.width;
  if (a.height) request.height = *a.height;
  if (a.frames) request.frames = *a.frames;
  STARLING_TRY(generate::check_request(model.config(), request));
  const std::int64_t window = default_window(model.config());
  request.window = window >= generate::largest_window(model.config(), request) ? 0 : window;
  return std::make_unique<Maker>(Maker{std::move(model), std::move(request)});
}

evaluation::Source source_of(std::string name, Maker& maker, Machine& machine) {
  return {
      std::move(name),
      [&](const evaluation::Item& item, const std::vector<std::uint8_t>&) -> base::Result<std::vector<std::uint8_t>> {
        using Clock = std::chrono::steady_clock;
        generate::TextToVideo one = maker.request;
        one.prompt = item.caption;
        one.seed = item.seed;
        const Clock::time_point start = Clock::now();
        STARLING_ASSIGN(MadeClip made, make_clip(maker.model, machine, one));
        maker.seconds += std::chrono::duration<double>(Clock::now() - start).count();
        ++maker.made;
        return std::move(made.pixels);
      },
      true};
}

base::Status add_models(const EvaluateArguments& a, Machine& machine, evaluation::Options& options, Sources& sources) {
  STARLING_ASSIGN(const fs::path folder, find_model(a.model));
  STARLING_ASSIGN(sources.model, open_maker(a, folder, machine));
  generate::TextToVideo& request = sources.model->request;
  if (a.steps) request.steps = *a.steps;
  options.shape = {static_cast<int>(request.width), static_cast<int>(request.height), static_cast<int>(request.frames),
                   request.rate.per_second()};
  options.fits = [&model = sources.model->model](const std::string& caption) {
    const auto tokens = model.tokenizer().encode(caption, model.config().text_length);
    return tokens.ok() && !tokens->truncated;
  };
  sources.list.push_back(source_of("model", *sources.model, machine));
  if (!a.fast) return {};
  STARLING_ASSIGN(const models::FastModel kin, models::fast_model(folder));
  STARLING_ASSIGN(sources.fast, open_maker(a, kin.folder, machine));
  sources.list.push_back(source_of("fast", *sources.fast, machine));
  sources.list.back().rival = "model";
  return {};
}

base::Status add_vae(const fs::path& folder, Machine& machine, const evaluation::Options& options, Sources& sources) {
  STARLING_ASSIGN(const train::TrainedVae vae, train::load_vae(folder));
  STARLING_ASSIGN(sources.vae, train::VaeReconstruction::make(vae, options.shape));
  sources.list.push_back(
      {"autoencoder",
       [&](const evaluation::Item&, const std::vector<std::uint8_t>& real) -> base::Result<std::vector<std::uint8_t>> {
         STARLING_TRY(base::check_interrupt());
         return sources.vae->run(machine.engine, real);
       }});
  sources.list.back().shows_real = true;
  return {};
}

// A video as a file's bytes, by way of a file beside the page.
base::Result<base::Bytes> mp4_of(const fs::path& page, const std::vector<std::uint8_t>& rgb,
                                 const train::ClipShape& shape) {
  constexpr std::size_t kMost = std::size_t{64} << 20;
  constexpr int kMilli = 1000;
  const auto rate = static_cast<int>(std::lround(shape.fps * kMilli));
  STARLING_ASSIGN(video::Frames frames, video::make_frames(shape.width, shape.height, shape.frames, {rate, kMilli}));
  frames.rgb = rgb;
  const fs::path file = fs::path(page).concat(".clip.mp4");
  const base::TemporaryName name(file);
  STARLING_TRY(video::write_video(file, frames));
  base::Result<base::Bytes> bytes = base::read_file(file, kMost);
  std::error_code ignored;
  fs::remove(file, ignored);
  return bytes;
}

base::Result<evaluation::ShownClip> show(const fs::path& page, std::size_t number, const evaluation::Item& item,
                                         const std::vector<std::uint8_t>& real,
                                         const std::vector<std::vector<std::uint8_t>>& made,
                                         const std::vector<evaluation::Source>& sources) {
  evaluation::ShownClip clip;
  clip.number = number;
  clip.caption = item.caption;
  for (std::size_t i = 0; i < made.size(); ++i) {
    STARLING_ASSIGN(base::Bytes bytes, mp4_of(page, made[i], item.take.shape));
    clip.videos.push_back({sources[i].name, std::move(bytes)});
  }
  STARLING_ASSIGN(base::Bytes bytes, mp4_of(page, real, item.take.shape));
  clip.videos.push_back({"ceiling", std::move(bytes)});
  return clip;
}

double per_video(const Maker& maker) {
  return maker.seconds / static_cast<double>(std::max<std::size_t>(1, maker.made));
}

base::Json seconds_json(const Sources& sources) {
  base::Json json = base::Json::empty_object();
  json.set("model", per_video(*sources.model));
  if (sources.fast) json.set("fast", per_video(*sources.fast));
  return json;
}

std::string text_of(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.2f", value);
  return text.data();
}

std::optional<double> psnr_db(double squared_error) {
  if (squared_error <= 0) return std::nullopt;
  return 10 * std::log10(255.0 * 255.0 / squared_error);
}

}  // namespace

base::Result<int> evaluate_world(const EvaluateArguments& a) {
  base::catch_interrupts();
  if (!a.against.empty()) return base::invalid("--against compares models on the first world; leave out --world 2");
  if (a.fast && a.source != "model") {
    return base::invalid("--fast measures a model's kin: leave out --source world, or --fast");
  }
  STARLING_ASSIGN(Machine machine, start_machine(a.threads));
  evaluation::Options options;
  options.clips = static_cast<std::size_t>(a.clips);
  options.split = a.trained ? train::Split::kTrain : train::Split::kHeldOut;
  options.seed = a.seed;
  options.diversity = a.diversity;
  for (std::size_t i = 0; i < train::world::kPlots; ++i) {
    if (train::world::name(static_cast<train::world::Plot>(i)) == a.plot) {
      options.plot = static_cast<train::world::Plot>(i);
    }
  }
  if (a.width) options.shape.width = static_cast<int>(*a.width);
  if (a.height) options.shape.height = static_cast<int>(*a.height);
  if (a.frames) options.shape.frames = static_cast<int>(*a.frames);
  Sources sources;
  fs::path vae = a.vae;
  if (a.source == "model") {
    STARLING_TRY(add_models(a, machine, options, sources));
    if (vae.empty()) {
      STARLING_ASSIGN(const fs::path folder, find_model(a.model));
      vae = folder / "vae";
    }
  }
  if (!vae.empty()) STARLING_TRY(add_vae(vae, machine, options, sources));

  base::Progress progress("evaluate", options.clips, "clip");
  std::vector<evaluation::ShownClip> shown;
  evaluation::Listener listener;
  listener.progress = [&](std::size_t done) -> base::Status {
    progress.update(done);
    return base::check_interrupt();
  };
  listener.videos = [&](std::size_t number, const evaluation::Item& item, const std::vector<std::uint8_t>& real,
                        const std::vector<std::vector<std::uint8_t>>& made) -> base::Status {
    if (a.html.empty() || number >= static_cast<std::size_t>(a.shown)) return {};
    STARLING_ASSIGN(evaluation::ShownClip clip, show(a.html, number, item, real, made, sources.list));
    shown.push_back(std::move(clip));
    return {};
  };
  STARLING_ASSIGN(const evaluation::Report report,
                  evaluation::evaluate(options, sources.list, *machine.pool, listener));
  progress.finish();
  if (!a.html.empty()) {
    STARLING_TRY(base::write_file(a.html, base::as_bytes(evaluation::report_html(report, shown))));
  }
  std::optional<double> psnr;
  evaluation::Mean likeness;
  for (const evaluation::Column& column : report.columns) {
    if (column.name != "autoencoder") continue;
    psnr = psnr_db(column.squared_error);
    likeness = column.means[static_cast<std::size_t>(evaluation::Quantity::kLikeness)];
  }
  if (a.json) {
    base::Json json = evaluation::report_json(report);
    if (psnr) json.set("autoencoder_psnr_db", *psnr);
    if (!a.html.empty()) json.set("html", a.html);
    if (sources.model) {
      json.set("steps", sources.model->request.steps);
      json.set("guidance", static_cast<double>(sources.model->request.guidance));
      json.set("seconds_per_video", seconds_json(sources));
    }
    print_json(json);
    return kFine;
  }
  print(evaluation::report_table(report));
  if (psnr) {
    print("autoencoder: " + text_of(*psnr) + " dB PSNR of all pixels together, " + text_of(likeness.value) + " dB (" +
          text_of(likeness.low) + "-" + text_of(likeness.high) + ") the mean of clips");
  }
  for (const auto& [name, maker] : {std::pair("model", sources.model.get()), std::pair("fast", sources.fast.get())}) {
    if (maker == nullptr) continue;
    print(std::string(name) + ": " + std::to_string(maker->request.steps) + " steps, " + text_of(per_video(*maker)) +
          " s a video");
  }
  return kFine;
}

}  // namespace starling::cli
