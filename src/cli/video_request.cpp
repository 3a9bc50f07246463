#include "cli/video_request.h"

#include <charconv>

#include "base/utf8.h"
#include "cli/setup.h"

namespace starling::cli {
namespace {

base::Status check_text(const std::string& text, const char* what) {
  if (const auto at = base::first_invalid_utf8(text)) {
    return base::invalid("the " + std::string(what) + " is not UTF-8: byte " + std::to_string(*at + 1) +
                         " does not belong; write it in UTF-8");
  }
  return {};
}

base::Status read_size(const std::string& text, generate::TextToVideo& request) {
  const std::size_t cross = text.find('x');
  const auto number = [&](std::string_view digits, std::int64_t& value) {
    const auto end = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return end.ec == std::errc() && end.ptr == digits.data() + digits.size() && value > 0;
  };
  const std::string_view view = text;
  if (cross == std::string::npos || !number(view.substr(0, cross), request.width) ||
      !number(view.substr(cross + 1), request.height)) {
    return base::invalid("\"" + text + "\" is not a size: give WIDTHxHEIGHT in pixels, such as 64x64");
  }
  return {};
}

}  // namespace

void declare_video_options(Options& options, VideoArguments& arguments) {
  options.text("--model", arguments.model,
               "Folder of a Wan model in the diffusers layout; the bundled one if not given");
  options.number("--seconds", arguments.seconds, 0.0, 3600.0, "Duration, from the first frame to the last (2)");
  options.integer("--frames", arguments.frames, 1, 100'000, "Number of frames, instead of --seconds");
  options.text("--size", arguments.size, "WIDTHxHEIGHT in pixels (64x64 with the bundled model)");
  options.text("--fps", arguments.rate, "Frames a second, such as 8 or 30000/1001 (8 with the bundled model)");
  options.integer("--steps", arguments.steps, 1, generate::kMaxSteps, "Denoising steps (30 with the bundled model)");
  options.number("--guidance", arguments.guidance, 0.0, 100.0,
                 "How strongly the prompt leads; 1 is half the work (3 with the bundled model)");
  options.number("--shift", arguments.shift, 0.01, 100.0, "Shift of the noise schedule (the model's own)");
  options.text("--negative", arguments.negative, "What the video shall not show");
}

base::Status check_prompt(const VideoArguments& arguments) {
  STARLING_TRY(check_text(arguments.prompt, "prompt"));
  STARLING_TRY(check_text(arguments.negative, "negative prompt"));
  if (arguments.prompt.find_first_not_of(" \t\r\n") == std::string::npos) {
    return base::invalid("the prompt is empty: say what the video shall show");
  }
  return {};
}

base::Result<generate::TextToVideo> make_request(const VideoArguments& arguments, const models::ModelConfig& config,
                                                 video::FileType type) {
  generate::TextToVideo request = default_request(config);
  request.prompt = arguments.prompt;
  request.negative = arguments.negative;
  request.seed = arguments.seed;
  if (!arguments.size.empty()) STARLING_TRY(read_size(arguments.size, request));
  if (!arguments.rate.empty()) {
    STARLING_ASSIGN(request.rate, generate::FrameRate::from_text(arguments.rate));
  }
  if (arguments.frames && arguments.seconds) return base::invalid("give either --seconds or --frames, not both");
  request.frames = generate::frames_for_seconds(config, 2.0, request.rate);
  if (arguments.seconds) {
    STARLING_ASSIGN(request.frames, generate::frames_lasting(config, *arguments.seconds, request.rate));
  }
  if (type == video::FileType::kPng && !arguments.seconds) request.frames = 1;
  if (arguments.frames) request.frames = *arguments.frames;
  if (arguments.steps) request.steps = *arguments.steps;
  if (arguments.guidance) request.guidance = static_cast<float>(*arguments.guidance);
  if (arguments.shift) request.shift = static_cast<float>(*arguments.shift);
  STARLING_TRY(generate::check_request(config, request));
  if (type == video::FileType::kPng && request.frames != 1) {
    return base::invalid("a .png file holds one frame and this video has " + std::to_string(request.frames) +
                         ": write to a name such as frame-%04d.png, or ask for --frames 1");
  }
  return request;
}

}  // namespace starling::cli
