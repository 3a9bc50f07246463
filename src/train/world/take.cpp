#include "train/world/take.h"

#include <algorithm>
#include <array>

#include "train/world/drawing.h"
#include "train/world/story.h"

namespace starling::train::world {

namespace {

// Scenarios whose story does not come true are staged again, otherwise; after so many attempts only what always
// succeeds is tried: one thing before a camera that is still.
constexpr std::uint64_t kBoldAttempts = 24;
constexpr std::uint64_t kAttempts = 400;
constexpr double kMargin = 0.15;  // metres at the edges of a picture that things keep out of

// In hundredths, by Plot.
constexpr std::array<std::uint32_t, kPlots> kPlotShare = {36, 18, 12, 8, 5, 5, 6, 3, 3, 4};

Plot draw_plot(Random& random) {
  std::uint32_t at = random.below(100);
  std::size_t plot = 0;
  while (plot + 1 < kPlots && at >= kPlotShare[plot]) at -= kPlotShare[plot++];
  return static_cast<Plot>(plot);
}

Camera draw_camera(Random& random) {
  constexpr std::array<Camera, 12> kDraw = {Camera::kStill,    Camera::kStill,    Camera::kStill,   Camera::kStill,
                                            Camera::kStill,    Camera::kStill,    Camera::kPanLeft, Camera::kPanLeft,
                                            Camera::kPanRight, Camera::kPanRight, Camera::kZoomIn,  Camera::kZoomOut};
  return kDraw[random.below(kDraw.size())];
}

CameraMove draw_move(Camera kind, double seconds, Random& random) {
  CameraMove move;
  move.kind = kind;
  const double way = random.between(3.0, 3.8);  // of a whole pan, metres
  const double zoom = random.between(1.35, 1.6);
  if (kind == Camera::kPanLeft || kind == Camera::kPanRight) {
    move.velocity = (kind == Camera::kPanLeft ? -way : way) / std::max(seconds, 0.5);
  }
  if (kind == Camera::kZoomIn) move.zoom_to = zoom;
  if (kind == Camera::kZoomOut) move.zoom_from = zoom;
  return move;
}

Stage stage_for(const TakeOptions& options, const CameraMove& move, double seconds) {
  Stage stage;
  stage.seconds = seconds;
  stage.split = options.split;
  if (options.camera) {
    stage.follow = options.camera == Camera::kFollow ? 1.0 : 0.0;
  } else if (move.kind != Camera::kStill) {
    stage.follow = 0.0;
  } else if (seconds > 4) {
    stage.follow = 0.5;  // what goes on for long, or at last comes to rest
  }
  const double zoom = std::max(move.zoom_from, move.zoom_to);
  const double rise = kHorizonMetres - kStandMetres;
  stage.view_half_width = 0.5 * view_width(options.shape);
  stage.view_height = view_height(options.shape) - kStandMetres;
  const double drift = move.velocity < 0 ? -0.5 * move.velocity * seconds : 0.5 * move.velocity * seconds;
  stage.half_width = std::min(stage.view_half_width / zoom - drift, 9.0) - kMargin;
  stage.height = rise + (stage.view_height - rise) / zoom - kMargin;
  return stage;
}

Setting draw_setting(const TakeOptions& options, Random& random) {
  Setting setting;
  setting.gravity = options.gravity.value_or(random.chance(0.25) ? Gravity::kMoon : Gravity::kEarth);
  setting.ground = static_cast<Ground>(random.below(kGrounds));
  setting.sky = static_cast<Sky>(random.below(kSkies));
  // The moon is mostly as it is thought of, but its gravity does not show in its look.
  if (setting.gravity == Gravity::kMoon && random.chance(0.4)) {
    setting.ground = Ground::kStone;
    setting.sky = Sky::kNight;
  }
  setting.ground_offset = random.between(0.0, 12.0);
  return setting;
}

// Nothing black is shown at night.
void light_the_black(Scenario& scenario) {
  const bool black = std::any_of(scenario.actors.begin(), scenario.actors.end(),
                                 [](const Actor& actor) { return actor.thing.colour == Colour::kBlack; });
  if (black && scenario.setting.sky == Sky::kNight) scenario.setting.sky = Sky::kCloudy;
}

// Whether the solver kept to the laws: nothing gained energy, nothing sank into anything.
bool sound(const Course& course) {
  constexpr double kGain = 0.01;    // of the energy
  constexpr double kDeepest = 0.1;  // metres
  double least = course.energy[0];
  for (const double energy : course.energy) {
    if (energy > least + kGain * course.energy[0] + 0.2) return false;
    least = std::min(least, energy);
  }
  return course.deepest <= kDeepest;
}

}  // namespace

base::Status check(const ClipShape& shape) {
  const auto fits = [](int side) { return side >= 32 && side <= 1024 && side % 8 == 0; };
  if (!fits(shape.width) || !fits(shape.height)) {
    return base::invalid("the world is drawn with sides that are multiples of 8 from 32 to 1024, not " +
                         std::to_string(shape.width) + "x" + std::to_string(shape.height));
  }
  if (shape.frames < 1 || shape.frames > 4096) {
    return base::invalid("the world is drawn for 1 to 4096 frames, not " + std::to_string(shape.frames));
  }
  if (!(shape.fps > 0 && shape.fps <= 240)) {
    return base::invalid("the world is drawn at more than 0 and at most 240 frames a second");
  }
  if ((shape.frames - 1) / shape.fps > 120) {
    return base::invalid("the world is drawn for at most two minutes: ask for fewer frames or more of them a second");
  }
  return {};
}

Take take(std::uint64_t seed, const TakeOptions& options) {
  const double seconds = (options.shape.frames - 1) / options.shape.fps;
  // Drawn once, so that what is hard to stage is not shown more seldom.
  Random first(derive(seed, kAttempts + 1));
  const Plot wanted = options.plot.value_or(draw_plot(first));
  for (std::uint64_t attempt = 0;; ++attempt) {
    Random random(derive(seed, attempt));
    const bool bold = attempt < kBoldAttempts;
    const Plot plot = bold ? wanted : Plot::kSingle;
    Scenario scenario;
    const Camera camera = bold ? options.camera.value_or(draw_camera(random)) : Camera::kStill;
    scenario.camera = draw_move(camera == Camera::kFollow || seconds <= 0 ? Camera::kStill : camera, seconds, random);
    scenario.setting = draw_setting(options, random);
    const Stage stage = stage_for(options, scenario.camera, seconds);
    if (!world::stage(plot, stage, random, scenario)) continue;
    light_the_black(scenario);
    Course course = simulate(scenario, seconds);
    if (!sound(course) && attempt < kAttempts) continue;
    ClipTruth truth = truth_of(scenario, course, options.shape);
    const bool confirmed = confirm(scenario, course, truth);
    if (!confirmed && attempt < kAttempts) continue;
    if (!confirmed) scenario.story = {};  // says nothing, so nothing false
    return {options.shape, plot, std::move(scenario), std::move(course), std::move(truth)};
  }
}

std::vector<std::uint8_t> pixels(const Take& take) {
  return draw(take.scenario, take.course, take.shape, take.truth.frames.back().time);
}

}  // namespace starling::train::world
