#pragma once

#include <memory>
#include <vector>

#include "base/result.h"
#include "exact/engine.h"
#include "generate/schedule.h"
#include "generate/text_to_video.h"
#include "models/checkpoint.h"
#include "video/frames.h"

namespace starling::generate {

// Pictures of a video that is being denoised. After a step from σ to σ' that moved the latent from x to x', the flow
// was (x' − x) / (σ' − σ), and the clean latent that the model has in mind is x' − σ'·flow. Of that one latent frame is
// decoded alone: the first of the window that was not known before. So a preview costs a small part of the decoding at
// the end; no bit of the video comes from it. A large latent is made smaller first, each value the mean of a square.
class Preview {
 public:
  // For all requests of one program; model outlives it.
  static base::Result<Preview> make(const models::Checkpoint& model, const TextToVideo& request);

  // before, after: the latent of the step's window before and after it. The engine is one that runs nothing else now.
  base::Result<video::Picture> picture(exact::Engine& engine, const CallRole& step, const exact::Tensor& before,
                                       const exact::Tensor& after) const;

 private:
  explicit Preview(exact::Plan plan) : plan_(std::move(plan)) {}

  exact::Plan plan_;  // of the decoder for one latent frame
  std::vector<exact::Tensor> operands_;
  std::size_t latent_at_ = 0;  // among the operands
  std::vector<Step> steps_;
  std::vector<std::int64_t> shown_;  // by window, the latent frame in it
  std::int64_t rows_ = 0;            // of a latent frame
  std::int64_t columns_ = 0;
  std::int64_t factor_ = 1;  // by which it is made smaller
  std::int64_t width_ = 0;   // of a picture, in pixels
  std::int64_t height_ = 0;
};

}  // namespace starling::generate
