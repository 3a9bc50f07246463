#pragma once

#include <chrono>
#include <optional>

#include "base/result.h"
#include "exact/engine.h"
#include "generate/preview.h"
#include "generate/text_to_video.h"
#include "jobs/maker.h"
#include "models/checkpoint.h"

namespace starling::jobs {

// Shows what a video looks like while it is made, if somebody watches: after its first step, and then as often, evenly,
// as takes a twentieth of the time of all steps at most.
class Previews {
 public:
  // model outlives this.
  explicit Previews(const models::Checkpoint& model) : model_(model) {}

  // Another video begins. same_program: as the one before.
  void begin(bool same_program);
  // After the call that gave this latent. The engine is the one that makes the video.
  base::Status see(const Making& making, const generate::CallLayout& calls, std::uint32_t call,
                   const exact::Tensor& latent, exact::Engine& engine);

 private:
  using Clock = std::chrono::steady_clock;
  bool is_time(const generate::CallLayout& calls, const generate::CallRole& step, Clock::time_point now) const;
  base::Status show(const Making& making, const generate::CallLayout& calls, const generate::CallRole& step,
                    const exact::Tensor& latent, exact::Engine& engine);

  const models::Checkpoint& model_;
  std::optional<generate::Preview> preview_;
  exact::Tensor before_;  // the latent before the step that is run now
  bool failed_ = false;
  Clock::time_point began_;
  Clock::duration spent_{};
  Clock::duration last_{};  // what a picture took, of this video or one before it
  double count_ = 0;        // that were shown of this video
};

}  // namespace starling::jobs
