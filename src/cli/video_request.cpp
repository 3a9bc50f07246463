#include "cli/video_request.h"

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

#include "base/utf8.h"
#include "cli/prompt_expansion.h"
#include "cli/setup.h"
#include "generate/clip_process.h"
#include "generate/token_bound.h"

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
  options.flag("--expand", arguments.expand,
               "Tell the prompt as the model's training did, with what it leaves out; shows the result");
  options.text("--model", arguments.model,
               "Folder of a Wan model in the diffusers layout; the bundled one if not given");
  options.flag("--fast", arguments.fast, "With the model's kin of few steps, which is the model in its folder fast");
  options.number("--seconds", arguments.seconds, 0.0, 3600.0, "Duration, from the first frame to the last (2)");
  options.integer("--frames", arguments.frames, 1, 100'000, "Number of frames, instead of --seconds");
  options.text("--size", arguments.size, "WIDTHxHEIGHT in pixels (64x64 with the bundled model)");
  options.text("--fps", arguments.rate, "Frames a second, such as 8 or 30000/1001 (8 with the bundled model)");
  options.integer("--steps", arguments.steps, 1, generate::kMaxSteps, "Denoising steps (30 with the bundled model)");
  options.number("--guidance", arguments.guidance, 0.0, 100.0,
                 "How strongly the prompt leads; 1 is half the work (3 with the bundled model)");
  options.number("--shift", arguments.shift, 0.01, 100.0, "Shift of the noise schedule (the model's own)");
  options.text("--negative", arguments.negative, "What the video shall not show");
  options.text("--image", arguments.image, "A picture that the video begins with");
  options.text("--extend", arguments.extend, "A clip that the video goes on from, for --seconds more");
  options.choice("--direction", arguments.direction, {"forward", "backward"},
                 "Of --extend: after the clip (the default), or before it");
  options.text("--from", arguments.from, "A clip or picture that the video leads away from, to that of --to");
  options.text("--to", arguments.to, "A clip or picture that the video ends with; --seconds lie between");
  options.text("--edit", arguments.edit, "A clip that is made anew as the prompt says");
  options.number("--strength", arguments.strength, 0.0, 1.0,
                 "Of --edit: how much is made anew, 0 nothing, 1 everything (0.7)");
  options.flag("--loop", arguments.loop, "The end leads into the beginning");
  options.integer("--window", arguments.window, 0, 100'000,
                  "Frames made at a time, 0 for all: longer videos go on from their own last frames (the model's own)");
}

base::Status check_prompt(const VideoArguments& arguments) {
  STARLING_TRY(check_text(arguments.prompt, "prompt"));
  STARLING_TRY(check_text(arguments.negative, "negative prompt"));
  if (arguments.prompt.find_first_not_of(" \t\r\n") == std::string::npos) {
    return base::invalid("the prompt is empty: say what the video shall show");
  }
  return {};
}

