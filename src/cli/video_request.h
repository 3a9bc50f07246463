#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "base/result.h"
#include "cli/command.h"
#include "generate/given.h"
#include "generate/text_to_video.h"
#include "models/checkpoint.h"
#include "video/writer.h"

namespace starling::cli {

// What a person says of a video that shall be made.
struct VideoArguments {
  std::string prompt;
  bool expand = false;
  std::string model;
  bool fast = false;
  std::string negative;
  std::string size;
  std::string rate;
  std::optional<double> seconds;
  std::optional<std::int64_t> frames;
  std::optional<std::int64_t> steps;
  std::optional<double> guidance;
  std::optional<double> shift;
  std::uint64_t seed = 0;
  // Files that the video goes on from.
  std::string image;
  std::string extend;
  std::string direction = "forward";
  std::string from;
  std::string to;
  std::string edit;
  std::optional<double> strength;
  bool loop = false;
  std::optional<std::int64_t> window;  // frames
};

// All of them but the prompt and the seed.
void declare_video_options(Options& options, VideoArguments& arguments);

// Whether the prompts are text, and the first says something.
base::Status check_prompt(const VideoArguments& arguments);
// What was asked for, with the frames that it goes on from, if it does.
struct ReadyRequest {
  generate::TextToVideo request;
  generate::GivenFrames given;
};
// With what the person does not say filled in, and the files read. model: the folder that config is of; type: of the
// file to write, which may hold a single frame only.
base::Result<ReadyRequest> make_request(const VideoArguments& arguments, const std::filesystem::path& model,
                                        const models::ModelConfig& config, video::FileType type);

}  // namespace starling::cli
