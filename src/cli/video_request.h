#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "cli/command.h"
#include "generate/text_to_video.h"
#include "models/checkpoint.h"
#include "video/writer.h"

namespace starling::cli {

// What a person says of a video that shall be made.
struct VideoArguments {
  std::string prompt;
  std::string model;
  std::string negative;
  std::string size;
  std::string rate;
  std::optional<double> seconds;
  std::optional<std::int64_t> frames;
  std::optional<std::int64_t> steps;
  std::optional<double> guidance;
  std::optional<double> shift;
  std::uint64_t seed = 0;
};

// All of them but the prompt and the seed.
void declare_video_options(Options& options, VideoArguments& arguments);

// Whether the prompts are text, and the first says something.
base::Status check_prompt(const VideoArguments& arguments);
// With what the person does not say filled in. type: of the file, which may hold a single frame only.
base::Result<generate::TextToVideo> make_request(const VideoArguments& arguments, const models::ModelConfig& config,
                                                 video::FileType type);

}  // namespace starling::cli
