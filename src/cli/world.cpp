// starling world: clips of the world that the bundled models learn from, to look at and to train on.
#include <array>
#include <filesystem>

#include "base/file.h"
#include "base/interrupt.h"
#include "base/progress.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "train/world/caption.h"
#include "train/world/random.h"
#include "train/world/truth_json.h"
#include "video/picture.h"
#include "video/writer.h"

namespace starling::cli {

namespace fs = std::filesystem;
namespace world = train::world;

namespace {

constexpr std::array<std::string_view, world::kLanguages> kLanguageNames = {"english", "simplified", "traditional"};
constexpr std::size_t kSheetRows = 24;
constexpr int kSheetColumns = 9;

struct WorldArguments {
  std::string folder;
  std::int64_t clips = 12;
  std::int64_t width = 64;
  std::int64_t height = 64;
  std::int64_t frames = 17;
  std::int64_t fps = 8;
  std::uint64_t seed = 0;
  std::string plot;
  std::string gravity;
  std::string camera;
  std::string language = "english";
  bool held_out = false;
  bool json = false;
};

template <typename E>
std::vector<std::string> names(std::size_t count) {
  std::vector<std::string> all;
  for (std::size_t i = 0; i < count; ++i) {
    all.emplace_back(name(static_cast<E>(i)));
  }
  return all;
}

// The value whose name was given, if one was.
template <typename E>
std::optional<E> named(const std::string& text, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    if (name(static_cast<E>(i)) == text) return static_cast<E>(i);
  }
  return std::nullopt;
}

std::string number_of(std::size_t index) {
  const std::string digits = std::to_string(index);
  return std::string(digits.size() < 4 ? 4 - digits.size() : 0, '0') + digits;
}

struct DrawnClip {
  video::Frames frames;
  std::string caption;  // in English
};

// Writes clip-NNNN.mp4, .txt and .json.
base::Result<DrawnClip> write_clip(const WorldArguments& a, const world::TakeOptions& options, std::size_t index) {
  const std::uint64_t key = train::derive(a.seed, index);
  const world::Take take = world::take(key, options);
  DrawnClip clip;
  STARLING_ASSIGN(clip.frames, video::make_frames(static_cast<int>(a.width), static_cast<int>(a.height),
                                                  static_cast<int>(a.frames), {static_cast<int>(a.fps), 1}));
  clip.frames.rgb = world::pixels(take);
  base::Json captions = base::Json::empty_object();
  for (std::size_t i = 0; i < world::kLanguages; ++i) {
    captions.set(kLanguageNames[i], world::caption(take.scenario, static_cast<world::Language>(i), key));
  }
  STARLING_ASSIGN(clip.caption, captions.text("english"));
  STARLING_ASSIGN(const std::string wanted, captions.text(a.language));
  base::Json truth = world::truth_json(take);
  truth.set("captions", std::move(captions));
  const fs::path stem = fs::path(a.folder) / ("clip-" + number_of(index));
  const auto with = [&](const char* extension) { return fs::path(stem).replace_extension(extension); };
  STARLING_TRY(video::write_video(with(".mp4"), clip.frames));
  STARLING_TRY(base::write_file(with(".txt"), base::as_bytes(wanted + "\n")));
  STARLING_TRY(base::write_file(with(".json"), base::as_bytes(truth.to_text() + "\n")));
  return clip;
}

base::Status write_sheet(const WorldArguments& a, const std::vector<DrawnClip>& clips) {
  std::vector<video::SheetRow> rows;
  for (const DrawnClip& clip : clips) rows.push_back({clip.caption, &clip.frames});
  const int columns = static_cast<int>(std::min<std::int64_t>(kSheetColumns, a.frames));
  STARLING_ASSIGN(const video::Picture sheet, video::contact_sheet(rows, {.columns = columns, .scale = 1}));
  return video::write_png(fs::path(a.folder) / "sheet.png", sheet);
}

base::Result<int> run(const WorldArguments& a) {
  base::catch_interrupts();
  world::TakeOptions options;
  options.shape = {static_cast<int>(a.width), static_cast<int>(a.height), static_cast<int>(a.frames),
                   static_cast<double>(a.fps)};
  options.split = a.held_out ? train::Split::kHeldOut : train::Split::kTrain;
  options.plot = named<world::Plot>(a.plot, world::kPlots);
  options.gravity = named<world::Gravity>(a.gravity, world::kGravities);
  options.camera = named<world::Camera>(a.camera, world::kCameras);
  STARLING_TRY(world::check(options.shape));
  STARLING_TRY(base::make_directories(a.folder));
  base::Progress progress("world", static_cast<std::uint64_t>(a.clips), "clip");
  std::vector<DrawnClip> shown;
  for (std::size_t i = 0; i < static_cast<std::size_t>(a.clips); ++i) {
    STARLING_TRY(base::check_interrupt());
    STARLING_ASSIGN(DrawnClip clip, write_clip(a, options, i));
    if (shown.size() < kSheetRows) shown.push_back(std::move(clip));
    progress.update(i + 1);
  }
  progress.finish();
  STARLING_TRY(write_sheet(a, shown));
  if (a.json) {
    base::Json json = base::Json::empty_object();
    json.set("folder", a.folder).set("clips", a.clips).set("sheet", (fs::path(a.folder) / "sheet.png").string());
    print_json(json);
  } else {
    print("Drew " + std::to_string(a.clips) + " clips into " + a.folder + "; sheet.png shows the first.");
  }
  return kFine;
}

}  // namespace

Action declare_world(Options& options) {
  auto a = std::make_shared<WorldArguments>();
  options.text("-o,--out", a->folder, "Folder for clip-NNNN.mp4, .txt and .json, and sheet.png",
               Options::Presence::kRequired);
  options.integer("--clips", a->clips, 1, 1'000'000, "How many");
  options.integer("--width", a->width, 32, 1024, "Pixels, a multiple of 8");
  options.integer("--height", a->height, 32, 1024, "Pixels, a multiple of 8");
  options.integer("--frames", a->frames, 1, 4096, "Frames of each clip");
  options.integer("--fps", a->fps, 1, 240, "Frames a second");
  options.unsigned_integer("--seed", a->seed, "Another seed draws other clips");
  options.choice("--plot", a->plot, names<world::Plot>(world::kPlots), "What happens (any, if not given)");
  options.choice("--gravity", a->gravity, names<world::Gravity>(world::kGravities), "Where it happens");
  options.choice("--camera", a->camera, names<world::Camera>(world::kCameras), "What the camera does");
  options.choice("--language", a->language, {kLanguageNames.begin(), kLanguageNames.end()}, "Of the .txt");
  options.flag("--held-out", a->held_out, "Only compositions that are never trained on");
  options.json(a->json);
  return [a] { return run(*a); };
}

}  // namespace starling::cli
