#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/hash.h"
#include "base/json.h"
#include "base/result.h"
#include "exact/program.h"
#include "generate/schedule.h"
#include "generate/windows.h"
#include "models/checkpoint.h"
#include "models/wan_vae.h"

namespace starling::generate {

// Frames a second as a fraction in lowest terms.
struct FrameRate {
  std::int64_t numerator = 8;
  std::int64_t denominator = 1;

  static base::Result<FrameRate> from_text(std::string_view text);  // "8" or "30000/1001"
  std::string text() const;
  double per_second() const { return static_cast<double>(numerator) / static_cast<double>(denominator); }
};

inline constexpr std::int64_t kDefaultContext = 2;  // of windows, in latent frames

// What a video is asked to be. With the model it decides every bit of it.
struct TextToVideo {
  std::string prompt;
  std::string negative;     // what guidance leads away from
  std::int64_t width = 64;  // pixels
  std::int64_t height = 64;
  std::int64_t frames = 17;
  FrameRate rate;
  std::int64_t steps = 30;
  float guidance = 3.0F;  // 1: none, and then half the work
  float shift = 1.0F;     // of the noise schedule
  std::uint64_t seed = 0;

  // What it goes on from: frames that are given. None: text alone.
  std::int64_t start = 0;           // the first frames, 1 + k strides
  std::int64_t end = 0;             // the last frames, k strides
  std::optional<base::Hash> given;  // root of these frames (given.h); there when one of both is
  // The frames of start are the whole video, and are made anew from this share of the noise, 0 to 1.
  std::optional<float> strength;
  bool loop = false;  // the last frame leads to the first; frames is then k strides
  // Latent frames made at a time, 0: all of them; and known ones that each window goes on from (windows.h).
  std::int64_t window = 0;
  std::int64_t context = kDefaultContext;

  // Whether anything but text decides it.
  bool has_given() const { return start > 0 || end > 0; }
  // Whether frames may be known while others are made.
  bool goes_on() const { return has_given() || loop || window > 0; }
  // The frames that are given: one more before those of the end, which the encoder needs to begin with.
  std::int64_t given_frames() const { return start + (end > 0 ? end + 1 : 0); }
};

// As the parameters of a receipt: an object without fractions. Numbers of type f32 are texts in their shortest form.
base::Json to_json(const TextToVideo& request);
base::Result<TextToVideo> text_to_video_from_json(const base::Json& json);

inline constexpr std::int64_t kMaxSteps = 1000;
inline constexpr std::int64_t kMaxPromptBytes = 100'000;

// Pixels on a side, and frames beyond the first, come in multiples of these.
std::int64_t size_stride(const models::ModelConfig& config);
std::int64_t frame_stride(const models::ModelConfig& config);
// The number of frames that works and is nearest to that duration.
std::int64_t frames_for_seconds(const models::ModelConfig& config, double seconds, const FrameRate& rate);
// The same if it lasts that long, from the first frame to the last or to the end of the last, up to half a frame; else
// an error that names the nearest durations.
base::Result<std::int64_t> frames_lasting(const models::ModelConfig& config, double seconds, const FrameRate& rate);
// An error that names the nearest sizes that work, or the bound that was passed.
base::Status check_request(const models::ModelConfig& config, const TextToVideo& request);

// The latent frames of a video. Precondition: check_request() found nothing.
Timeline timeline_of(const models::ModelConfig& config, const TextToVideo& request);
// Of those, how many the largest window has.
std::int64_t largest_window(const models::ModelConfig& config, const TextToVideo& request);
// The steps that each window runs: all, or those from the noise that the given frames are made anew from.
std::vector<Step> steps_of(const models::ModelConfig& config, const TextToVideo& request);

enum class CallKind : std::uint8_t { kText, kEncode, kGiven, kNoise, kContexts, kStep, kSplit, kTile, kDecode };

// A word for programs: "text", "encode", "given", "noise", "contexts", "step", "split", "tile", "decode".
const char* kind_name(CallKind kind);

struct CallRole {
  CallKind kind = CallKind::kText;
  std::uint32_t index = 0;       // of encodes, decodes and parts of tiles: which; of steps: which of the window's
  std::uint32_t window = 0;      // of noises and steps
  std::int64_t first_frame = 0;  // of decodes, in the video
};

// Which call does what.
struct CallLayout {
  std::vector<CallRole> roles;   // by call
  std::uint32_t first_step = 0;  // the first call that is a step
  std::uint32_t last_step = 0;
  std::uint32_t first_decode = 0;
  std::uint32_t steps = 0;  // of each window
  std::uint32_t windows = 0;
  std::uint32_t encodes = 0;
  std::uint32_t decodes = 0;
  std::uint32_t tile_parts = 0;  // calls before the decodes, of pictures that are decoded by tiles