namespace {

// What the person names with an option, if it is something.
std::string named(const char* option, const std::string& value) {
  return value.empty() ? std::string() : std::string(option);
}

base::Status check_ways_in(const VideoArguments& a) {
  std::vector<std::string> ways;
  for (const std::string& way : {named("--image", a.image), named("--extend", a.extend), named("--edit", a.edit),
                                 a.from.empty() ? named("--to", a.to) : named("--from", a.from)}) {
    if (!way.empty()) ways.push_back(way);
  }
  if (ways.size() > 1) {
    return base::invalid("give " + ways[0] + " or " + ways[1] + ", not both: a video goes on from one thing");
  }
  const std::string first = ways.empty() ? "" : ways[0];
  if (a.strength && a.edit.empty()) return base::invalid("--strength says how much of --edit is made anew: give both");
  if (a.direction != "forward" && a.extend.empty()) return base::invalid("--direction is for --extend: give both");
  if (a.loop && (first == "--edit" || !a.to.empty() || a.direction != "forward")) {
    return base::invalid("a loop ends where it begins: it cannot have an end of its own, nor be made anew");
  }
  if (!a.edit.empty() && (a.frames || a.seconds)) {
    return base::invalid("--edit keeps the clip's duration: cut the clip, and give neither --seconds nor --frames");
  }
  return {};
}

// Frames to be made beside those that are given, `beyond` more than whole strides.
base::Result<std::int64_t> new_frames(const VideoArguments& a, const models::ModelConfig& config,
                                      const generate::FrameRate& rate, std::int64_t beyond) {
  const std::int64_t stride = generate::frame_stride(config);
  std::int64_t frames = a.frames.value_or(0);
  if (!a.frames) {
    STARLING_ASSIGN(frames, generate::frames_lasting(config, a.seconds.value_or(2.0), rate));
    frames += beyond - 1;
  }
  if (frames >= 1 && (frames - beyond) % stride == 0) return frames;
  const std::int64_t least = beyond == 0 ? stride : beyond;
  const std::int64_t below = std::max(least, (frames - beyond) / stride * stride + beyond);
  return base::invalid(std::to_string(frames) + " new frames do not work here: they come as " + std::to_string(least) +
                       ", " + std::to_string(least + stride) + ", " + std::to_string(least + 2 * stride) +
                       ", ...; the nearest are " + std::to_string(below) + " and " + std::to_string(below + stride));
}

// Reads the files, and enters in the request what they give and how long the video then is.
base::Result<generate::GivenFrames> take_files(const VideoArguments& a, const models::ModelConfig& config,
                                               generate::TextToVideo& request) {
  const auto clip = [&](const std::string& file, generate::Place place,
                        std::int64_t most = 0) -> base::Result<video::Frames> {
    if (file.empty()) return video::Frames();
    const generate::ClipLimits limits = most == 1 ? generate::ClipLimits() : generate::limits_of_clip(file);
    STARLING_ASSIGN(video::Frames frames, generate::fit_clip_apart(std::filesystem::path(file), request, most, limits));
    return generate::in_strides(config, std::move(frames), place);
  };
  const bool backward = a.direction == "backward";
  if (!a.edit.empty()) {
    STARLING_ASSIGN(const video::Frames whole, clip(a.edit, generate::Place::kWhole));
    request.strength = static_cast<float>(a.strength.value_or(0.7));
    return generate::give(request, whole, {});
  }
  if (!a.image.empty()) {
    STARLING_ASSIGN(const video::Frames image, clip(a.image, generate::Place::kStart, 1));
    return generate::give(request, image, {});
  }
  const std::string& first = a.from.empty() && !backward ? a.extend : a.from;
  const std::string& last = a.to.empty() && backward ? a.extend : a.to;
  STARLING_ASSIGN(const video::Frames before, clip(first, generate::Place::kStart));
  STARLING_ASSIGN(const video::Frames after, clip(last, generate::Place::kEnd));
  if (before.count == 0 && after.count == 0) return generate::GivenFrames();
  // Without a start the first latent frame, which stands for one frame only, is among the new ones.
  const std::int64_t beyond = before.count == 0 ? 1 : request.loop ? generate::frame_stride(config) - 1 : 0;
  STARLING_ASSIGN(const std::int64_t made, new_frames(a, config, request.rate, beyond));
  request.frames = before.count + made + std::max(0, after.count - 1);
  return generate::give(request, before, after);
}

// In latent frames, 0 if one holds the whole video.
base::Result<std::int64_t> window_of(const VideoArguments& a, const models::ModelConfig& config,
                                     generate::TextToVideo request) {
  const std::int64_t stride = generate::frame_stride(config);
  request.window = 0;
  if (a.window && *a.window > 0 && (*a.window - 1) % stride != 0) {
    return base::invalid(std::to_string(*a.window) + " frames do not work as a window: the nearest are " +
                         std::to_string((*a.window - 1) / stride * stride + 1) + " and " +
                         std::to_string(((*a.window - 1) / stride + 1) * stride + 1));
  }
  const std::int64_t asked = a.window.value_or(0);
  const std::int64_t window = !a.window ? default_window(config) : asked == 0 ? 0 : config.vae.latent_frames(asked);
  STARLING_TRY(generate::check_request(config, request));
  return window >= generate::largest_window(config, request) ? 0 : window;
}

}  // namespace

base::Result<ReadyRequest> make_request(const VideoArguments& arguments, const std::filesystem::path& model,
                                        const models::ModelConfig& config, video::FileType type) {
  STARLING_TRY(check_ways_in(arguments));
  generate::TextToVideo request = default_request(config);
  request.prompt = arguments.prompt;
  request.negative = arguments.negative;
  request.seed = arguments.seed;
  if (!arguments.size.empty()) STARLING_TRY(read_size(arguments.size, request));
  if (!arguments.rate.empty()) {
    STARLING_ASSIGN(request.rate, generate::FrameRate::from_text(arguments.rate));
  }
  if (arguments.frames && arguments.seconds) return base::invalid("give either --seconds or --frames, not both");
  if (arguments.steps) request.steps = *arguments.steps;
  if (arguments.guidance) request.guidance = static_cast<float>(*arguments.guidance);
  if (arguments.shift) request.shift = static_cast<float>(*arguments.shift);
  request.frames = generate::frames_for_seconds(config, 2.0, request.rate);
  // The size, and all that does not depend on the files.
  request.loop = false;
  STARLING_TRY(generate::check_request(config, request));
  request.loop = arguments.loop;
  STARLING_ASSIGN(generate::GivenFrames given, take_files(arguments, config, request));
  const bool counts_itself = given != nullptr && arguments.image.empty();
  if (!counts_itself) {
    if (request.loop) {
      STARLING_ASSIGN(request.frames, new_frames(arguments, config, request.rate, 0));
    } else if (arguments.seconds) {
      STARLING_ASSIGN(request.frames, generate::frames_lasting(config, *arguments.seconds, request.rate));
    }
    if (type == video::FileType::kPng && !arguments.seconds && !request.loop) request.frames = 1;
    if (arguments.frames) request.frames = *arguments.frames;
  }
  // With known frames on both sides one of each is what models are trained for.
  if (request.loop || (request.start > 0 && request.end > 0)) request.context = 1;
  STARLING_ASSIGN(request.window, window_of(arguments, config, request));
  STARLING_TRY(generate::check_request(config, request));
  STARLING_TRY(generate::check_tokens(config, request));
  if (arguments.expand) {
    const bool moves = request.frames > generate::frame_stride(config);
    STARLING_ASSIGN(request.prompt, expand_prompt(model, arguments.prompt, moves));
  }
  if (type == video::FileType::kPng && request.frames != 1) {
    return base::invalid("a .png file holds one frame and this video has " + std::to_string(request.frames) +
                         ": write to a name such as frame-%04d.png, or ask for --frames 1");
  }
  return ReadyRequest{std::move(request), std::move(given)};
}

}  // namespace starling::cli
