#include "train/first_world/evaluation.h"

#include "train/first_world/render.h"
#include "train/world/random.h"

namespace starling::train {

namespace {

// Sets evaluation apart from training: data sets derive their keys from other constants.
constexpr std::uint64_t kEvaluationKey = 0x6576616c75617465U;

base::Result<generate::Detection> measure_bytes(const std::vector<std::uint8_t>& bytes, const ClipShape& shape) {
  return generate::measure({bytes, shape.frames, shape.height, shape.width, shape.fps});
}

}  // namespace

std::vector<EvaluationItem> evaluation_items(const EvaluationOptions& options) {
  const ClipShape& shape = options.shape;
  const SceneOptions scene = scene_options(shape.width, shape.height, shape.frames, shape.fps, options.split);
  std::vector<EvaluationItem> items;
  for (std::size_t i = 0; i < options.clips; ++i) {
    const std::uint64_t key = derive(derive(kEvaluationKey, options.seed), i);
    EvaluationItem item;
    item.scene = sample_scene(key, scene);
    item.language = options.chinese && i % 3 == 2 ? Language::kChinese : Language::kEnglish;
    item.caption = caption(item.scene.attributes, item.language, derive(key, 2));
    item.expected = parse_caption(item.caption).attributes;
    if (!item.expected.direction) item.expected.direction = generate::Direction::kNone;
    item.seed = derive(key, 3) >> 32U;
    items.push_back(std::move(item));
  }
  return items;
}

base::Result<EvaluationReport> evaluate_world(const EvaluationOptions& options, const MakeVideo& make_video,
                                              const std::function<base::Status(std::size_t)>& progress) {
  const std::vector<EvaluationItem> items = evaluation_items(options);
  EvaluationReport report;
  report.clips = items.size();
  std::vector<generate::PartialAttributes> expected;
  std::vector<generate::Detection> real;
  for (const auto& item : items) {
    STARLING_ASSIGN(const auto made, make_video(item, options.shape));
    STARLING_ASSIGN(auto detection, measure_bytes(made, options.shape));
    report.detections.push_back(std::move(detection));
    const ClipShape& shape = options.shape;
    STARLING_ASSIGN(const auto drawn, render(item.scene, shape.width, shape.height, shape.frames, shape.fps));
    STARLING_ASSIGN(auto truth, measure_bytes(drawn, shape));
    real.push_back(std::move(truth));
    expected.push_back(item.expected);
    if (progress) STARLING_TRY(progress(expected.size()));
  }
  report.scores = generate::score(report.detections, expected);
  report.floor = generate::score_shuffled(report.detections, expected);
  report.ceiling = generate::score(real, expected);
  return report;
}

namespace {

// Without a clip that was judged there is no number.
base::Json number(const generate::Score& score, double value) { return score.count == 0 ? base::Json() : value; }

}  // namespace

base::Json evaluation_json(const EvaluationReport& report, std::string_view model) {
  base::Json scores = base::Json::empty_object();
  for (std::size_t m = 0; m < generate::kMeasures; ++m) {
    const generate::Score& score = report.scores[m];
    base::Json entry = base::Json::empty_object();
    entry.set("value", number(score, score.value)).set("low", number(score, score.low));
    entry.set("high", number(score, score.high)).set("count", score.count);
    entry.set("floor", number(report.floor[m], report.floor[m].value));
    entry.set("ceiling", number(report.ceiling[m], report.ceiling[m].value));
    scores.set(generate::name(static_cast<generate::Measure>(m)), std::move(entry));
  }
  base::Json json = base::Json::empty_object();
  json.set("model", model).set("clips", report.clips).set("scores", std::move(scores));
  return json;
}

}  // namespace starling::train
