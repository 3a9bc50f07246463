#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "cli/setup.h"
#include "generate/text_to_video.h"

namespace starling::cli {

struct EvaluateArguments {
  std::string model;
  std::string against;
  std::int64_t world = 1;
  std::string source = "model";
  std::string vae;
  std::int64_t clips = 100;
  std::optional<std::int64_t> steps;
  std::optional<double> guidance;
  std::optional<std::int64_t> width, height, frames;
  bool trained = false;
  bool diversity = false;
  bool fast = false;
  std::string plot;
  std::string html;
  std::int64_t shown = 24;
  std::uint64_t seed = 0;
  std::int64_t threads = 0;
  bool json = false;
};

// A video as generate would make it, and its latent.
struct MadeClip {
  std::vector<std::uint8_t> pixels;
  exact::Tensor latent;
};
base::Result<MadeClip> make_clip(const models::Checkpoint& model, Machine& machine,
                                 const generate::TextToVideo& request);

// By the world's second version.
base::Result<int> evaluate_world(const EvaluateArguments& arguments);

}  // namespace starling::cli
