#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "exact/program.h"
#include "models/checkpoint.h"

namespace starling::generate {

// Frames a second as a fraction in lowest terms.
struct FrameRate {
  std::int64_t numerator = 8;
  std::int64_t denominator = 1;

  static base::Result<FrameRate> from_text(std::string_view text);  // "8" or "30000/1001"
  std::string text() const;
  double per_second() const { return static_cast<double>(numerator) / static_cast<double>(denominator); }
};

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

// Which call does what. Steps and decodes follow each other in order.
struct CallLayout {
  std::uint32_t encode = 0;  // tokens to text embeddings
  std::uint32_t noise = 0;
  std::uint32_t contexts = 0;  // what the transformer's blocks make of the text
  std::uint32_t first_step = 0;
  std::uint32_t steps = 0;
  std::uint32_t split = 0;  // the latent into its frames
  std::uint32_t first_decode = 0;
  std::uint32_t decodes = 0;
  std::int64_t latent_frames_per_decode = 1;  // fewer in the last

  // "step 3 of 30", for messages.
  std::string describe(std::uint32_t call) const;
};

// Text to video as a program. Inputs: "tokens" i32[B, L] and "mask" f32[B, L] (1 for a token, 0 for padding), with the
// prompt first and, when there is guidance, the negative prompt second; "seed" i32[2], low half first. Outputs:
// "frames.0", "frames.1", ...: f32[1, n, height, width, 3], in [-1, 1] but for what the decoder overshoots.
//
// The calls: encode; noise; contexts; one for each step, all of the same graph, whose timestep and sizes are literals
// and whose only output is the latent; split; decodes of some latent frames each, which hand their caches on.
// The prompt does not show in the program, so every prompt of one size has one program and one price.
//
// A decode takes as many latent frames as make kDecodedPixels, but one at least: enough to keep the caches small beside
// the work, and memory bounded whatever the duration.
inline constexpr std::int64_t kDecodedPixels = 1 << 17;
std::int64_t latent_frames_per_decode(const models::VaeConfig& vae, const TextToVideo& request);

struct TextToVideoProgram {
  exact::Program program;
  CallLayout calls;
};
// kCancelled once interrupted.
base::Result<TextToVideoProgram> text_to_video_program(const models::ModelConfig& config, const TextToVideo& request);

// Bytes that the program takes at the least beside weights, known without building it: about a third of what large
// videos take. Precondition: check_request() found nothing.
std::uint64_t least_memory(const models::ModelConfig& config, const TextToVideo& request);

// Whether an output is kept beside the receipt: what is costly to make again and small, the text embeddings and the
// latents between the steps.
bool is_kept(const CallLayout& calls, std::uint32_t call);

}  // namespace starling::generate
