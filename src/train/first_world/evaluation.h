#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "generate/measure_score.h"
#include "train/first_world/caption.h"
#include "train/first_world/scene.h"

namespace starling::train {

// One caption that no training ever used, and what it promises.
struct EvaluationItem {
  Scene scene;
  Language language = Language::kEnglish;
  std::string caption;
  generate::PartialAttributes expected;  // what the caption says
  std::uint64_t seed = 0;                // for the noise a video is made from
};

// How a set of captions is drawn.
struct EvaluationOptions {
  std::size_t clips = 100;
  Split split = Split::kAny;  // kHeldOut: only compositions that were never trained on
  ClipShape shape;
  bool chinese = true;  // every third caption
  std::uint64_t seed = 0;
};

// The same options give the same items. Their seeds lie apart from every WorldDataset's: no scene is shared but by
// a coincidence of 64 bits.
std::vector<EvaluationItem> evaluation_items(const EvaluationOptions& options);

// Makes the frames of an item: shape.frames × height × width × 3 bytes, RGB.
using MakeVideo = std::function<base::Result<std::vector<std::uint8_t>>(const EvaluationItem&, const ClipShape&)>;

// The scores of a way to make videos, between the floor (its videos against other captions) and the ceiling (clips of
// the world itself).
struct EvaluationReport {
  std::size_t clips = 0;
  generate::Scores scores;
  generate::Scores floor;
  generate::Scores ceiling;
  std::vector<generate::Detection> detections;  // one an item
};

// Calls `progress` with the number of items done, and stops with its error if it gives one.
base::Result<EvaluationReport> evaluate_world(const EvaluationOptions& options, const MakeVideo& make_video,
                                              const std::function<base::Status(std::size_t)>& progress = {});

// {"model": …, "clips": …, "scores": {NAME: {"value", "low", "high", "count", "floor", "ceiling"}}}; the
// numbers of a score by which nothing was judged (count 0) are null.
base::Json evaluation_json(const EvaluationReport& report, std::string_view model);

}  // namespace starling::train