  bool is_decode(std::uint32_t call) const { return roles[call].kind == CallKind::kDecode; }
  // "step 3 of 30", for messages.
  std::string describe(std::uint32_t call) const;
};

// An input of the program that holds given frames, u8[1, frames, height, width, 3].
struct GivenInput {
  std::string name;
  std::int64_t first = 0;  // among the given frames, those of the start before those of the end
  std::int64_t frames = 0;
};

// Text to video as a program. Inputs: "tokens" i32[B, L] and "mask" f32[B, L] (1 for a token, 0 for padding), with the
// prompt first and, when there is guidance, the negative prompt second; "seed" i32[2], low half first. Outputs:
// "frames.0", "frames.1", ...: f32[1, n, height, width, 3], in [-1, 1] but for what the decoder overshoots.
//
// The calls: encode; noise; contexts; one for each step, all of the same graph, whose timestep and sizes are literals
// and whose only output is the latent; split; decodes of some latent frames each, which hand their caches on.
// The prompt does not show in the program, so every prompt of one size has one program and one price.
//
// With frames that are given the inputs "start.0", "start.1", ... and "end.0", ... hold them, as many to each as a
// decode makes; calls encode them, the caches handed on likewise, and one more for the start and one for the end puts
// the latents together. With windows, noise, steps, split and decodes come again for each; what is known of a window
// stands in its noise already, and the timesteps are one for each of its latent frames.
//
// A decode takes as many latent frames as make kDecodedPixels, but one at least: enough to keep the caches small beside
// the work, and memory bounded whatever the duration.
inline constexpr std::int64_t kDecodedPixels = 1 << 17;
std::int64_t latent_frames_per_decode(const models::VaeConfig& vae, const TextToVideo& request);

// Large pictures are worked on in tiles, since their caches would not fit into memory. Sizes are of numbers where a
// picture is finest: as many as 1,024 and 400 latents of Wan 2.1 have.
struct Tiling {
  std::int64_t whole = std::int64_t{1024} * 64 * 96;  // of a picture that is not cut
  std::int64_t whole_latents = 1024;                  // nor is one of so few latents
  std::int64_t tile = std::int64_t{400} * 64 * 96;
  std::int64_t tile_latents = 256;  // of a tile, if it must be smaller than that: margins would be most of it
  // Parts of a clip that are worked on tile by tile, before the next ones. The fewer, the more often the tiles' caches
  // go to a file and back; the more, the longer frames wait.
  std::size_t parts = 32;
};

// The tiles that a picture is decoded in; one for most. Else the bases of some parts of the clip are made first, then,
// tile by tile, the pixels of these parts, and a decode for each part puts its tiles together.
std::vector<models::VaeTile> decode_tiles(const models::VaeConfig& vae, const TextToVideo& request,
                                          const Tiling& tiling = {});
// Likewise of given frames: tiles first, then, part by part, what needs the whole picture.
std::vector<models::VaeTile> encode_tiles(const models::VaeConfig& vae, const TextToVideo& request,
                                          const Tiling& tiling = {});

// The latent frames of each decode in order.
std::vector<std::int64_t> decode_parts(const models::ModelConfig& config, const TextToVideo& request);

struct TextToVideoProgram {
  exact::Program program;
  CallLayout calls;
  std::vector<GivenInput> given;
};
// kCancelled once interrupted. Another tiling gives other calls with the same bits.
base::Result<TextToVideoProgram> text_to_video_program(const models::ModelConfig& config, const TextToVideo& request,
                                                       const Tiling& tiling = {});

// Bytes that the program takes at the least beside weights, known without building it: about a third of what large
// videos take. Precondition: check_request() found nothing.
std::uint64_t least_memory(const models::ModelConfig& config, const TextToVideo& request);

// Whether an output is kept beside the receipt: what is costly to make again and small, the text embeddings and the
// latents, given and between the steps.
bool is_kept(const CallLayout& calls, std::uint32_t call);

}  // namespace starling::generate
